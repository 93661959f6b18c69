"""X10 to X25 of results: damage, foreign code, limits, values that come back, and what is printed."""

from __future__ import annotations

from .scenario import Phase, Program, Scenario, lasting, program

SMALL = program("""
    import numpy as np

    @cached
    def f(x):
        ran()
        return np.full(40, 1234.5) + x
    """)

LARGE = program("""
    import numpy as np

    @cached
    def f(x):
        ran()
        return np.full(500_000, 1234.5) + x
    """)

OBJECT = program("""
    class Thing:
        def __init__(self, v):
            self.v = v

        def __eq__(self, other):
            return type(other) is Thing and other.v == self.v

        __hash__ = None

    @cached
    def f(x):
        ran()
        return Thing("payload-" * 40 + str(x))
    """)

EMPTY = program("""
    import numpy as np

    VALUES = {"none": None, "false": False, "zero": 0, "empty": "", "list": [], "array": np.empty(0)}
    VALUES["nan"] = float("nan")

    @cached
    def f(name):
        ran()
        return VALUES[name]
    """)

KINDS = program("""
    import collections, datetime, decimal
    import numpy as np

    Point = collections.namedtuple("Point", "x y")
    VALUES = {
        "tuple": (1, (2.0, "three"), [4]), "set": {1, 2}, "frozenset": frozenset("ab"), "dict": {"b": 1, "a": (2,)},
        "intkeys": {1: "a", (2, 3): "b"}, "bytes": b"abc", "bytearray": bytearray(b"abc"),
        "big": 2**80, "complex": 1 - 0j,
        "nan": float("nan"), "negative": -0.0, "date": datetime.date(2020, 1, 1), "decimal": decimal.Decimal("1.10"),
        "bool": [True, 1, 1.0], "text": "\\ud800é\\0", "point": Point(1, [2]), "ordered": collections.OrderedDict(a=1),
        "float32": np.float32(1.5), "bigend": np.arange(3, dtype=">i2"), "fortran": np.asfortranarray(np.ones((2, 3))),
        "zero-d": np.array(1.5), "pair": (np.arange(3), np.ones(2)), "record": np.zeros(2, [("a", "f8"), ("b", "i2")]),
        "strings": np.array(["a", "bc"]), "times": np.array(["2020-01-01"], "M8[D]"), "empty": np.zeros((0, 3)),
    }

    @cached
    def f(name):
        ran()
        return VALUES[name]

    """)
NAMES = (
    "tuple", "set", "frozenset", "dict", "intkeys", "bytes", "bytearray", "big", "complex", "nan", "negative", "date",
    "decimal", "bool", "text", "point", "ordered", "float32", "bigend", "fortran", "zero-d", "pair", "record",
    "strings", "times", "empty",
)  # fmt: skip

SPOILED = program("""
    import numpy as np

    @cached
    def f(x):
        ran()
        return [x, [x]]

    @cached
    def g(x):
        ran()
        return np.full(x, 3.0)

    def spoil(value):
        if isinstance(value, list):
            value.append(99)
            value[1].append(99)
        else:
            value[0] = 99.0
    """)
SPOILED_CALLS = (
    ("f(1)", "[1, [1]]"), ("spoil(f(1))", "None"), ("f(1)", "[1, [1]]"), ("spoil(f(1))", "None"), ("f(1)", "[1, [1]]"),
    ("g(9)", "np.full(9, 3.0)"), ("spoil(g(9))", "None"), ("g(9)", "np.full(9, 3.0)"),
    ("g(300_000)", "np.full(300_000, 3.0)"), ("spoil(g(300_000))", "None"), ("g(300_000)", "np.full(300_000, 3.0)"),
)  # fmt: skip

BIG = program("""
    import numpy as np

    @cached
    def f(x):
        ran()
        return np.full(12_500, float(x))
    """)

FAILING = program("""
    @cached
    def f(x):
        ran()
        raise KeyError(x)

    def caught(x):
        try:
            return f(x)
        except KeyError as error:
            return error.args
    """)

LONG = program(f"""
    @cached
    def {"a_rather_long_name_" * 12}(x):
        ran()
        return len(x)

    f = {"a_rather_long_name_" * 12}

    @cached
    def con(x, nul=0):
        ran()
        return [x, nul]
    """)

QUIET = program("""
    @cached
    def f(x):
        ran()
        return x + 1
    """)

MOVED_CLASS = program(
    """
    from x12_shapes import Shape

    @cached
    def f(x):
        ran()
        return make(x)

    def make(x):
        return Shape(x)
    """,
    x12_shapes="""
    class Shape:
        def __init__(self, v):
            self.v = v

        def __eq__(self, other):
            return type(other) is type(self) and other.v == self.v

        __hash__ = None
    """,
)


