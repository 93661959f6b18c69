"""What a fingerprint was read from, in a form that tells in nanoseconds whether it still says the same.

Compares identities, never values by `==`: `1 == 1.0 == True`, and arrays do not compare to a truth value.
Plain mutable data is digested again at each check, so that a change in place is seen.
"""

from __future__ import annotations

from operator import attrgetter, is_not, itemgetter
from types import MappingProxyType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from types import CellType, FunctionType
    from typing import Any

    Place = tuple[int, str]
    """Where something was read: the identity of the namespace or its owner, and the name."""
    Digest = Callable[[object], bytes | None]

_code = attrgetter("__code__")
_defaults = attrgetter("__defaults__")
_contents = attrgetter("cell_contents")
# Stands for the function of a callable that has none.
_NOTHING: FunctionType = lambda: None  # type: ignore[assignment]  # noqa: E731
# Up to this many names of one namespace are read one by one; more are read at once.
FEW = 6
_FLAT = frozenset({type(None), bool, int, float, complex, str, bytes})


class Token:
    """Collects what was read while a fingerprint is made; `check` compiles it to the test of each call."""

    def __init__(self) -> None:
        self._reads: dict[Place, tuple[Any, object, tuple[Place, ...]]] = {}
        self._slots: dict[Place, tuple[Any, object, tuple[Place, ...]]] = {}
        self._absent: dict[int, tuple[Mapping[str, Any], set[str]]] = {}
        self._functions: dict[int, FunctionType] = {}
        self._cells: dict[int, tuple[CellType, object]] = {}
        self._contents: dict[int, tuple[Any, tuple[object, ...]]] = {}
        self._plain: dict[int, tuple[object, bytes]] = {}
        self._content: dict[int, tuple[object, bytes, Digest, tuple[Place, ...]]] = {}
        self._objects: dict[int, tuple[object, type, dict[str, object] | None, set[str]]] = {}
        self._tests: list[Callable[[], bool]] = []

    def read(self, owner: Any, name: str, value: object, *also: Place, code: bool = False) -> None:
        """Note what `name` was in a namespace, or in the `__dict__` of a class, function or object.

        Args:
            owner: The namespace, or whose it is.
            name: The name.
            value: What it stood for.
            also: Further places; if code rebinds any of them, what was read is state.
            code: What was read is code whatever is assigned to its name.
        """
        self._reads[id(owner), name] = owner, value, () if code else ((id(owner), name), *also)

    def slot(self, owner: object, name: str, held: tuple[Any, object], *also: Place) -> None:
        """Note what a slot of an object held: its descriptor and the value."""
        self._slots[id(owner), name] = (owner, held[0]), held[1], ((id(owner), name), *also)

    def owner(self, place: Place) -> Any:
        """Return the namespace or object that a name was read from; None if it was not read."""
        noted = self._reads.get(place)
        return noted[0] if noted is not None else None

    def missed(self, space: Mapping[str, Any], name: str) -> None:
        """Note that `space` had no `name`."""
        self._absent.setdefault(id(space), (space, set()))[1].add(name)

    def function(self, function: FunctionType) -> None:
        """Note a function's code and defaults."""
        self._functions[id(function)] = function
        if function.__code__.co_kwonlyargcount:
            keywords = function.__kwdefaults__
            self._tests.append(lambda: function.__kwdefaults__ is keywords)

    def cell(self, cell: CellType, value: object) -> None:
        """Note what a closure's cell held."""
        self._cells[id(cell)] = cell, value

    def container(self, value: Any) -> None:
        """Note which objects a list, dict or set holds."""
        self._contents[id(value)] = value, _members(value)

    def plain(self, value: object, digest: bytes) -> None:
        """Note the digest of a mutable value that holds only data."""
        if type(value) in (list, set, dict) and all(type(part) in _FLAT for part in _members(value)):
            self.container(value)
        else:
            self._plain[id(value)] = value, digest

    def content(self, value: object, digest: bytes, digest_of: Digest, *also: Place) -> None:
        """Note the digest of what an object holds by way of a built-in base class."""
        self._content[id(value)] = value, digest, digest_of, also

    def attributes(self, value: object, own: dict[str, object] | None, lazy: Iterable[str] = ()) -> None:
        """Note an object's class, and which attributes it has of its own or may fill."""
        self._objects[id(value)] = value, type(value), own, {*(own or ()), *lazy}

    def test(self, test: Callable[[], bool]) -> None:
        """Add a test that is false once something has changed."""
        self._tests.append(test)

    def forget(self, places: set[Place], objects: Iterable[int], unseen: set[int]) -> None:
        """Leave out what turned out to be state of the running program, and `unseen`: what only state leads to."""
        for at in unseen:
            self._objects.pop(at, None)
        for noted in (self._reads, self._slots):
            dropped = [at for at, (_, _, own) in noted.items() if at[0] in unseen or any(one in places for one in own)]
            for place in dropped:
                del noted[place]
        for at, (space, gone) in self._absent.items():
            self._absent[at] = space, {name for name in gone if (at, name) not in places}
        content = [at for at, (_, _, _, own) in self._content.items() if any(one in places for one in own)]
        for gone_object in [*objects, *content, *unseen]:
            self._contents.pop(gone_object, None)
            self._plain.pop(gone_object, None)
            self._content.pop(gone_object, None)
        for at, (_, kind, _, known) in self._objects.items():
            owners = {at, *map(id, kind.__mro__)}
            known.update(name for owner, name in places if owner in owners)
        for at in [at for at in self._cells if (at, "") in places]:
            del self._cells[at]

    def check(self, plain_digest: Digest) -> Callable[[], bool]:
        """Return the test of whether everything noted is as it was.

        Args:
            plain_digest: Gives the digest of plain data, None if it no longer is plain.
        """
        functions = tuple(self._functions.values())
        spaces = self._grouped()
        singles = [
            (space, name, value) for space, names in spaces if len(names) <= FEW for name, value in names.items()
        ]
        groups: list[tuple[Callable[[Any], tuple[object, ...]], Mapping[str, Any], tuple[object, ...]]] = [
            (itemgetter(*names), space, tuple(names.values())) for space, names in spaces if len(names) > FEW
        ]
        absent = [(space.keys(), frozenset(gone)) for space, gone in self._absent.values() if gone]
        rest = _thorough(
            functions,
            tuple(self._cells.values()),
            tuple(self._contents.values()),
            [
                *self._tests,
                *self._slot_tests(),
                *map(_same_attributes, self._objects.values()),
                *[_same_digest(plain_digest, value, digest) for value, digest in self._plain.values()],
                *[_same_digest(digest_of, value, digest) for value, digest, digest_of, _ in self._content.values()],
            ],
        )
        first = functions[0] if functions else _NOTHING
        return _quick(first, tuple(singles), tuple(absent), tuple(groups), rest)

    def _grouped(self) -> list[tuple[Mapping[str, Any], dict[str, object]]]:
        spaces: dict[int, tuple[Mapping[str, Any], dict[str, object]]] = {}
        for (at, name), (owner, value, _) in self._reads.items():
            if at not in spaces:
                # An object of a class derived from `dict` has attributes beside its content.
                is_space = isinstance(owner, dict) and at not in self._objects
                spaces[at] = owner if is_space else vars(owner), {}
            spaces[at][1][name] = value
        return list(spaces.values())

    def _slot_tests(self) -> list[Callable[[], bool]]:
        return [
            lambda owner=owner, slot=slot, value=value: slot.__get__(owner) is value  # type: ignore[misc]
            for (owner, slot), value, _ in self._slots.values()
        ]


