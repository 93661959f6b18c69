"""X1: one edit to what a cached function reaches, and the value must follow."""

from __future__ import annotations

from .scenario import Phase, Program, Scenario, edit, program

HELPER = program("""
    def helper(x):
        return x + 1

    @cached
    def f(x):
        ran()
        return helper(x)
    """)

DEEP = program("""
    def third(x):
        return x + 1

    def second(x):
        return third(x) * 10

    def first(x):
        return second(x) * 10

    @cached
    def f(x):
        ran()
        return first(x)
    """)

CONSTANT = program("""
    SCALE = 2

    def helper(x):
        return x * SCALE

    @cached
    def f(x):
        ran()
        return x * SCALE + helper(x)
    """)

CLOSURE = program("""
    def make(k):
        def f(x):
            ran()
            return x * k
        return f

    f = cached(make(2))
    """)

DEFAULT = program("""
    OFFSET = 1

    @cached
    def f(x, offset=OFFSET):
        ran()
        return x + offset
    """)

HELPERS_DEFAULT = program("""
    OFFSET = 1

    def helper(x, *, offset=OFFSET):
        return x + offset

    @cached
    def f(x):
        ran()
        return helper(x)
    """)

DECORATED = program("""
    import functools

    def scaled(function):
        @functools.wraps(function)
        def inner(*arguments):
            return 2 * function(*arguments)
        return inner

    @cached
    @scaled
    def f(x):
        ran()
        return x + 1
    """)

DECORATED_HELPER = program("""
    import functools

    def scaled(factor):
        def decorate(function):
            @functools.wraps(function)
            def inner(*arguments):
                return factor * function(*arguments)
            return inner
        return decorate

    @scaled(2)
    def helper(x):
        return x + 1

    @cached
    def f(x):
        ran()
        return helper(x)
    """)

METHOD = program("""
    class Base:
        rate = 3

        def inherited(self):
            return 5

        @staticmethod
        def fixed():
            return 7

        @classmethod
        def named(cls):
            return 11

        @property
        def width(self):
            return 13

        def __add__(self, other):
            return 17 + other

        def __enter__(self):
            return 19

        def __exit__(self, *exception):
            TRACE.append(0)

    TRACE = []

    class Model(Base):
        def method(self, x):
            return x + 1

    @cached
    def f(x):
        ran()
        model = Model()
        with model as entered:
            pass
        return [model.method(x), model.inherited(), model.rate, model.fixed(), model.named(), model.width,
                model + 0, entered]
    """)
METHOD_VALUE = "[2, 5, 3, 7, 11, 13, 17, 19]"

LAMBDA = program("""
    helper = lambda x: x + 1
    table = {"up": lambda x: x + 1, "down": lambda x: x - 1}
    f = cached(lambda x: [helper(x), table["up"](x), x * 3, ran()])
    """)

IMPORTED = program(
    """
    import NAMElib
    from NAMElib import helper as aliased
    import math

    @cached
    def f(x):
        ran()
        return [NAMElib.helper(x), aliased(x), NAMElib.LIMIT, math.floor(x + 0.5)]
    """,
    NAMElib="""
    LIMIT = 100

    def helper(x):
        return x + 1
    """,
)

CACHED_HELPER = program("""
    @cached
    def helper(x):
        return x + 1

    @cached
    def f(x):
        ran()
        return helper(x) * 10
    """)

LITERAL = program("""
    import re

    TABLE = [1, 2, 3]
    CONFIG = {"gain": {"left": 4}}
    PATTERN = re.compile("a+")
    FLAGS = frozenset({"x", "y"})

    @cached
    def f(x):
        ran()
        return [TABLE[x], CONFIG["gain"]["left"], PATTERN.findall("aab"), sorted(FLAGS)]
    """)
LITERAL_VALUE = "[2, 4, ['aa'], ['x', 'y']]"

TYPED = program("""
    CONSTANT = 1

    @cached
    def f(x):
        ran()
        return [type(CONSTANT).__name__, CONSTANT, type(0.0).__name__, str(0.0), True]
    """)

ARRAY = program("""
    import numpy as np

    WEIGHTS = np.arange(5000.0)

    def spread(x):
        return np.sin(x)

    @cached
    def f(x):
        ran()
        return [float(WEIGHTS.sum()), round(float(spread(float(x))), 3)]
    """)

