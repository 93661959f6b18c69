"""X2 and X22: two callables are never taken for one, and parameters arrive as they were given."""

from __future__ import annotations

import random

from .scenario import CallPair, Phase, Program, Scenario, lasting, program

LAMBDAS = program("""
    f, g = cached(lambda x: x + 1), cached(lambda x: x + 2)
    """)

SAME_NAME = program("""
    @cached
    def f(x):
        return x + 1

    first = f

    @cached
    def f(x):
        return x + 2

    second = f
    """)

FACTORY = program("""
    def make(k):
        @cached
        def inner(x):
            return x * k
        return inner

    f, g, h = make(2), make(3), make((4,))
    """)

FACTORY_LAMBDAS = program("""
    f, g = [cached(lambda x, k=k: x * k) for k in (2, 3)]
    """)

SAME_BODY_OTHER_HELPER = program(
    """
    import x2_other
    @cached
    def f(x):
        return helper(x)

    def helper(x):
        return x + 1

    g = cached(x2_other.f)
    """,
    x2_other="""
    def f(x):
        return helper(x)

    def helper(x):
        return x + 2
    """,
)

NESTED_NAMES = program("""
    class A:
        @staticmethod
        def run(x):
            return x + 1

    class B:
        @staticmethod
        def run(x):
            return x + 2

    f, g = cached(A.run), cached(B.run)
    """)

METHODS = program("""
    import dataclasses

    @dataclasses.dataclass(frozen=True)
    class Settings:
        k: int

        @cached
        def scaled(self, x):
            return self.k * x

    class Plain:
        def __init__(self, k):
            self.k = k

        @cached
        def scaled(self, x):
            return self.k * x
    """)

WRAPPED = program("""
    import functools

    def loud(word):
        def decorate(function):
            @functools.wraps(function)
            def inner(x):
                return word + str(function(x))
            return inner
        return decorate

    def base(x):
        return x

    f, g = cached(loud("a")(base)), cached(loud("b")(base))
    """)

PARTIAL = program("""
    import functools

    def add(a, b):
        return a + b

    f, g = cached(functools.partial(add, 1)), cached(functools.partial(add, 2))
    """)

SPELLINGS = program("""
    @cached
    def f(x, y=2, *, z=3):
        ran()
        return [x, y, z]
    """)

DISTINCT = program("""
    @cached
    def f(x):
        return x + x
    """)


def pairs(id: str, title: str, text: Program, first: CallPair, second: CallPair) -> Scenario:
    """Return a scenario that calls two callables in turn, here and in another process, in either order."""
    forth, back = (first, second, first, second), (second, first, second, first)
    return Scenario(id, title, (Phase(text.files(), forth), Phase(text.files(), back)))


def _signature(chance: random.Random) -> tuple[str, list[str]]:
    """Return a random signature and calls that it takes."""
    only, free, named = chance.randint(0, 2), chance.randint(0, 2), chance.randint(0, 2)
    defaults_from = chance.randint(0, only + free)
    names = [f"p{i}" for i in range(only + free)]
    spelled = [n if i < defaults_from else f"{n}={i * 10}" for i, n in enumerate(names)]
    parts = spelled[:only] + (["/"] if only else []) + spelled[only:]
    rest, options = chance.random() < 0.5, chance.random() < 0.5
    parts += ["*rest"] if rest else (["*"] if named else [])
    parts += [f"k{i}" + ("" if i else "=-1") for i in range(named)]
    parts += ["**options"] if options else []
    calls = []
    for _ in range(4):
        given = chance.randint(defaults_from, only + free)
        by_name = chance.randint(max(only, 0), given) if given > only else given
        words = [str(i) for i in range(by_name)] + [f"{names[i]}={i}" for i in range(by_name, given)]
        if rest and by_name == only + free:
            words += ["7", "8"][: chance.randint(0, 2)]
        words += [f"k{i}={i}" for i in range(1, named)]
        words += [f"z={chance.randint(0, 2)}", "p0=5"][: 1 + (only > 0)] if options else []
        calls.append(", ".join(words))
    return ", ".join(parts), calls


