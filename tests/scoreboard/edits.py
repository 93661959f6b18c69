"""X1: one edit to what a cached function reaches, and the value must follow."""

from __future__ import annotations

from .captured import ARRAY, LITERAL, LITERAL_VALUE, TYPED, VALUES, VALUES_VALUE
from .reached import (
    ARGUMENT,
    CACHED_HELPER,
    CLOSURE,
    CONSTANT,
    DECORATED,
    DECORATED_HELPER,
    DEEP,
    DEFAULT,
    HELPER,
    HELPERS_DEFAULT,
    IMPORTED,
    INDIRECT,
    INDIRECT_VALUE,
    LAMBDA,
    METHOD,
    METHOD_VALUE,
)
from .scenario import Program, Scenario, edit


def named(text: Program, name: str) -> Program:
    """Return the program with its second module named so that no other scenario has it."""
    others = {key.replace("NAME", name): body for key, body in text.others.items()}
    return Program(text.main.replace("NAME", name), others)


def _list_edits(text: Program, value: str, rows: tuple[tuple[str, str, tuple[str, str], str], ...]) -> list[Scenario]:
    """Return one scenario for each (id, title, change, value after)."""
    found = []
    for name, title, change, after in rows:
        own = named(text, "x1_" + "".join(c if c.isalnum() else "_" for c in name))
        found.append(edit(f"X1.{name}", title, own, change, (value, after)))
    return found


def changed(value: str, index: int, new: object) -> str:
    """Return the text of a list with one of its elements replaced."""
    items = eval(value)
    items[index] = new
    return repr(items)


PLAIN_EDITS = [
    edit("X1.helper-body", "Edit the body of a helper.", HELPER, ("x + 1", "x + 2"), ("2", "3")),
    edit("X1.depth-3", "Edit a helper's helper's helper.", DEEP, ("x + 1", "x + 2"), ("200", "300")),
    edit("X1.global", "Edit a global constant.", CONSTANT, ("SCALE = 2", "SCALE = 3"), ("4", "6")),
    edit("X1.closure", "Build the function with another captured value.", CLOSURE, ("(2)", "(3)"), ("2", "3")),
    edit("X1.default", "Edit a default.", DEFAULT, ("offset=OFFSET", "offset=9"), ("2", "10")),
    edit("X1.default-global", "Edit a global that a default takes.", DEFAULT, ("= 1", "= 2"), ("2", "3")),
    edit("X1.helper-default", "Edit a helper's default.", HELPERS_DEFAULT, ("= 1", "= 2"), ("2", "3")),
    edit("X1.decorator-body", "Edit the body of a decorator.", DECORATED, ("2 *", "3 *"), ("4", "6")),
    edit("X1.decorator-added", "Remove a decorator.", DECORATED, ("@scaled", "# none"), ("4", "2")),
    edit("X1.decorated-helper", "Edit a decorated helper.", DECORATED_HELPER, ("x + 1", "x + 2"), ("4", "6")),
    edit("X1.decorator-parameter", "Edit a decorator's argument.", DECORATED_HELPER, ("(2)", "(3)"), ("4", "6")),
    edit("X1.helper-decorator", "Edit a helper's decorator.", DECORATED_HELPER, ("*arguments)\n", "*arguments) + 1\n"),
         ("4", "5")),
    edit("X1.cached-helper", "Edit a helper that is cached too.", CACHED_HELPER, ("x + 1", "x + 2"), ("20", "30")),
    edit("X1.constant-type", "Turn 1 into 1.0.", TYPED, ("= 1", "= 1.0"),
         ("['int', 1, 'float', '0.0', True]", "['float', 1.0, 'float', '0.0', True]")),
    edit("X1.constant-bool", "Turn True into 1.", TYPED, ("True", "1"),
         ("['int', 1, 'float', '0.0', True]", "['int', 1, 'float', '0.0', 1]")),
    edit("X1.constant-zero", "Turn 0.0 into -0.0.", TYPED, ("str(0.0)", "str(-0.0)"),
         ("['int', 1, 'float', '0.0', True]", "['int', 1, 'float', '-0.0', True]")),
    edit("X1.array-constant", "Edit a constant array.", ARRAY, ("5000.0)", "5001.0)"),
         ("[12497500.0, 0.841]", "[12502500.0, 0.841]")),
    edit("X1.library-function", "Call np.cos instead of np.sin in a helper.", ARRAY, ("np.sin", "np.cos"),
         ("[12497500.0, 0.841]", "[12497500.0, 0.54]")),
    edit("X1.argument-method", "Edit a method of an argument's class.", ARGUMENT, ("self.k + 1", "self.k + 2"),
         ("2", "3"), "f(Probe(1))"),
    edit("X1.argument-nested", "Edit what a method of a nested argument's class calls.", ARGUMENT,
         ("k + 1\n\ndef d", "k + 2\n\ndef d"), ("2", "3"), "f({'probes': [Probe(1)]})"),
    edit("X1.argument-lambda", "Edit a lambda given as an argument.", ARGUMENT, ("lambda x: 2", "lambda x: 3"),
         ("2", "3"), "f(doubling)"),
    edit("X1.argument-function", "Edit a function given as an argument.", ARGUMENT, ("return 2 * x", "return 3 * x"),
         ("2", "3"), "f(double)"),
]  # fmt: skip

