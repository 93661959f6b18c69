"""The expression language of `--where`: which entries match `tapers >= 5 and rate == 250`.

Parsed once by Python's own parser, checked node by node against what the language has, and turned into closures:
nothing is ever compiled or evaluated by Python (I7), and no expression can take long. docs/query.md is the reference.
What an operation means is in `cas.operations`, the fields and their units in `cas.fields`.
"""

from __future__ import annotations

import ast
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cas import operations
from cas.errors import InvalidInputError
from cas.expression import Source
from cas.fields import FIELDS, Quantity, quantity_of, similar, unit_fault
from cas.operations import NoMeaning

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    Evaluate = Callable[[Mapping[str, object]], object]

_DEPTH = 60
_UNKNOWN = (NoMeaning, TypeError, ValueError, ArithmeticError, LookupError, AttributeError, RecursionError)
"""What an operation without a meaning raises; the answer is then neither true nor false."""

_CONSTANTS = {"nan": math.nan, "inf": math.inf}
_BINARY = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.FloorDiv: "//", ast.Mod: "%"}
_ORDER = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">="}
_PARTS = "there are and, or, not, comparisons, in, + - * / // %, x[0], and functions; see docs/query.md"
_ADVICE: dict[type[ast.AST], str] = {
    ast.BitAnd: "write `and`",
    ast.BitOr: "write `or`",
    ast.Invert: "write `not`",
    ast.Pow: "there are no powers; write the number",
    ast.Attribute: 'only entry.<field> has a dot; an element of an argument is config["alpha"]',
    ast.Slice: "pick one element, such as bands[0]",
    ast.Call: f"the functions are {', '.join(sorted(operations.FUNCTIONS))}",
    ast.JoinedStr: "write the text itself, in quotes",
}


@dataclass(frozen=True, slots=True)
class Query:
    """A parsed expression.

    Attributes:
        text: What was written.
        names: The arguments and fields it asks for; a field asked for as `entry.cost` stands so.
    """

    text: str
    names: frozenset[str]
    _evaluate: Evaluate
    _faults: tuple[tuple[str, InvalidInputError], ...]

    def matches(self, lookup: Mapping[str, object]) -> bool:
        """Return whether an entry matches; what has no meaning for this entry does not.

        Args:
            lookup: The entry's values by name, as `cas.fields.lookup` makes them.
        """
        try:
            return operations.truth(self._evaluate(lookup))
        except _UNKNOWN:
            return False

    def check_names(self, known: Iterable[str]) -> None:
        """Refuse names that are neither known arguments nor fields, and quantities that are not what a field holds.

        Args:
            known: The names of the arguments.

        Raises:
            InvalidInputError: Lists the names that there are.
        """
        arguments = set(known)
        for name in sorted(self.names - arguments - FIELDS.keys() - {f"entry.{field}" for field in FIELDS}):
            have = ", ".join(sorted(arguments - FIELDS.keys())) or "none"
            raise InvalidInputError(
                f"no argument or field {name!r}; arguments: {have}; fields: {', '.join(FIELDS)}",
                similar(name, arguments),
            )
        for name, fault in self._faults:
            if name not in arguments:
                raise fault


def compile_query(text: str) -> Query:
    """Parse an expression.

    Raises:
        InvalidInputError: It is not in the language; the message points at the place.
    """
    source = Source(text)
    compiler = _Compiler(source)
    evaluate = compiler.compile(source.parse(), 0)
    return Query(source.line, frozenset(compiler.names), evaluate, tuple(compiler.faults))


