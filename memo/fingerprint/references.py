"""Code object → the names it uses: globals with their attribute chains, attributes, strings, imports, what it stores.

Reads bytecode, which is what runs. What only the syntax shows (which of those names the code mutates, which attribute
names it computes) is added by `memo.fingerprint.syntax` when there is text.
"""

from __future__ import annotations

import sys
from _string import formatter_field_name_split, formatter_parser  # type: ignore[import-not-found, unused-ignore]
from opcode import EXTENDED_ARG, opmap

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import CodeType
    from typing import Any

NEW_ATTR = sys.version_info >= (3, 12)
_NONE = -1
_END = -2
LOAD_CONST = opmap["LOAD_CONST"]
LOAD_GLOBAL = opmap["LOAD_GLOBAL"]
NAME_LOADS = {opmap["LOAD_NAME"], opmap.get("LOAD_FROM_DICT_OR_GLOBALS", _NONE)}
LOAD_ATTR = opmap["LOAD_ATTR"]
LOAD_METHOD = opmap.get("LOAD_METHOD", _NONE)
LOAD_SUPER_ATTR = opmap.get("LOAD_SUPER_ATTR", _NONE)
ATTR_STORES = {opmap["STORE_ATTR"], opmap["DELETE_ATTR"]}
GLOBAL_STORES = {opmap["STORE_GLOBAL"], opmap["DELETE_GLOBAL"]}
STORE_NAME = opmap["STORE_NAME"]
IMPORT_NAME = opmap["IMPORT_NAME"]
CALL_WITH_NAMES = opmap.get("CALL_KW", _NONE)
RETURN_CONST = opmap.get("RETURN_CONST", _NONE)
CACHE = 0


class References:
    """The names that a code object and the code objects inside it use.

    Attributes:
        loads: Global names with the attributes read off them: `("np", "linalg", "norm")`.
        attributes: Every attribute name read, written or deleted, but for those in `loads`.
        strings: String constants that could be names.
        stores: Global names assigned or deleted.
        imports: Imports inside the code: (level, module, names).
        mutations: What it changes: (scope, root name, attribute chain, "bind" or "item").
        computed: Attribute names put together at run time: (root name, start, end, whether it is called, globals that
            the name is drawn from or None).
        packages: Packages of which it imports modules under computed names; relative ones begin with a dot.
        formed: Known starts and ends of the texts that it puts together and that may be names.
    """

    __slots__ = ("attributes", "computed", "formed", "imports", "loads", "mutations", "packages", "stores", "strings")

    def __init__(
        self,
        loads: list[tuple[str, ...]],
        attributes: list[str],
        strings: list[str],
        stores: list[str],
        imports: list[tuple[int, str, tuple[str, ...]]],
    ) -> None:
        self.loads = loads
        self.attributes = attributes
        self.strings = strings
        self.stores = stores
        self.imports = imports
        self.mutations: list[tuple[str, str, tuple[str, ...], str]] = []
        self.computed: list[tuple[str, str, str, bool, list[str] | None]] = []
        self.formed: list[tuple[str, str]] = []
        self.packages: list[str] = []

    def pack(self) -> list[Any]:
        """Return the references as plain lists."""
        return [
            self.loads, self.attributes, self.strings, self.stores, self.imports,
            self.mutations, self.computed, self.formed, self.packages,
        ]  # fmt: skip

    @classmethod
    def unpack(cls, packed: Any) -> References:
        """Return the references that `pack` made lists of."""
        loads, attributes, strings, stores, imports, mutations, computed, formed, packages = packed
        made = cls(
            [tuple(chain) for chain in loads],
            attributes,
            strings,
            stores,
            [(level, name, tuple(names)) for level, name, names in imports],
        )
        made.mutations = [(scope, root, tuple(chain), how) for scope, root, chain, how in mutations]
        made.computed = [tuple(row) for row in computed]
        made.formed = [tuple(row) for row in formed]
        made.packages = packages
        return made


