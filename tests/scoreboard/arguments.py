"""X4 to X9: arguments that differ never share a result, and equal ones do."""

from __future__ import annotations

from .scenario import Phase, Scenario, program

SHOWN = program("""
    import collections, dataclasses, datetime, decimal, enum, fractions, pathlib, zlib
    import numpy as np

    @dataclasses.dataclass
    class One:
        v: object

    @dataclasses.dataclass
    class Other:
        v: object

    class Colour(enum.Enum):
        RED = 1

    class Shade(enum.IntEnum):
        RED = 1

    class Slots:
        __slots__ = ("v",)

        def __init__(self, v):
            self.v = v

        def __reduce__(self):
            return Slots, (self.v,)

    class Whole(int):
        pass

    Point = collections.namedtuple("Point", "x y")
    BASE = np.arange(12.0)

    def put(array, index, value):
        array = array.copy()
        array[index] = value
        return array

    def masked(*mask):
        return np.ma.MaskedArray([1.0, 2.0, 3.0], mask=mask)

    def show(x):
        if isinstance(x, np.ma.MaskedArray):
            return ["masked", x.filled(-1).tolist()]
        if isinstance(x, np.ndarray):
            bits = x.tolist() if x.dtype.hasobject else zlib.crc32(x.tobytes())
            return [str(x.dtype), x.shape, bits]
        if isinstance(x, (set, frozenset)):
            return [type(x).__name__, sorted(map(str, x))]
        if isinstance(x, Slots):
            return ["Slots", x.v]
        if isinstance(x, (list, tuple)) and type(x) in (list, tuple):
            return [type(x).__name__, [show(v) for v in x]]
        if isinstance(x, dict):
            return [type(x).__name__, [(show(k), show(v)) for k, v in x.items()]]
        return [type(x).__name__, repr(x)]

    @cached
    def f(x):
        ran()
        return show(x)
    """)

# (name, one, other): f must tell them apart, in one process and across processes.
DIFFERENT = (
    ("int-bool", "1", "True"), ("int-float", "1", "1.0"), ("int-str", "1", "'1'"), ("float-bool", "1.0", "True"),
    ("int-numpy", "1.0", "np.float64(1.0)"), ("numpy-widths", "np.float32(1)", "np.float64(1)"),
    ("bool-numpy", "True", "np.True_"), ("zero", "0.0", "-0.0"), ("zero-nested", "[0.0]", "[-0.0]"),
    ("complex-zero", "complex(0, 0.0)", "complex(0, -0.0)"), ("int-complex", "1", "1+0j"),
    ("list-tuple", "[1]", "(1,)"), ("tuple-scalar", "(1,)", "1"), ("list-scalar", "[1]", "1"),
    ("nested-tuple", "[[1, 2], [3]]", "[(1, 2), [3]]"), ("nesting", "[[1], [2]]", "[[1, 2]]"),
    ("nested-type", "{'a': [1]}", "{'a': [True]}"), ("set-frozenset", "{1}", "frozenset({1})"),
    ("set-list", "{1}", "[1]"), ("none-empty", "None", "''"), ("empty-list-tuple", "[]", "()"),
    ("empty-dict-set", "{}", "set()"), ("joined", "['ab', 'c']", "['a', 'bc']"), ("str-bytes", "'a'", "b'a'"),
    ("bytes-bytearray", "b'a'", "bytearray(b'a')"), ("dict-order", "{'a': 1, 'b': 2}", "{'b': 2, 'a': 1}"),
    ("dict-ordered", "{'a': 1}", "collections.OrderedDict(a=1)"), ("dict-key-type", "{1: 0}", "{'1': 0}"),
    ("dict-pairs", "{'a': 1}", "[('a', 1)]"), ("none-str", "None", "'None'"), ("bool-str", "True", "'True'"),
    ("unicode", "'\\u00e9'", "'e\\u0301'"), ("case", "'a'", "'A'"), ("nul", "'a'", "'a\\0'"), ("space", "'a'", "'a '"),
    ("surrogate", "'\\ud800'", "'\\ud801'"), ("path-str", "pathlib.PurePosixPath('a')", "'a'"),
    ("big-int", "2**70", "2**70 + 1"), ("float-last-bit", "0.1", "0.1 + 2**-56"), ("nan-number", "float('nan')", "0.0"),
    ("huge", "2**53", "2**53 + 1"), ("inf", "float('inf')", "float('-inf')"),
    ("decimal", "decimal.Decimal('1.0')", "decimal.Decimal('1.00')"),
    ("fraction", "fractions.Fraction(1, 2)", "0.5"), ("range", "range(3)", "[0, 1, 2]"),
    ("slice", "slice(1, 2)", "slice(1, 2, 1)"), ("enum-value", "Colour.RED", "1"), ("intenum-int", "Shade.RED", "1"),
    ("subclass", "Whole(1)", "1"), ("namedtuple", "Point(1, 2)", "(1, 2)"), ("dataclasses", "One(1)", "Other(1)"),
    ("dataclass-field", "One([1])", "One((1,))"),
    ("zone", "datetime.datetime(2020, 1, 1)", "datetime.datetime(2020, 1, 1, tzinfo=datetime.timezone.utc)"),
    ("date", "datetime.datetime(2020, 1, 1)", "datetime.date(2020, 1, 1)"),
    ("fold", "datetime.datetime(2020, 1, 1)", "datetime.datetime(2020, 1, 1, fold=1)"),
    ("slots", "Slots(1)", "Slots(2)"), ("ellipsis", "...", "'...'"),
)  # fmt: skip

