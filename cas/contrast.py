"""Where two values in form differ, for a person: the place inside them, and what stands there in each.

Told from the bytes alone, which executes nothing (I7). That two values differ is decided by their bytes; this only
finds words for it.
"""

from __future__ import annotations

from collections import Counter, OrderedDict, defaultdict, deque
from itertools import islice
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from cas.digest import digest
from cas.errors import CasError
from cas.form import Shown, show, unpack

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# Whole values are set side by side up to this width; of longer ones, the places where they differ.
_WIDTH = 60
# Places told of.
_MOST = 4
_AROUND = 20
_DEPTH = 40
_UNCUT = 1 << 20
_MAPPINGS = (dict, OrderedDict, defaultdict, Counter, MappingProxyType)
_NUMBERS = (bool, int, float, complex)
NOTHING = "nothing"


class Difference(NamedTuple):
    """One place where two values differ.

    Attributes:
        where: The way to it inside the value, as Python writes it, such as `["rate"]`; empty for the whole.
        old: What stood there.
        new: What stands there.
    """

    where: str
    old: str
    new: str


def contrast(old: bytes, new: bytes) -> list[Difference]:
    """Return where two forms of other bytes differ; at least one place, at most a handful."""
    try:
        was, now = unpack(old), unpack(new)
        texts = show(was, _UNCUT), show(now, _UNCUT)
        if max(map(len, texts)) > _WIDTH or texts[0] == texts[1] or (_hides(was) and _hides(now)):
            found = list(islice(_differences(was, now, "", _DEPTH), _MOST + 1))
            if found:
                return found[:_MOST] + [Difference(" and elsewhere", "…", "…")] * (len(found) > _MOST)
        pair = _pair(was, now)
    except (CasError, ValueError, RecursionError):  # damaged, or made to be nested without end
        pair = "unreadable", "unreadable"
    return [Difference("", *pair) if pair[0] != pair[1] else _told_by_digest(pair[0], old, new)]


def _hides(value: Any) -> bool:
    """Tell whether a value's text gives its elements by their digest, though they are known."""
    return isinstance(value, Shown) and isinstance(value.details, list) and "~" in value.text


def _told_by_digest(text: str, old: bytes, new: bytes) -> Difference:
    """Return two values that look alike, told apart as listings tell arrays."""
    return Difference("", *(f"{text}~{digest(form).hex()[:8]}" for form in (old, new)))


def _pair(was: Any, now: Any) -> tuple[str, str]:
    """Return how two values look, with their types where that is all or most of the difference."""
    old, new = show(was, _WIDTH), show(now, _WIDTH)
    alike = isinstance(was, _NUMBERS) and isinstance(now, _NUMBERS) and was == now
    if (old == new or alike) and type(was) is not type(now):
        return f"{old} ({_type(was)})", f"{new} ({_type(now)})"
    if old == new:  # both cut before they differ
        whole = show(was, _UNCUT), show(now, _UNCUT)
        place = _parting(*whole)
        return _excerpt(whole[0], place, str), _excerpt(whole[1], place, str)
    return old, new


def _type(value: Any) -> str:
    return value.kind if isinstance(value, Shown) else type(value).__name__


def _differences(was: Any, now: Any, where: str, depth: int) -> Iterator[Difference]:
    """Yield the places where two values differ, as far as what can be seen of them tells."""
    if isinstance(was, Shown) and isinstance(now, Shown) and was.kind == now.kind and depth:
        yield from _inside_shown(was, now, where, depth - 1)
    elif type(was) is not type(now) or not depth:
        yield from _unless_equal(was, now, where)
    elif isinstance(was, _MAPPINGS):
        yield from _inside_mapping(was, now, where, depth - 1)
    elif isinstance(was, (list, tuple, deque)):
        yield from _inside_sequence(was, now, where, depth - 1)
    elif isinstance(was, (set, frozenset)):
        yield from _inside_set(was, now, where)
    elif isinstance(was, (str, bytes)):
        yield from _inside_text(was, now, where)
    else:
        yield from _unless_equal(was, now, where)


def _unless_equal(was: Any, now: Any, where: str) -> Iterator[Difference]:
    if type(was) is not type(now) or show(was, _UNCUT) != show(now, _UNCUT):
        yield Difference(where, *_pair(was, now))


def _inside_shown(was: Shown, now: Shown, where: str, depth: int) -> Iterator[Difference]:
    """Yield what differs in the fields of instances, or the elements of arrays of one shape and dtype."""
    heads = [value.text.partition("(")[0].partition("~")[0] for value in (was, now)]
    old, new = was.details, now.details
    if heads[0] == heads[1] and isinstance(old, dict) and isinstance(new, dict):
        yield from _inside_mapping(old, new, where, depth, "{}.{}")
    elif heads[0] == heads[1] and isinstance(old, list) and isinstance(new, list):
        yield from _inside_sequence(old, new, f"{where}.flat", depth)
    else:
        yield from _unless_equal(was, now, where)


def _inside_mapping(was: Any, now: Any, where: str, depth: int, place: str = "{}[{}]") -> Iterator[Difference]:
    for key in [*now, *(key for key in was if key not in now)]:
        name = key if place == "{}.{}" else f'"{key}"' if isinstance(key, str) else show(key)
        inner = place.format(where, name)
        if key in was and key in now:
            yield from _differences(was[key], now[key], inner, depth)
        else:
            yield Difference(inner, *(show(side[key]) if key in side else NOTHING for side in (was, now)))
    if list(was) != list(now) and set(was) == set(now):
        yield Difference(where, *(f"in the order {show(list(side))}" for side in (was, now)))


def _inside_sequence(was: Any, now: Any, where: str, depth: int) -> Iterator[Difference]:
    if len(was) != len(now):
        yield Difference(where, f"{len(was):,} elements", f"{len(now):,} elements")
    for place, (old, new) in enumerate(zip(was, now, strict=False)):
        found = next(_differences(old, new, f"{where}[{place}]", depth), None)
        if found is not None:
            yield found
            if len(was) != len(now):
                return  # what follows may only have moved


def _inside_set(was: Any, now: Any, where: str) -> Iterator[Difference]:
    gone, come = (sorted(map(show, one - other)) for one, other in ((was, now), (now, was)))
    if gone or come:
        old = f"with {', '.join(gone)}" if gone else f"without {', '.join(come)}"
        new = f"with {', '.join(come)}" if come else f"without {', '.join(gone)}"
        yield Difference(where, show(Shown("", old)), show(Shown("", new)))


def _inside_text(was: Any, now: Any, where: str) -> Iterator[Difference]:
    if was == now:
        return
    if max(len(was), len(now)) <= _WIDTH:
        yield Difference(where, *_pair(was, now))
        return
    place = _parting(was, now)
    yield Difference(f"{where}[{place}]", _excerpt(was, place), _excerpt(now, place))


def _parting(was: Any, now: Any) -> int:
    """Return where two texts begin to differ."""
    shortest = min(len(was), len(now))
    return next((place for place in range(shortest) if was[place] != now[place]), shortest)


def _excerpt(text: Any, place: int, write: Callable[[Any], str] = repr) -> str:
    start, end = max(place - _AROUND, 0), place + _AROUND
    return f"{'…' if start else ''}{write(text[start:end])}{'…' if end < len(text) else ''}"