class _Collector:
    """Sets of names, filled code object by code object."""

    def __init__(self) -> None:
        self.loads: set[tuple[str, ...]] = set()
        self.attributes: set[str] = set()
        self.strings: set[str] = set()
        self.stores: set[str] = set()
        self.imports: set[tuple[int, str, tuple[str, ...]]] = set()

    def add_string(self, value: object) -> None:
        pending = [value]
        while pending:
            part = pending.pop()
            if isinstance(part, str):
                if len(part) < 100 and all(map(str.isidentifier, part.lstrip(".").replace(":", ".", 1).split("."))):
                    self.strings.add(part)
                elif "{" in part:
                    self.strings.update(_formatted(part))
            elif isinstance(part, (tuple, frozenset)):
                pending.extend(part)


def _formatted(text: str) -> list[str]:
    """Return the attribute names in the fields of a format string, as in `"{0.mean}".format(x)`."""
    try:
        fields = [formatter_field_name_split(field)[1] for _, field, _, _ in formatter_parser(text) if field]
        return [str(name) for field in fields for is_attribute, name in field if is_attribute]
    except ValueError:  # not a format string
        return []


def references(code: CodeType) -> References:
    """Return every name that a code object uses, its inner functions and comprehensions included."""
    found = _Collector()
    pending = [code]
    while pending:
        current = pending.pop()
        _collect(current, found)
        pending.extend(const for const in current.co_consts if hasattr(const, "co_code"))
    return References(
        sorted(found.loads),
        sorted(found.attributes),
        sorted(found.strings),
        sorted(found.stores),
        sorted(found.imports),
    )


def _collect(code: CodeType, found: _Collector) -> None:
    names, consts = code.co_names, code.co_consts
    steps = [*_instructions(code.co_code), (_END, 0)]
    chain: tuple[str, ...] = ()
    for place, (op, arg) in enumerate(steps):
        attribute = _attribute(op, arg, names)
        if chain:
            if attribute and op in (LOAD_ATTR, LOAD_METHOD):
                chain = (*chain, attribute)
                continue
            found.loads.add(chain)
            chain = ()
        if op == LOAD_GLOBAL:
            chain = (names[arg >> 1],)
        elif op in NAME_LOADS:
            chain = (names[arg],)
        elif attribute:
            found.attributes.add(attribute)
        elif op in GLOBAL_STORES:
            found.stores.add(names[arg])
        elif op == IMPORT_NAME:
            level, wanted = consts[steps[place - 2][1]], consts[steps[place - 1][1]]
            found.imports.add((level, names[arg], tuple(wanted or ())))
        elif op == RETURN_CONST or (op == LOAD_CONST and not _is_bookkeeping(steps[place + 1], names)):
            found.add_string(consts[arg])


def _attribute(op: int, arg: int, names: tuple[str, ...]) -> str | None:
    if op == LOAD_ATTR:
        return names[arg >> 1 if NEW_ATTR else arg]
    if op == LOAD_METHOD or op in ATTR_STORES:
        return names[arg]
    if op == LOAD_SUPER_ATTR:
        return names[arg >> 2]
    return None


def _is_bookkeeping(following: tuple[int, int], names: tuple[str, ...]) -> bool:
    """Tell constants that the compiler wrote for itself: keyword names, names imported, names of attributes."""
    op, arg = following
    if op in (CALL_WITH_NAMES, IMPORT_NAME):
        return True
    return op == STORE_NAME and names[arg] in (
        "__static_attributes__",
        "__qualname__",
        "__module__",
        "__doc__",
    )


def _instructions(code: bytes) -> Iterator[tuple[int, int]]:
    extended = 0
    for place in range(0, len(code), 2):
        op = code[place]
        if op == CACHE:
            continue
        arg = code[place + 1] | extended
        if op == EXTENDED_ARG:
            extended = arg << 8
            continue
        extended = 0
        yield op, arg