VALUES = program("""
    import dataclasses, enum, collections, functools

    class Colour(enum.Enum):
        RED = 1

    @dataclasses.dataclass
    class Settings:
        gain: int = 2

    Point = collections.namedtuple("Point", "x y", defaults=(3,))

    def add(a, b):
        return a + b

    added = functools.partial(add, 4)

    @functools.lru_cache
    def remembered(x):
        return x + 5

    @functools.singledispatch
    def kind(x):
        return "other"

    @kind.register
    def _(x: int):
        return "int"

    class Scale:
        def __init__(self, k):
            self.k = k

        def __call__(self, x):
            return x * self.k

    scale = Scale(6)

    @cached
    def f(x):
        ran()
        return [Colour.RED.value, Settings().gain, Point(0).y, added(x), remembered(x), kind(x), scale(x)]
    """)
VALUES_VALUE = "[1, 2, 3, 5, 6, 'int', 6]"

INDIRECT = program(
    """
    import operator

    class Tools:
        def narrow(self):
            return 2

    REGISTRY = {}

    def register(function):
        REGISTRY[function.__name__] = function
        return function

    @register
    def listed(x):
        return x + 1

    def numbers(x):
        yield x + 3

    @cached
    def f(x):
        ran()
        from NAMElib import local
        def nested(y):
            return deepest(y)
        tools = Tools()
        return [getattr(tools, "narrow")(), operator.methodcaller("narrow")(tools), REGISTRY["listed"](x), local(x),
                nested(x), list(numbers(x)), [(lambda y: y + 9)(y) for y in (x,)]]

    def deepest(y):
        return y * 7
    """,
    NAMElib="""
    def local(x):
        return x + 6
    """,
)
INDIRECT_VALUE = "[2, 2, 2, 7, 7, [4], [10]]"

ARGUMENT = program("""
    import dataclasses

    @dataclasses.dataclass
    class Probe:
        k: int

        def read(self):
            return self.k + 1

    def double(x):
        return 2 * x

    @cached
    def f(probe):
        ran()
        return probe.read() if isinstance(probe, Probe) else probe(1)
    """)


def named(text: Program, name: str) -> Program:
    """Return the program with its second module named so that no other scenario has it."""
    others = {key.replace("NAME", name): body for key, body in text.others.items()}
    return Program(text.main.replace("NAME", name), others)


def _list_edits(
    text: Program, value: str, rows: tuple[tuple[str, str, tuple[str, str], str], ...]
) -> list[Scenario]:
    """Return one scenario for each (id, title, change, value after)."""
    found = []
    for name, title, change, after in rows:
        own = named(text, "x1_" + "".join(c if c.isalnum() else "_" for c in name))
        found.append(edit(f"X1.{name}", title, own, change, (value, after)))
    return found


def _changed(value: str, index: int, new: object) -> str:
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
    edit("X1.argument-function", "Edit a function given as an argument.", ARGUMENT, ("2 * x", "3 * x"),
         ("2", "3"), "f(double)"),
]  # fmt: skip