ARRAYS = (
    ("X4", "middle-2000", "np.zeros(2000)", "put(np.zeros(2000), 1000, 1.0)"),
    ("X4", "middle-nested", "[np.zeros(2000)]", "[put(np.zeros(2000), 1000, 1.0)]"),
    ("X4", "middle-strings", "np.array(['a'] * 2000)", "put(np.array(['a'] * 2000), 0, 'b')"),
    ("X5", "one-flipped", "np.ones(10**6)", "put(np.ones(10**6), 654_321, 1.0 + 2**-52)"),
    ("X5", "one-flipped-int", "np.zeros(10**6, 'i8')", "put(np.zeros(10**6, 'i8'), 333_667, 1)"),
    ("X6", "dtype", "np.zeros(3, 'f8')", "np.zeros(3, 'i8')"),
    ("X6", "width", "np.zeros(4, 'i4')", "np.zeros(4, 'u4')"),
    ("X6", "byte-order", "np.ones(2, '<f8')", "np.ones(2, '>f8')"),
    ("X6", "reshape", "BASE.reshape(3, 4)", "BASE.reshape(4, 3)"),
    ("X6", "transpose", "BASE.reshape(3, 4)", "BASE.reshape(3, 4).T"),
    ("X6", "length-one", "np.ones((1, 3))", "np.ones(3)"),
    ("X6", "scalar-array", "np.ones(())", "np.ones(1)"),
    ("X6", "number-array", "1.0", "np.ones(())"),
    ("X6", "empty", "np.zeros((0, 3))", "np.zeros((3, 0))"),
    ("X6", "permuted", "np.array([[1, 2], [3, 4]])", "np.array([[3, 4], [1, 2]])"),
    ("X6", "array-list", "np.array([1.0, 2.0])", "[1.0, 2.0]"),
    ("X6", "field-names", "np.zeros(2, [('a', 'f8')])", "np.zeros(2, [('b', 'f8')])"),
    ("X6", "time-unit", "np.zeros(2, 'M8[s]')", "np.zeros(2, 'M8[D]')"),
    ("X6", "mask", "masked(0, 0, 0)", "masked(0, 1, 0)"),
    ("X6", "masked-plain", "masked(0, 0, 0)", "np.array([1.0, 2.0, 3.0])"),
    ("X6", "objects", "np.array([1, 'a'], object)", "np.array([1, 'b'], object)"),
    ("X6", "bool", "np.array([1], '?')", "np.array([1], 'i1')"),
    ("X6", "zero-sign", "np.array([0.0])", "np.array([-0.0])"),
)

