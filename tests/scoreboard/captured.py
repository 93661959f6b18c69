"""Programs whose cached function reads constants and values of many types."""

from __future__ import annotations

from .scenario import program

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
