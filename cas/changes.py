"""What changed between two manifests: each ingredient with its place and its lines, for a person.

Told from the manifests alone, which a foreign store may have made up: nothing here recurses, trusts a name, or executes
anything (I7). Manifests that fold to different fingerprints differ in something that is named.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict, deque
from difflib import unified_diff
from itertools import zip_longest
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterator, Sequence

    from cas.manifest import Ingredient, Manifest

# A foreign store may hold sources that would take hours to compare line by line.
_LONGEST = 2000
# A function of one line, or a longer value, reads better with one state below the other.
_SHORT = 80
# Names in a path: nobody reads the whole of a chain of 3,000 calls.
_DEEPEST = 40


class Relink(NamedTuple):
    """A reference that leads elsewhere: its label, and the names it led to and leads to; empty for nothing.

    Names that are equal have the start of a digest behind them.
    """

    label: str
    was: str
    now: str


class Change(NamedTuple):
    """One ingredient that is not what it was.

    Attributes:
        how: `changed`, `added`, `removed`, or `relinked`: the same by itself, but it refers to other things.
        old: As it was; None if it is new.
        new: As it is; None if it is gone.
        path: Names from the function down to it, in the manifest where it stands; of a long chain the last ones.
        links: What it refers to otherwise than before, as far as no other change says so.
    """

    how: str
    old: Ingredient | None
    new: Ingredient | None
    path: tuple[str, ...]
    links: tuple[Relink, ...] = ()

    @property
    def ingredient(self) -> Ingredient:
        """The ingredient as it is, or as it was if it is gone."""
        return self.new or self.old  # type: ignore[return-value]  # one of them is there


def compare(old: Manifest, new: Manifest) -> list[Change]:
    """Return what makes two manifests fold to different fingerprints: the function first, then in walk order.

    Notes make no change, nor do names alone, nor the part of a package's version that is not pinned.
    """
    match = _match(old, new)
    back = {now: was for was, now in match.items()}
    gone, come = _unmatched(old, match, new), _unmatched(new, back, old)
    path, rank = _walk(new)
    found: list[tuple[tuple[int, int, int], Change]] = []
    for place, now in enumerate(new):
        if place in come:
            found.append(((*rank(place), 0), Change("added", None, now, path(place))))
        elif place in back:
            was = old[back[place]]
            links = _relinked((old, was, gone), (new, now, come), match)
            if was.digest != now.digest or links:
                how = "changed" if was.digest != now.digest else "relinked"
                found.append(((*rank(place), 0), Change(how, was, now, path(place), links)))
    path, after = _walk(old)[0], 0
    for place, was in enumerate(old):
        after = match.get(place, after)
        if place in gone:
            found.append(((*rank(after), 1), Change("removed", was, None, path(place))))
    return [change for _, change in sorted(found, key=lambda one: one[0])]


def describe(change: Change) -> list[str]:
    """Return lines that show a change: a unified diff, `old -> new`, versions, or what it refers to now."""
    lines = [_told(*link) for link in change.links]
    old, new = change.old, change.new
    if new is None or old is None:
        sign = "+" if old is None else "-"
        return [sign + line for line in _lines(change.ingredient)] + lines
    if change.how == "relinked":
        return lines
    if old.kind != new.kind:
        lines.insert(0, f"was a {old.kind}, is a {new.kind}")
    elif old.name != new.name:
        lines.insert(0, f"was called {old.name}, is called {new.name}")
    return [*_difference(old, new), *lines]


def short_name(ingredient: Ingredient) -> str:
    """Return what an ingredient is called in few letters: a distribution by its name, a file without its folder."""
    if ingredient.kind == "package":
        return ingredient.origin.partition("==")[0]
    if ingredient.kind == "file":
        return ingredient.name.rpartition("/")[2]
    return last_name(ingredient.name)


def last_name(name: str) -> str:
    """Return the end of a name: `scale` of `lab.filters.scale`, `gain` of `lab.analyse d:gain`."""
    text = name.rpartition(" ")[2].rpartition(".")[2]
    return text.partition(":")[2] or text


def names(changes: Sequence[Change], short: bool = True) -> list[str]:
    """Return names of what changed, each once; of what came or went together, only what leads to the rest."""
    whole = {change.path for change in changes if change.how in ("added", "removed")}
    found: dict[str, None] = {}
    for change in changes:
        one = change.ingredient
        if one.kind == "root" and change.links:
            led = [link.now or link.was for link in change.links]
            found |= dict.fromkeys(map(last_name, led) if short else led)
        elif change.how not in ("added", "removed") or change.path[:-1] not in whole:
            found[short_name(one) if short or one.kind == "package" else one.name] = None
    return list(found)


def packages(manifest: Manifest) -> dict[str, str]:
    """Return the version of each distribution in a manifest, by name."""
    origins = sorted({found.origin for found in manifest if found.kind == "package"})
    return {name: version for name, _, version in (origin.partition("==") for origin in origins)}


# Which ingredient stands for which


def _match(old: Manifest, new: Manifest) -> dict[int, int]:
    """Return places in `old` by what they have become in `new`: first the same, then by name, then by content."""
    if not old or not new:
        return {}
    match = {0: 0}
    if function_place(old) and function_place(new):
        match[function_place(old)] = function_place(new)
    for key, unique in _KEYS:
        free = [place for place, found in enumerate(old) if place not in match]
        taken = set(match.values())
        waiting: dict[object, deque[int]] = defaultdict(deque)
        for place, found in enumerate(new):
            if place not in taken:
                waiting[key(found)].append(place)
        counts = Counter(key(old[place]) for place in free)
        for place in free:
            name = key(old[place])
            places = waiting.get(name)
            # By content only where there is one candidate: all lists of functions, say, have one digest.
            if name is not None and places and not (unique and (len(places) > 1 or counts[name] > 1)):
                match[place] = places.popleft()
    return match


def _renamed(found: Ingredient) -> object:
    """Return what a function is without its name; None if there are no lines to tell by."""
    if found.kind != "function" or found.source is None:
        return None
    return re.sub(rf"\b{re.escape(found.name.rpartition('.')[2])}\b", "", found.source)


_KEYS: tuple[tuple[Callable[[Ingredient], object], bool], ...] = (
    (lambda found: (found.kind, found.name, found.digest), False),
    (lambda found: (found.kind, found.name), False),
    (lambda found: found.name, False),
    (lambda found: (found.kind, found.digest), True),
    (_renamed, True),
)


def function_place(manifest: Manifest) -> int:
    """Return the place of the function itself; that of the root if there is none."""
    return next((place for label, place in manifest[0].links if label == "f"), 0) if manifest else 0


def _unmatched(manifest: Manifest, matched: Container[int], other: Manifest) -> set[int]:
    """Return the places of what only this manifest has.

    What refers to nothing counts by its digest: the same constant under another name makes no difference.
    """
    leaves = {found.digest for found in other if not found.links}
    return {
        place
        for place, found in enumerate(manifest)
        if place not in matched and found.kind != "note" and (found.links or found.digest not in leaves)
    }


_Side = tuple["Manifest", "Ingredient", set[int]]
"""A manifest, the ingredient in it, and the places of what only it has."""


def _relinked(before: _Side, after: _Side, match: dict[int, int]) -> tuple[Relink, ...]:
    """Return the labels that lead elsewhere, those left out whose target was added or removed and says it itself."""
    (old, was, gone), (new, now, come) = before, after
    labels: dict[str, tuple[list[int], list[int]]] = {}
    for side, ingredient in enumerate((was, now)):
        for label, place in ingredient.links:
            labels.setdefault(label, ([], []))[side].append(place)
    found: list[Relink] = []
    for label, targets in labels.items():
        for led, leads in zip_longest(*targets):
            if leads is None:
                if led not in gone:
                    found.append(Relink(label, old[led].name, ""))
            elif led is None:
                if leads not in come:
                    found.append(Relink(label, "", new[leads].name))
            elif match.get(led) != leads and not _equal_leaves(old[led], new[leads]):
                pair = old[led], new[leads]
                same = pair[0].name == pair[1].name
                found.append(
                    Relink(label, *(f"{one.name} {one.digest.hex()[:8]}" if same else one.name for one in pair))
                )
    if was.digest != now.digest and now.source is not None:  # its own lines say what it has begun or ceased to name
        found = [link for link in found if link.was and link.now]
    return tuple(sorted(found))


def _equal_leaves(old: Ingredient, new: Ingredient) -> bool:
    return not old.links and not new.links and old.digest == new.digest


def _walk(manifest: Manifest) -> tuple[Callable[[int], tuple[str, ...]], Callable[[int], tuple[int, int]]]:
    """Return what tells a short way to a place, and what puts places in order: what the function reaches goes first."""
    above: dict[int, int] = {}
    start = function_place(manifest)
    reached = {start: 0, 0: 1}
    for first in (start, *(place for _, place in manifest[0].links)) if manifest else ():
        group = 2 if first == start else 3
        reached.setdefault(first, group)
        pending = deque([first])
        while pending:
            place = pending.popleft()
            for _, target in manifest[place].links:
                if target not in reached:
                    reached[target] = group
                    above[target] = place
                    pending.append(target)

    def path(place: int) -> tuple[str, ...]:
        way = [manifest[place].name]
        while place in above and len(way) < _DEEPEST:
            place = above[place]
            way.append(manifest[place].name)
        return (*(["..."] if place in above else []), *reversed(way))

    return path, lambda place: (reached.get(place, 3), place)


# What a person sees


def _difference(old: Ingredient, new: Ingredient) -> Iterator[str]:
    """Yield what is different between two states of one ingredient by itself."""
    before, after = _lines(old), _lines(new)
    if old.origin != new.origin:
        (name, _, was), (other, _, now) = old.origin.partition("=="), new.origin.partition("==")
        yield f"{name} {was} -> {now}" if name == other else f"{old.origin} -> {new.origin}"
    elif old.kind == "package":
        yield f"{new.origin.replace('==', ' ')}, pinned otherwise"
    elif max(len(before), len(after)) > _LONGEST:
        yield f"{len(before):,} lines -> {len(after):,} lines, too many to compare"
    elif len(before) == len(after) == 1 and len(before[0] + after[0]) <= _SHORT:
        yield f"{before[0].strip()} -> {after[0].strip()}"
    elif before != after:
        yield from list(unified_diff(before, after, lineterm=""))[2:]
    elif (old.kind, old.name) == (new.kind, new.name):
        yield f"what is seen of it is the same, its digest is not: {old.digest.hex()[:8]} -> {new.digest.hex()[:8]}"


def _told(label: str, was: str, now: str) -> str:
    if was and now:
        return f"{_label(label)} was {was}, is {now}"
    return f"{_label(label)} is {'new' if now else 'gone'}: {now or was}"


_LABELS = {"r": "the class of an argument", "x": "depends="}


def _label(label: str) -> str:
    """Return how a reference is made, for a person: `g:scale` is `scale`, the second element of a table `[1]`."""
    place, part = label[:8], label[8:]
    if place.isdecimal() and len(place) == 8:
        return f"[{int(place)}]" if part != "k" else f"key [{int(place)}]"
    if label == "f":
        return "the function"
    return _LABELS.get(label.partition(":")[0]) or label.partition(":")[2] or label


def _lines(ingredient: Ingredient) -> list[str]:
    return (ingredient.source or "").splitlines()