# (pitfall, name, one, other): equal by value, so one computation.
EQUAL = (
    ("X9", "set", "{'a', 'b', 'c', 'd'}", "{'d', 'c', 'b', 'a'}"),
    ("X9", "frozenset", "frozenset('abcdef')", "frozenset('fedcba')"),
    ("X9", "set-nested", "{'k': {'a', 'b', 'c'}}", "{'k': {'c', 'b', 'a'}}"),
    ("X9", "frozenset-tuples", "frozenset({('a', 1), ('b', 2)})", "frozenset({('b', 2), ('a', 1)})"),
    ("X9", "set-mixed", "{1, 'a', None, (2, 'b')}", "{(2, 'b'), None, 'a', 1}"),
    ("X9", "nan", "float('nan')", "float('nan')"),
    ("X9", "dataclass", "One([1, 'a'])", "One([1, 'a'])"),
    ("X9", "enum", "Colour.RED", "Colour(1)"),
    ("X9", "type", "One", "One"),
    ("X9", "slots", "Slots(1)", "Slots(1)"),
    ("X9", "interned", "['ab', 'ab']", "['ab', 'a' + chr(98)]"),
    ("X9", "aliased", "(lambda v: [v, v])([1])", "[[1], [1]]"),
    ("X9", "aliased-array", "(lambda v: [v, v])(np.ones(3))", "[np.ones(3), np.ones(3)]"),
    ("X9", "order", "BASE.reshape(3, 4)", "np.asfortranarray(BASE.reshape(3, 4))"),
    ("X9", "stride", "np.arange(3.0)", "np.arange(6.0)[::2] / 2"),
    ("X9", "view", "np.arange(0.0, 6.0, 2)", "np.arange(6.0)[::2]"),
    ("X9", "readonly", "np.ones(3)", "np.broadcast_to(np.float64(1), (3,))"),
    ("X9", "printing", "np.zeros(2000)", "(np.set_printoptions(threshold=10), np.zeros(2000))[1]"),
    ("X9", "masked", "masked(0, 1, 0)", "masked(0, 1, 0)"),
    ("X9", "objects", "np.array(['a', {'b'}], object)", "np.array(['a', {'b'}], object)"),
)  # fmt: skip


def _different(pitfall: str, name: str, one: str, other: str) -> Scenario:
    """Return a scenario that calls with two values that differ, in either order, in two processes."""
    first, second = ((f"f({v})", f"show({v})") for v in (one, other))
    title = f"Call with {one}, then with {other}."
    phases = Phase(SHOWN.files(), (first, second, first)), Phase(SHOWN.files(), (second, first, second))
    return Scenario(f"{pitfall}.{name}", title, phases)


def _equal(pitfall: str, name: str, one: str, other: str) -> Scenario:
    """Return a scenario that calls with two spellings of one value: one computation in two processes."""
    first, second = ((f"f({v})", f"show({v})") for v in (one, other))
    title = f"Call with {one}, then with its equal {other}."
    phases = Phase(SHOWN.files(), (first, second), 1), Phase(SHOWN.files(), (second, first), 0)
    return Scenario(f"{pitfall}.{name}", title, phases)


MUTATED = program("""
    @cached
    def f(x):
        ran()
        x.append(1)
        return sum(x)
    """)

SCENARIOS = [
    *(_different("X7", *row) for row in DIFFERENT),
    *(_different(*row) for row in ARRAYS),
    *(_equal(*row) for row in EQUAL),
    Scenario(
        "X10.mutated",
        "Call a function that changes its argument, then call it with what the argument became.",
        (
            Phase(MUTATED.files(), (("f([0])", "1"), ("f([0, 1])", "2"), ("f([0])", "1"))),
            Phase(MUTATED.files(), (("f([0, 1])", "2"), ("f([0])", "1"))),
        ),
    ),
]