GROUPED_EDITS = [
    *_list_edits(METHOD, METHOD_VALUE, (
        ("method", "Edit a method.", ("x + 1", "x + 2"), _changed(METHOD_VALUE, 0, 3)),
        ("inherited", "Edit an inherited method.", ("return 5", "return 6"), _changed(METHOD_VALUE, 1, 6)),
        ("class-attribute", "Edit a class attribute.", ("rate = 3", "rate = 4"), _changed(METHOD_VALUE, 2, 4)),
        ("static", "Edit a static method.", ("return 7", "return 8"), _changed(METHOD_VALUE, 3, 8)),
        ("class-method", "Edit a class method.", ("return 11", "return 12"), _changed(METHOD_VALUE, 4, 12)),
        ("property", "Edit a property.", ("return 13", "return 14"), _changed(METHOD_VALUE, 5, 14)),
        ("operator", "Edit an operator.", ("return 17", "return 18"), _changed(METHOD_VALUE, 6, 18)),
        ("enter", "Edit a context manager.", ("return 19", "return 20"), _changed(METHOD_VALUE, 7, 20)),
        ("override", "Override an inherited method.", ("class Model(Base):",
         "class Model(Base):\n    def inherited(self):\n        return super().inherited() + 1\n"),
         _changed(METHOD_VALUE, 1, 6)),
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
        ("list", "Edit a constant list.", ("[1, 2, 3]", "[1, 9, 3]"), _changed(LITERAL_VALUE, 0, 9)),
        ("dict", "Edit a nested constant dict.", ('"left": 4', '"left": 5'), _changed(LITERAL_VALUE, 1, 5)),
        ("pattern", "Edit a regular expression.", ('"a+"', '"a"'), _changed(LITERAL_VALUE, 2, ["a", "a"])),
        ("set", "Edit a constant set.", ('"x", "y"', '"x", "z"'), _changed(LITERAL_VALUE, 3, ["x", "z"])),
    )),
    *_list_edits(VALUES, VALUES_VALUE, (
        ("enum", "Edit an enum's value.", ("RED = 1", "RED = 2"), _changed(VALUES_VALUE, 0, 2)),
        ("dataclass-default", "Edit a dataclass default.", ("gain: int = 2", "gain: int = 3"),
         _changed(VALUES_VALUE, 1, 3)),
        ("namedtuple-default", "Edit a namedtuple default.", ("defaults=(3,)", "defaults=(4,)"),
         _changed(VALUES_VALUE, 2, 4)),
        ("partial", "Edit a partial's argument.", ("partial(add, 4)", "partial(add, 5)"), _changed(VALUES_VALUE, 3, 6)),
        ("lru-cache", "Edit a helper under lru_cache.", ("x + 5", "x + 6"), _changed(VALUES_VALUE, 4, 7)),
        ("singledispatch", "Edit a singledispatch implementation.", ('"int"', '"whole"'),
         _changed(VALUES_VALUE, 5, "whole")),
        ("callable-state", "Edit a callable instance's state.", ("Scale(6)", "Scale(7)"), _changed(VALUES_VALUE, 6, 7)),
    )),
    *_list_edits(INDIRECT, INDIRECT_VALUE, (
        ("getattr", "Edit a method reached by getattr.", ("return 2", "return 3"), "[3, 3, 2, 7, 7, [4], [10]]"),
        ("registry", "Edit a function in a registry.", ("x + 1", "x + 2"), _changed(INDIRECT_VALUE, 2, 3)),
        ("local-import", "Edit a function imported inside.", ("x + 6", "x + 7"), _changed(INDIRECT_VALUE, 3, 8)),
        ("nested", "Edit a helper of a nested function.", ("y * 7", "y * 8"), _changed(INDIRECT_VALUE, 4, 8)),
        ("generator", "Edit a generator helper.", ("x + 3", "x + 4"), _changed(INDIRECT_VALUE, 5, [5])),
        ("comprehension", "Edit a lambda in a comprehension.", ("y + 9", "y + 8"), _changed(INDIRECT_VALUE, 6, [9])),
    )),
]  # fmt: skip


def _at_run_time() -> list[Scenario]:
    """Return changes made while the program runs, by code that the function does not reach."""
    rows = (
        ("monkeypatch", "Replace a helper while the program runs.", HELPER, "globals().update(helper=lambda x: x + 2)",
         "2", "3"),
        ("rebound", "Rebind a global while the program runs.", CONSTANT, "globals().update(SCALE=3)", "4", "6"),
        ("list-mutated", "Change a global list while the program runs.", LITERAL, "TABLE.__setitem__(1, 9)",
         LITERAL_VALUE, _changed(LITERAL_VALUE, 0, 9)),
        ("dict-mutated", "Change a nested global dict while the program runs.", LITERAL,
         "CONFIG['gain'].update(left=5)", LITERAL_VALUE, _changed(LITERAL_VALUE, 1, 5)),
        ("array-mutated", "Change a global array while the program runs.", ARRAY, "WEIGHTS.__setitem__(0, 1.0)",
         "[12497500.0, 0.841]", "[12497501.0, 0.841]"),
        ("attribute-set", "Set a class attribute while the program runs.", METHOD, "setattr(Base, 'rate', 4)",
         METHOD_VALUE, _changed(METHOD_VALUE, 2, 4)),
        ("state-set", "Set an attribute of a global instance while the program runs.", VALUES,
         "setattr(scale, 'k', 7)", VALUES_VALUE, _changed(VALUES_VALUE, 6, 7)),
        ("default-set", "Set a helper's defaults while the program runs.", HELPERS_DEFAULT,
         "helper.__kwdefaults__.update(offset=2)", "2", "3"),
    )  # fmt: skip
    found = []
    for name, title, text, change, before, after in rows:
        calls = (("f(1)", before), ("f(1)", before), (change, "None"), ("f(1)", after))
        found.append(Scenario(f"X1.{name}", title, (Phase(text.files(), calls, 2),)))
    return found


SCENARIOS = [*PLAIN_EDITS, *GROUPED_EDITS, *_at_run_time()]
