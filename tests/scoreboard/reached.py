"""Programs whose cached function reaches code in many ways; `edits` changes what they reach."""

from __future__ import annotations

from .scenario import program

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

    original = make(2)
    f = cached(original)
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

        def further(self):
            return further(self.k)

    def further(k):
        return k + 1

    def double(x):
        return 2 * x

    doubling = lambda x: 2 * x

    @cached
    def f(probe):
        ran()
        if isinstance(probe, dict):
            return probe["probes"][0].further()
        return probe.read() if isinstance(probe, Probe) else probe(1)
    """)