def _after(id: str, title: str, text: Program, truth: str, blow: tuple[str, bytes], explained: str = "") -> Scenario:
    """Return a scenario in which the store is damaged between two runs, and then used twice more."""
    calls = ((("f(1)", truth),) * 2, (("f(1)", truth), ("f(2)", truth.replace("+ 1", "+ 2"))))
    files = text.files()
    phases = Phase(files, calls[0], 1), Phase(files, calls[1], before=blow), Phase(files, calls[1], 0)
    return Scenario(id, title, phases, explained=explained)


SMALL_TRUTH, LARGE_TRUTH = "np.full(40, 1234.5) + 1", "np.full(500_000, 1234.5) + 1"
THING = "Thing('payload-' * 40 + str(0 + 1))"
FLOATS = b"\x00\x00\x00\x00\x00N\x93@" * 4  # 1235.5, as the payload of both arrays holds it

SCENARIOS = [
    _after("X11.bit-small", "Let one bit of a small stored result flip.", SMALL, SMALL_TRUTH, ("flip", FLOATS)),
    _after("X11.bit-large", "Let one bit of a large stored array flip.", LARGE, LARGE_TRUTH, ("flip", FLOATS)),
    _after("X11.bit-restored", "Let one bit of a large array flip, its file's times being put back.", LARGE,
           LARGE_TRUTH, ("flip_quietly", FLOATS)),
    _after("X11.bit-object", "Let one bit of a stored object flip.", OBJECT, THING, ("flip", b"payload-payload-")),
    _after("X11.zeroed", "Let the last half of every large file be zeros (power lost).", LARGE, LARGE_TRUTH,
           ("zero", b"")),
    _after("X12.truncated-small", "Truncate every stored file of a small result.", SMALL, SMALL_TRUTH,
           ("truncate", b""), "an index that cannot be read is left for a person to look at, never replaced unseen:"
           " it may be all that is left of many results; calls compute, and a warning says what to do"),
    _after("X12.truncated-large", "Truncate every stored file of a large result.", LARGE, LARGE_TRUTH,
           ("truncate", b"")),
    _after("X12.emptied", "Empty every stored file of a result.", OBJECT, THING, ("empty", b"")),
    _after("X12.garbage", "Overwrite every stored file of a result with noise.", LARGE, LARGE_TRUTH, ("noise", b"")),
    _after("X13.bomb", "Let another person plant a pickle that runs code in place of an array.", SMALL, SMALL_TRUTH,
           ("plant", b"")),
    _after("X13.bomb-object", "Let another person plant a pickle that runs code in place of an object.", OBJECT, THING,
           ("plant", b"")),
    Scenario("X12.class-moved", "Rename the class of a stored result.", (
        Phase(MOVED_CLASS.files(), (("f(1)", "Shape(1)"),), 1),
        Phase(MOVED_CLASS.edited("Shape", "Figure").files(), (("f(1)", "Figure(1)"),), 1))),
    Scenario("X17.limit", "Store three megabytes under a limit of one, where there is a limit.", tuple(
        Phase(BIG.files(), tuple((f"f({i})", f"np.full(12_500, {i}.0)") for i in range(30)), computes)
        for computes in (30, 0)), limited=True),
    lasting("X19.empty", "Return None, False, zero and empty values.", EMPTY, tuple(
        (f"f({n!r})", f"VALUES[{n!r}]") for n in ("none", "false", "zero", "empty", "list", "array", "nan") * 2), 7),
    lasting("X19.kinds", "Return values of many types.", KINDS, tuple(
        (f"f({n!r})", f"VALUES[{n!r}]") for n in NAMES * 2), 26),
    Scenario("X20.silent", "Look at what is printed on stdout.", (
             Phase(QUIET.files(), (("f(1)", "2"), ("f(1)", "2")), 1),
             Phase(QUIET.files(), (("f(1)", "2"), ("f(2)", "3")), 1)), silent=True),
    Scenario("X23.long", "Use a name of 228 characters and an argument of ten thousand.", (
        Phase(LONG.files(), (("f('x' * 10_000)", "10000"), ("f('x' * 9_999)", "9999")), 2),
        Phase(LONG.files(), (("f('x' * 10_000)", "10000"), ("f('x' * 9_999)", "9999")), 0))),
    lasting("X23.awkward", "Use arguments that no file name takes.", LONG, tuple(
        (f"con({v})", f"[{v}, 0]") for v in ("'a/b'", "'../../x'", "'CON'", "'nul.'", "'\\0'", "'\\n'", "'a'", "'A'",
                                              "'%2F'", "'~'", "''", "'é'", "'e\\u0301'")), 13),
    lasting("X25.spoiled", "Change a result in place, then call again.", SPOILED, SPOILED_CALLS, 3),
    Scenario("same.exceptions", "Raise an exception of the user's own.", (
        Phase(FAILING.files(), (("caught(1)", "(1,)"), ("caught(1)", "(1,)"))),) * 2),
]  # fmt: skip