GROUPED_EDITS = [
    *_list_edits(METHOD, METHOD_VALUE, (
        ("method", "Edit a method.", ("x + 1", "x + 2"), changed(METHOD_VALUE, 0, 3)),
        ("inherited", "Edit an inherited method.", ("return 5", "return 6"), changed(METHOD_VALUE, 1, 6)),
        ("class-attribute", "Edit a class attribute.", ("rate = 3", "rate = 4"), changed(METHOD_VALUE, 2, 4)),
        ("static", "Edit a static method.", ("return 7", "return 8"), changed(METHOD_VALUE, 3, 8)),
        ("class-method", "Edit a class method.", ("return 11", "return 12"), changed(METHOD_VALUE, 4, 12)),
        ("property", "Edit a property.", ("return 13", "return 14"), changed(METHOD_VALUE, 5, 14)),
        ("operator", "Edit an operator.", ("return 17", "return 18"), changed(METHOD_VALUE, 6, 18)),
        ("enter", "Edit a context manager.", ("return 19", "return 20"), changed(METHOD_VALUE, 7, 20)),
        ("override", "Override an inherited method.", ("class Model(Base):",
         "class Model(Base):\n    def inherited(self):\n        return super().inherited() + 1\n"),
         changed(METHOD_VALUE, 1, 6)),
    )),
    *_list_edits(LAMBDA, "[2, 2, 3, None]", (
        ("lambda", "Edit a lambda.", ("x * 3", "x * 4"), "[2, 2, 4, None]"),
        ("lambda-helper", "Edit a lambda that is called.", ("helper = lambda x: x + 1", "helper = lambda x: x + 2"),
         "[3, 2, 3, None]"),
        ("lambda-table", "Edit a lambda in a table.", ('"up": lambda x: x + 1', '"up": lambda x: x + 2'),
         "[2, 3, 3, None]"),
    )),
    *_list_edits(IMPORTED, "[2, 2, 100, 1]", (
        ("imported-function", "Edit a function of an imported module.", ("x + 1", "x + 2"), "[3, 3, 100, 1]"),
        ("imported-constant", "Edit a constant of an imported module.", ("100", "200"), "[2, 2, 200, 1]"),
        ("library-swap", "Call math.ceil instead of math.floor.", ("math.floor", "math.ceil"), "[2, 2, 100, 2]"),
    )),
    *_list_edits(LITERAL, LITERAL_VALUE, (
        ("list", "Edit a constant list.", ("[1, 2, 3]", "[1, 9, 3]"), changed(LITERAL_VALUE, 0, 9)),
        ("dict", "Edit a nested constant dict.", ('"left": 4', '"left": 5'), changed(LITERAL_VALUE, 1, 5)),
        ("pattern", "Edit a regular expression.", ('"a+"', '"a"'), changed(LITERAL_VALUE, 2, ["a", "a"])),
        ("set", "Edit a constant set.", ('"x", "y"', '"x", "z"'), changed(LITERAL_VALUE, 3, ["x", "z"])),
    )),
    *_list_edits(VALUES, VALUES_VALUE, (
        ("enum", "Edit an enum's value.", ("RED = 1", "RED = 2"), changed(VALUES_VALUE, 0, 2)),
        ("dataclass-default", "Edit a dataclass default.", ("gain: int = 2", "gain: int = 3"),
         changed(VALUES_VALUE, 1, 3)),
        ("namedtuple-default", "Edit a namedtuple default.", ("defaults=(3,)", "defaults=(4,)"),
         changed(VALUES_VALUE, 2, 4)),
        ("partial", "Edit a partial's argument.", ("partial(add, 4)", "partial(add, 5)"), changed(VALUES_VALUE, 3, 6)),
        ("lru-cache", "Edit a helper under lru_cache.", ("x + 5", "x + 6"), changed(VALUES_VALUE, 4, 7)),
        ("singledispatch", "Edit a singledispatch implementation.", ('"int"', '"whole"'),
         changed(VALUES_VALUE, 5, "whole")),
        ("callable-state", "Edit a callable instance's state.", ("Scale(6)", "Scale(7)"), changed(VALUES_VALUE, 6, 7)),
    )),
    *_list_edits(INDIRECT, INDIRECT_VALUE, (
        ("getattr", "Edit a method reached by getattr.", ("return 2", "return 3"), "[3, 3, 2, 7, 7, [4], [10]]"),
        ("registry", "Edit a function in a registry.", ("x + 1", "x + 2"), changed(INDIRECT_VALUE, 2, 3)),
        ("local-import", "Edit a function imported inside.", ("x + 6", "x + 7"), changed(INDIRECT_VALUE, 3, 8)),
        ("nested", "Edit a helper of a nested function.", ("y * 7", "y * 8"), changed(INDIRECT_VALUE, 4, 8)),
        ("generator", "Edit a generator helper.", ("x + 3", "x + 4"), changed(INDIRECT_VALUE, 5, [5])),
        ("comprehension", "Edit a lambda in a comprehension.", ("y + 9", "y + 8"), changed(INDIRECT_VALUE, 6, [9])),
    )),
]  # fmt: skip

SCENARIOS = [*PLAIN_EDITS, *GROUPED_EDITS]
