"""The words for a reason: one sentence, and the lines below it.

Owns how a miss is told to a person. Must not look into a store: all that it says is in the `Reason`.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from cas.changes import describe, last_name, names, short_name
from cas.contrast import NOTHING
from cas.shown import printable
from cas.units import format_age

if TYPE_CHECKING:
    from collections.abc import Container, Iterable

    from cas.changes import Change
    from cas.entry import Entry, FunctionRecord
    from cas.manifest import Ingredient
    from cas.reason import Argument, Reason

KEY = 12
"""Characters of a call key that people are shown."""
CODE = 8
"""Characters of a fingerprint that people are shown."""
_CHANGES = 20
_LINES = 40
_SHORT = 40


def verdict(reason: Reason) -> str:
    """Return a reason in one sentence."""
    if reason.kind == "first":
        if reason.emptied:
            return f"no earlier result of {reason.function.name} is stored any more"
        return f"it is the first call of {reason.function.name} that this store knows of"
    if reason.kind == "arguments":
        names = list(dict.fromkeys(argument.name for argument in reason.arguments))
        if not names:
            return "no earlier call had these arguments, as far as can be seen"
        return f"no earlier call had these arguments; the nearest differs in {_told(reason.arguments)}"
    code = _code_verdict(reason)
    return code if reason.kind == "code" else f"{code}, and the nearest call differs in {_told(reason.arguments)}"


def _told(arguments: tuple[Argument, ...]) -> str:
    """Return the arguments that differ, with their values if there is but one."""
    if len(arguments) == 1:
        name, old, new, where = arguments[0]
        return f"{name}{where}: {old} -> {new}"
    names = list(dict.fromkeys(argument.name for argument in arguments))
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _code_verdict(reason: Reason) -> str:
    if not reason.changes:
        return "the code changed, in what cannot be told"
    first = min(reason.changes, key=lambda change: _WEIGHTS.get(change.how, 9))
    return _clause(first, reason.function) + _more(reason.changes)


_WEIGHTS = {"changed": 0, "relinked": 1, "added": 2, "removed": 3}


def _more(changes: tuple[Change, ...]) -> str:
    """Return how many changes there are besides the first; what came or went together, or was swapped, is one."""
    swapped = {name for change in changes for link in change.links for name in (link.was, link.now)}
    kept = [change for change in changes if not _came_or_went(change, swapped)]
    more = len(names(kept, short=False)) - 1
    return f", and {more:,} more change{'s' * (more > 1)}" if more > 0 else ""


def _came_or_went(change: Change, names: Container[str]) -> bool:
    return change.how in ("added", "removed") and change.ingredient.name in names


def _subject(change: Change) -> str:
    return short_name(change.ingredient) if change.ingredient.kind == "package" else change.ingredient.name


def _clause(change: Change, function: FunctionRecord) -> str:
    """Return one change as a clause."""
    old, new = change.old, change.new
    ingredient = change.ingredient
    noun = _noun(ingredient, change.path, function)
    if change.how == "relinked" and change.links:
        return f"in {noun.removesuffix(' itself')}, {describe(change)[0]}"
    if new is None:
        return f"{noun} is no longer used"
    if old is None:
        return f"{noun} is now used"
    if ingredient.kind == "package" and old.origin != new.origin:
        return f"{_subject(change)} moved from {_version(old)} to {_version(new)}"
    if old.source and new.source and ingredient.kind == "value":
        values = f"{old.source} -> {new.source}"
        if len(values) <= _SHORT and "\n" not in values:
            return f"{noun} changed: {values}"
    return f"{noun} changed"


def _version(ingredient: Ingredient) -> str:
    return ingredient.origin.partition("==")[2] or ingredient.origin


def _noun(ingredient: Ingredient, path: tuple[str, ...], function: FunctionRecord) -> str:
    """Return an ingredient with the word for what it is to the function."""
    kind, name = ingredient.kind, ingredient.name
    if name == function.name:
        return f"{name} itself"
    if kind == "function":
        owner = last_name(path[-2]) if len(path) > 1 else ""
        method = name.endswith(f".{owner}.{last_name(name)}")
        return f"the {'method' if method else 'helper'} {name}"
    if kind == "value" and "." in name:  # without one it is a setting, such as `version=`
        owner, _, label = name.rpartition(" ")
        word = _VARIABLES.get(label[:2])
        return f"{word} {label[2:]} of {owner}" if owner and word else f"the constant {name}"
    if kind == "initial":
        return f"what {name} starts from"
    return f"the {kind} {name}" if kind in _NOUNS else name


_NOUNS = frozenset(("class", "extension", "file", "instance", "method", "module", "table"))
_VARIABLES = {"d:": "the default", "c:": "the captured variable"}


# The lines below


def lines(reason: Reason, opening: str, mend: bool) -> list[str]:
    """Return the verdict after `opening`, and below it what there is to see and, if asked for, to do."""
    found = [f"{opening} {verdict(reason)}"]
    if len(reason.arguments) > 1 or reason.kind == "code":
        found += [f"  {name}{where}: {old} -> {new}" for name, old, new, where in reason.arguments]
    changes = _joined(reason.changes)
    for change in changes[:_CHANGES]:
        found += _change_lines(change, reason.function, alone=len(changes) == 1)
    found += [f"  {line}" for line in [*_notes(reason), *(_mends(reason) if mend else ())]]
    return list(map(plain, found))


def plain(line: str) -> str:
    """Return a line with control characters written out: a foreign store shall not steer the terminal."""
    return printable(line.expandtabs(4))


def _joined(changes: Iterable[Change]) -> list[Change]:
    """Return the changes with each package that moved once, however much of it is used."""
    moved: set[str] = set()
    found: list[Change] = []
    for change in changes:
        if change.how == "changed" and change.ingredient.kind == "package":
            if change.ingredient.origin in moved:
                continue
            moved.add(change.ingredient.origin)
        found.append(change)
    return found


def _change_lines(change: Change, function: FunctionRecord, alone: bool) -> list[str]:
    """Return a change with its place in the code and its diff; the verdict has said what it is if it is alone."""
    package = change.ingredient.kind == "package"
    way = " -> ".join(map(last_name, change.path)) if len(change.path) > 1 and not package else ""
    title = way if alone else _clause(change, function) + (f" ({way})" if way else "")
    shown = ["..." if line.startswith("@@") else line for line in describe(change)]
    if shown[:1] == ["..."]:
        del shown[0]
    if len(shown) > _LINES:
        shown = [*shown[:_LINES], f"... {len(shown) - _LINES:,} more lines"]
    told = len(shown) == 1 and (package or shown[0] in _clause(change, function))
    return ([f"  {title}"] if title else []) + ([] if told else [f"    {line}".rstrip() for line in shown])


def _notes(reason: Reason) -> list[str]:
    found: list[str] = []
    nearest, function = reason.nearest, reason.function
    more = len(_joined(reason.changes)) - _CHANGES
    if more > 0 and nearest is not None:
        versions = f"{version_name(nearest.function)} {version_name(function)}"
        found.append(f"{more:,} more changes: `cas diff {versions}`, once the call is stored")
    if reason.unread:
        found.append("the manifest of a version cannot be read: it is damaged, or another version of cas wrote it")
    if nearest is not None:
        found.append(_nearest(nearest))
        if reason.versions > 1:
            found.append(f"{reason.versions:,} other versions have a result for these arguments; this is the newest")
        if reason.cut:
            found.append(f"only the newest {reason.cut:,} entries were looked at")
    if reason.emptied:
        versions = "1 version" if reason.emptied == 1 else f"{reason.emptied:,} versions"
        found.append(f"{versions} of it had results once, which were removed (cas gc, cas rm, f.cache.forget)")
    found += [f"perhaps it was called {other.name} before, which looks like it" for other in reason.akin]
    return found


def _mends(reason: Reason) -> list[str]:
    """Return what a person may do where results are the same after all."""
    others = list(reason.akin)
    # A new parameter can be adopted over, one that is gone cannot.
    kept = all(argument.old == NOTHING for argument in reason.arguments)
    if reason.kind == "code" and kept and reason.nearest is not None:
        others.append(reason.nearest.function)
    return [f'if results are the same: f.cache.adopt("{version_name(other)}")' for other in others]


def _nearest(entry: Entry) -> str:
    age = format_age(time.time() - entry.created)
    when = "just now" if age == "now" else f"{age} ago"
    code = entry.function.fingerprint.hex()[:CODE]
    return f"compared with entry {entry.key.hex()[:KEY]}, stored {when} under version {code}"


def version_name(function: FunctionRecord) -> str:
    """Return the name of a version, as commands and `adopt` take it."""
    return f"{function.name}@{function.fingerprint.hex()[:CODE]}"