def _same_digest(digest_of: Digest, value: object, digest: bytes) -> Callable[[], bool]:
    return lambda: digest_of(value) == digest


def _same_attributes(noted: tuple[Any, type, dict[str, object] | None, set[str]]) -> Callable[[], bool]:
    """Return the test of whether an object is of its class, and has no attribute more."""
    value, kind, own, known = noted
    if own is None:
        return lambda: type(value) is kind
    return lambda: type(value) is kind and value.__dict__ is own and own.keys() <= known


def _quick(
    function: FunctionType,
    singles: tuple[tuple[Mapping[str, Any], str, object], ...],
    absent: tuple[tuple[Any, frozenset[str]], ...],
    groups: tuple[tuple[Callable[[Any], tuple[object, ...]], Mapping[str, Any], tuple[object, ...]], ...],
    rest: Callable[[], bool] | None,
) -> Callable[[], bool]:
    """Return the test, written out so that a function without project dependencies pays for nothing else."""
    code, defaults = function.__code__, function.__defaults__

    def is_current() -> bool:
        if function.__code__ is not code or function.__defaults__ is not defaults:
            return False
        try:
            for space, name, value in singles:
                if space[name] is not value:
                    return False
            for keys, gone in absent:
                if not keys.isdisjoint(gone):
                    return False
            for get, space, values in groups:
                if any(map(is_not, get(space), values)):
                    return False
            return rest is None or rest()
        except (KeyError, ValueError, AttributeError, RuntimeError):
            # Something is gone: a name deleted, a cell emptied, a container resized by another thread.
            return False

    return is_current


def _thorough(
    functions: tuple[FunctionType, ...],
    cells: tuple[tuple[CellType, object], ...],
    contents: tuple[tuple[Any, tuple[object, ...]], ...],
    tests: list[Callable[[], bool]],
) -> Callable[[], bool] | None:
    """Return the test of all functions, closures and mutable data; None if there is only one function."""
    if len(functions) <= 1 and not (cells or contents or tests):
        return None
    codes, defaults = tuple(map(_code, functions)), tuple(map(_defaults, functions))
    holders, held = tuple(cell for cell, _ in cells), tuple(value for _, value in cells)

    def is_current() -> bool:
        if any(map(is_not, map(_code, functions), codes)) or any(map(is_not, map(_defaults, functions), defaults)):
            return False
        if any(map(is_not, map(_contents, holders), held)):
            return False
        for value, members in contents:
            found = _members(value)
            if len(found) != len(members) or any(map(is_not, found, members)):
                return False
        return all(test() for test in tests)

    return is_current


def _members(value: Any) -> tuple[object, ...]:
    if isinstance(value, dict):
        return (*dict.__iter__(value), *dict.values(value))
    if type(value) is MappingProxyType:
        return (*value, *value.values())
    for base in (list, tuple, set, frozenset):
        if isinstance(value, base):
            return tuple(base.__iter__(value))  # type: ignore[arg-type]
    return tuple(value.ravel() if hasattr(value, "ravel") else value)