def _parity() -> Scenario:
    """Return the scenario of random signatures: what arrives must be what was given."""
    chance = random.Random(22)
    text, calls = "", []
    for i in range(30):
        parameters, arguments = _signature(chance)
        text += f"def plain{i}({parameters}):\n    return sorted(locals().items())\n\nf{i} = cached(plain{i})\n\n"
        calls += [(f"f{i}({given})", f"plain{i}({given})") for given in arguments for _ in range(2)]
    phase = Phase(program(text).files(), tuple(calls))
    return Scenario("X22.parity", "Call random signatures in many ways.", (phase, phase))


POSITIONAL_ONLY = program("""
    @cached
    def f(x, /, *rest, **options):
        ran()
        return [x, rest, options]
    """)

SCENARIOS = [
    pairs("X2.lambdas", "Write two lambdas on one line.", LAMBDAS, ("f(1)", "2"), ("g(1)", "3")),
    pairs("X2.same-name", "Define two functions of one name.", SAME_NAME, ("first(1)", "2"), ("second(1)", "3")),
    pairs("X2.factory", "Make closures in a factory.", FACTORY, ("f(1)", "2"), ("g(1)", "3")),
    pairs("X2.factory-tuple", "Make closures over a number and a tuple.", FACTORY, ("g(1)", "3"), ("h(1)", "(4,)")),
    pairs("X2.factory-lambdas", "Make lambdas in a loop.", FACTORY_LAMBDAS, ("f(1)", "2"), ("g(1)", "3")),
    pairs("X2.modules", "Use one text in two modules.", SAME_BODY_OTHER_HELPER, ("f(1)", "2"), ("g(1)", "3")),
    pairs("X2.classes", "Use one name in two classes.", NESTED_NAMES, ("f(1)", "2"), ("g(1)", "3")),
    pairs("X2.wrapped", "Wrap one function in two ways.", WRAPPED, ("f(1)", "'a1'"), ("g(1)", "'b1'")),
    pairs("X2.partial", "Cache two partials of one function.", PARTIAL, ("f(1)", "2"), ("g(1)", "3")),
    pairs("X2.method-dataclass", "Cache a method of a dataclass.", METHODS, ("Settings(2).scaled(1)", "2"),
          ("Settings(3).scaled(1)", "3")),
    pairs("X2.method", "Cache a method of a plain class.", METHODS, ("Plain(2).scaled(1)", "2"),
          ("Plain(3).scaled(1)", "3")),
    lasting("X22.spelling", "Spell one call in eight ways.", SPELLINGS, tuple(
        (call, "[1, 2, 3]") for call in ("f(1)", "f(x=1)", "f(1, 2)", "f(1, y=2)", "f(y=2, x=1)", "f(1, z=3)",
                                         "f(1, 2, z=3)", "f(z=3, y=2, x=1)")), 1),
    lasting("X22.positional-only", "Use a positional-only parameter's name as an option.", POSITIONAL_ONLY, (
        ("f(1, x=2)", "[1, (), {'x': 2}]"), ("f(1, 2, b=3, a=4)", "[1, (2,), {'b': 3, 'a': 4}]"),
        ("f(1, (2,))", "[1, ((2,),), {}]"), ("f(1, 2)", "[1, (2,), {}]"), ("f(1, {'x': 2})", "[1, ({'x': 2},), {}]"),
        ("f(1, x=2)", "[1, (), {'x': 2}]")), 5),
    _parity(),
    Scenario("X24.many", "Call with a thousand short strings.", tuple(
        Phase(DISTINCT.files(), (("[f(f'{i:x}') for i in range(1000)]", "[f'{i:x}' * 2 for i in range(1000)]"),))
        for _ in range(2))),
]  # fmt: skip
