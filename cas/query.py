"""The expression language of `--where`: which entries match `tapers >= 5 and rate == 250`.

Parsed once by Python's own parser, checked node by node against what the language has, and turned into closures:
nothing is ever compiled or evaluated by Python (I7), and no expression can take long. docs/query.md is the reference.
What an operation means is in `cas.operations`, the fields and their units in `cas.fields`.
"""

from __future__ import annotations

import ast
import math
import re
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cas import operations
from cas.errors import InvalidInputError
from cas.fields import FIELDS, Quantity, quantity_of, similar, unit_fault
from cas.operations import NoMeaning

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    Evaluate = Callable[[Mapping[str, object]], object]

_LENGTH = 2000
_DEPTH = 60
_UNKNOWN = (NoMeaning, TypeError, ValueError, ArithmeticError, LookupError, AttributeError, RecursionError)
"""What an operation without a meaning raises; the answer is then neither true nor false."""

_EXAMPLE = "for example: tapers >= 5 and rate == 250; see docs/query.md"
_CONSTANTS = {"nan": math.nan, "inf": math.inf}
_TOKEN = re.compile(
    r"""'''(?:\\.|[^\\])*?'''|\"\"\"(?:\\.|[^\\])*?\"\"\"|'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*\""""
    r"""|(?<![\w.])(?P<quantity>[0-9][0-9_]*(?:\.[0-9]+)?[^\W\d_]+)(?![\w.])"""
)
"""A string, which is passed over, or a number with letters right behind it, which Python has no use for."""

_STAND_IN = {ord(digit): chr(0x16A0 + place) for place, digit in enumerate("0123456789._")}
_BINARY = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.FloorDiv: "//", ast.Mod: "%"}
_ORDER = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">="}
_ADVICE: dict[type[ast.AST], str] = {
    ast.BitAnd: "write `and`",
    ast.BitOr: "write `or`",
    ast.Invert: "write `not`",
    ast.Pow: "there are no powers; write the number",
    ast.Attribute: 'only entry.<field> has a dot; an element of an argument is config["alpha"]',
    ast.Slice: "pick one element, such as bands[0]",
    ast.Call: f"the functions are {', '.join(sorted(operations.FUNCTIONS))}",
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
            return bool(self._evaluate(lookup))
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
        for name in sorted(self.names - arguments - FIELDS.keys()):
            if name.removeprefix("entry.") not in FIELDS or "." not in name:
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
    line = re.sub(r"[\t\n\r\f\v]", " ", text).strip()
    if not line or len(line) > _LENGTH:
        seen = f"{len(line)} characters" if line else "an empty text"
        raise InvalidInputError(f"expected an expression of at most {_LENGTH} characters, got {seen}", _EXAMPLE)
    compiler = _Compiler(line)
    evaluate = compiler.compile(compiler.parse(), 0)
    return Query(line, frozenset(compiler.names), evaluate, tuple(compiler.faults))


class _Compiler:
    """Turns the checked tree of one line into closures."""

    def __init__(self, line: str) -> None:
        self.line = line
        self.names: set[str] = set()
        self.faults: list[tuple[str, InvalidInputError]] = []
        self.quantities: dict[str, Quantity] = {}

    def parse(self) -> ast.expr:
        """Return the tree of the line, with quantities such as `10MB` as names of the same length."""
        text = _TOKEN.sub(self.stand_in, self.line)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of an odd escape in a string
                return ast.parse(text, mode="eval").body
        except SyntaxError as error:
            raise self.error(error.msg, (error.offset or 1) - 1) from None
        except (ValueError, RecursionError, MemoryError):
            raise self.error("too deeply nested, or not text", 0) from None

    def stand_in(self, match: re.Match[str]) -> str:
        """Return a name in place of a quantity, as long as it, so that places in errors stay true."""
        quantity = quantity_of(match["quantity"]) if match["quantity"] else None
        if quantity is None:
            return match[0]
        name = match[0].translate(_STAND_IN)
        self.quantities[name] = quantity
        return name

    def error(self, message: str, place: int, hint: str = "") -> InvalidInputError:
        """Return the error that points at a place of the line."""
        start = max(0, place - 60)
        caret = " " * min(place - start, len(self.line)) + "^"
        shown = f"  {self.line[start : start + 100]}\n  {caret}"
        return InvalidInputError(f"the expression has no meaning here: {message}\n{shown}", hint or _EXAMPLE)

    def refuse(self, node: ast.expr, message: str, hint: str = "") -> InvalidInputError:
        """Return the error that points at a node."""
        # Python counts bytes of UTF-8, and a stand-in has more of them than what it stands for.
        text = _TOKEN.sub(self.stand_in, self.line).encode("utf-8")
        place = len(text[: node.col_offset].decode("utf-8", "ignore"))
        return self.error(message, place, hint or _ADVICE.get(type(node), ""))

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
            case ast.UnaryOp(op=op, operand=part):
                return self.unary(node, op, self.compile(part, inner))
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
        if name in self.quantities:
            number = self.quantities[name].number
            return lambda _: number
        if name in _CONSTANTS:
            constant = _CONSTANTS[name]
            return lambda lookup: lookup.get(name, constant)
        self.names.add(name)
        return lambda lookup: lookup[name]

    def unary(self, node: ast.expr, op: ast.unaryop, part: Evaluate) -> Evaluate:
        """Return `not x`, `-x` or `+x`."""
        match op:
            case ast.Not():
                return lambda lookup: not part(lookup)
            case ast.USub():
                return lambda lookup: operations.negate(part(lookup))
            case ast.UAdd():
                return part
        raise self.refuse(node, "this sign is not in the language", _ADVICE[type(op)])

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
                if not test(*_settle(left, right)):
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
            case ast.Name(id=stand_in) if stand_in in self.quantities:
                quantity = self.quantities[stand_in]
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
            raise self.refuse(node, f"{type(node).__name__} is not in the language")
        parts = [self.compile(part, depth) for part in node.elts]
        make = {ast.Tuple: tuple, ast.List: list, ast.Set: set}[type(node)]
        return lambda lookup: make(part(lookup) for part in parts)


def _junction(is_or: bool, parts: list[Evaluate]) -> Evaluate:
    """Return `or` or `and` of parts: one that has no meaning leaves the answer to the others, if they can give it."""

    def decide(lookup: Mapping[str, object]) -> bool:
        unknown = False
        for part in parts:
            try:
                if bool(part(lookup)) == is_or:
                    return is_or
            except _UNKNOWN:
                unknown = True
        if unknown:
            raise NoMeaning
        return not is_or

    return decide


def _settle(left: object, right: object) -> tuple[object, object]:
    """Return two operands with a quantity as a number where it meets one, else as its text."""
    if isinstance(left, Quantity):
        left = left.number if operations.is_number(right) else left.text
    if isinstance(right, Quantity):
        right = right.number if operations.is_number(left) else right.text
    return left, right


def _field(name: str) -> str:
    return name.removeprefix("entry.")