class _Compiler:
    """Turns the tree of one expression into closures, and refuses what is not in the language."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.names: set[str] = set()
        self.faults: list[tuple[str, InvalidInputError]] = []

    def refuse(self, node: ast.expr, message: str, hint: str = "") -> InvalidInputError:
        """Return the error that points at a node."""
        return self.source.refuse(node, message, hint or _ADVICE.get(type(node), _PARTS))

    def compile(self, node: ast.expr, depth: int) -> Evaluate:
        """Return the closure of a node."""
        if depth > _DEPTH:
            raise self.refuse(node, "too deeply nested", "split it, or leave out parentheses")
        inner = depth + 1
        match node:
            case ast.Constant(value=value):
                return lambda _: value
            case ast.Name(id=name):
                return self.name(name)
            case ast.Attribute(value=ast.Name(id="entry"), attr=field):
                self.names.add(f"entry.{field}")
                return lambda lookup: lookup[f"entry.{field}"]
            case ast.BoolOp(op=op, values=parts):
                return _junction(isinstance(op, ast.Or), [self.compile(part, inner) for part in parts])
            case ast.UnaryOp():
                return self.unary(node, inner)
            case ast.BinOp():
                return self.binary(node, inner)
            case ast.Compare():
                return self.comparison(node, inner)
            case ast.Subscript(value=value, slice=index):
                container, position = self.compile(value, inner), self.compile(index, inner)
                return lambda lookup: operations.pick(container(lookup), position(lookup))
            case ast.Call():
                return self.call(node, inner)
            case _:
                return self.display(node, inner)

    def name(self, name: str) -> Evaluate:
        """Return the value of an argument, a field, a quantity or a constant."""
        if name in self.source.quantities:
            number = self.source.quantities[name].number
            return lambda _: number
        if name in _CONSTANTS:
            constant = _CONSTANTS[name]
            return lambda lookup: lookup.get(name, constant)
        self.names.add(name)
        return lambda lookup: lookup[name]

    def unary(self, node: ast.UnaryOp, depth: int) -> Evaluate:
        """Return `not x` or `-x`."""
        part = self.compile(node.operand, depth)
        if isinstance(node.op, ast.Not):
            return lambda lookup: not operations.truth(part(lookup))
        if isinstance(node.op, ast.USub):
            return lambda lookup: operations.negate(part(lookup))
        raise self.refuse(node, "this sign is not in the language", _ADVICE.get(type(node.op), ""))

    def binary(self, node: ast.BinOp, depth: int) -> Evaluate:
        """Return the arithmetic of two values."""
        sign = _BINARY.get(type(node.op))
        if sign is None:
            raise self.refuse(node, "this operation is not in the language", _ADVICE.get(type(node.op), ""))
        for part in (node.left, node.right) if sign in "*%" else ():
            if isinstance(part, ast.Constant) and isinstance(part.value, str | bytes):
                raise self.refuse(part, f"a text cannot be used with {sign}")
        left, right = self.compile(node.left, depth), self.compile(node.right, depth)
        return lambda lookup: operations.arithmetic(sign, left(lookup), right(lookup))

    def comparison(self, node: ast.Compare, depth: int) -> Evaluate:
        """Return a chain of comparisons, with texts such as '10MB' read as what they are compared with."""
        operands = [node.left, *node.comparators]
        parts = [self.compile(operand, depth) for operand in operands]
        fields = [name for operand in operands if (name := self.measured(operand))]
        if fields:
            parts = [self.measure(operand, part, fields[0]) for operand, part in zip(operands, parts, strict=True)]
        tests = [self.test(op, node) for op in node.ops]

        def holds(lookup: Mapping[str, object]) -> bool:
            left = parts[0](lookup)
            for test, part in zip(tests, parts[1:], strict=True):
                right = part(lookup)
                if not test(_against(left, right), _against(right, left)):
                    return False
                left = right
            return True

        return holds

    def measured(self, node: ast.expr) -> str:
        """Return the name of the field with a unit that a node stands for, empty if it stands for none."""
        match node:
            case ast.Name(id=name) | ast.Attribute(value=ast.Name(id="entry"), attr=name) if FIELDS.get(name):
                return name if isinstance(node, ast.Name) else f"entry.{name}"
            case ast.UnaryOp(operand=part):
                return self.measured(part)
            case ast.BinOp(left=left, op=op, right=right):
                names = self.measured(left), self.measured(right)
                # The time between two moments is a duration, as `age` is.
                span = isinstance(op, ast.Sub) and all(FIELDS.get(_field(name)) == "moment" for name in names)
                return "age" if span else names[0] or names[1]
        return ""

    def measure(self, node: ast.expr, part: Evaluate, name: str) -> Evaluate:
        """Return an operand that is compared with a field: a text as a quantity, anything else as it was."""
        match node:
            case ast.Constant(value=str(text)):
                quantity = quantity_of(text, FIELDS[_field(name)])
            case ast.Name(id=stand_in) if stand_in in self.source.quantities:
                quantity = self.source.quantities[stand_in]
                text = quantity.text
            case _:
                return part
        if quantity is None or quantity.measures != FIELDS[_field(name)]:
            self.faults.append((name, unit_fault(_field(name), text)))
            return part
        return lambda _: quantity

    def test(self, op: ast.cmpop, node: ast.Compare) -> Callable[[object, object], bool]:
        """Return one comparison."""
        match op:
            case ast.Eq():
                return operations.equal
            case ast.NotEq():
                return lambda left, right: not operations.equal(left, right)
            case ast.In():
                return lambda left, right: operations.contains(right, left)
            case ast.NotIn():
                return lambda left, right: not operations.contains(right, left)
            case ast.Is() | ast.IsNot():
                if not all(isinstance(part, ast.Constant) and part.value is None for part in node.comparators):
                    raise self.refuse(node, "`is` only goes with None", "write == or !=")
                wanted = isinstance(op, ast.Is)
                return lambda left, right: (left is right) == wanted
        sign = _ORDER[type(op)]
        return lambda left, right: operations.compare(sign, left, right)

    def call(self, node: ast.Call, depth: int) -> Evaluate:
        """Return a function of values, written `startswith(x, "a")` or `x.startswith("a")`."""
        match node.func:
            case ast.Name(id=name):
                nodes = node.args
            case ast.Attribute(value=first, attr=name):
                nodes = [first, *node.args]
            case _:
                name, nodes = "", []
        if name not in operations.FUNCTIONS or node.keywords:
            raise self.refuse(node, "there is no such function")
        fewest, most, function = operations.FUNCTIONS[name]
        if not fewest <= len(nodes) <= most:
            expected = "one or more values" if fewest < most else f"{fewest} value{'s' * (fewest > 1)}"
            raise self.refuse(node, f"{name} takes {expected}, got {len(nodes)}")
        parts = [self.compile(part, depth) for part in nodes]
        return lambda lookup: function(*[part(lookup) for part in parts])

    def display(self, node: ast.expr, depth: int) -> Evaluate:
        """Return a tuple, list, set or dict of values."""
        if isinstance(node, ast.Dict) and None not in node.keys:
            keys = [self.compile(key, depth) for key in node.keys if key is not None]
            values = [self.compile(value, depth) for value in node.values]
            pairs = list(zip(keys, values, strict=True))
            return lambda lookup: {key(lookup): value(lookup) for key, value in pairs}
        if not isinstance(node, ast.Tuple | ast.List | ast.Set):
            raise self.refuse(node, "this is not in the language")
        parts = [self.compile(part, depth) for part in node.elts]
        make = {ast.Tuple: tuple, ast.List: list, ast.Set: set}[type(node)]
        return lambda lookup: make(part(lookup) for part in parts)


def _junction(is_or: bool, parts: list[Evaluate]) -> Evaluate:
    """Return `or` or `and` of parts: one that has no meaning leaves the answer to the others, if they can give it."""

    def decide(lookup: Mapping[str, object]) -> bool:
        unknown = False
        for part in parts:
            try:
                if operations.truth(part(lookup)) == is_or:
                    return is_or
            except _UNKNOWN:
                unknown = True
        if unknown:
            raise NoMeaning
        return not is_or

    return decide


def _against(value: object, other: object) -> object:
    return value.against(other) if isinstance(value, Quantity) else value


def _field(name: str) -> str:
    return name.removeprefix("entry.")
