"""Edits that change nothing that runs: computing again is a false miss. And code that comes back."""

from __future__ import annotations

from dataclasses import replace

from .scenario import Phase, Scenario, harmless, lasting, program

TEXT = program("""
    import math

    LIMIT = 100

    def helper(x):
        return (x + 1)

    def unrelated(x):
        return x - 1

    class Model:
        def used(self, x):
            return helper(x)

        def unused(self, x):
            return unrelated(x)

    @cached
    def f(x):
        ran()
        total = 0
        for i in [x, 2]:
            total += Model().used(i)
        return total
    """)

STATEFUL = program("""
    MEMO = {}
    COUNTS = [0]
    CALLS = 0

    def helper(x):
        global CALLS
        CALLS += 1
        COUNTS[0] += 1
        if x not in MEMO:
            MEMO[x] = x + 1
        return MEMO[x]

    class Counted:
        made = 0

        def __init__(self):
            Counted.made += 1

    @cached
    def f(x):
        ran()
        Counted()
        return helper(x)
    """)

SETS = program("""
    NAMES = {"alpha", "beta", "gamma", "delta"}

    @cached
    def f(x):
        ran()
        return len(NAMES) + (x in {"one", "two", "three", "four"}) + (x in frozenset(["a", "b", "c"]))
    """)

HOT = program("""
    def helper(x):
        return x + 1

    @cached
    def f(x):
        ran()
        return sum(helper(i) for i in range(x, x + 2000))
    """)

EDITS = (
    harmless("same.comment", "Edit a comment inside.", TEXT, ("total = 0", "total = 0  # begin"), "5"),
    harmless("same.comment-helper", "Edit a comment in a helper.", TEXT, ("(x + 1)", "(x + 1)  # one"), "5"),
    harmless("same.blank-lines", "Add blank lines.", TEXT, ("    total = 0\n", "\n    total = 0\n\n"), "5"),
    harmless("same.moved", "Insert lines above.", TEXT, ("LIMIT = 100\n", "LIMIT = 100\n\n\n\n"), "5"),
    harmless("same.formatting", "Reformat.", TEXT, ("[x, 2]", "[\n        x,\n        2,\n    ]"), "5"),
    harmless("same.parentheses", "Drop needless parentheses in a helper.", TEXT, ("(x + 1)", "x + 1"), "5"),
    harmless("same.docstring", "Add a docstring.", TEXT, ("    ran()\n", '    """Return it."""\n    ran()\n'), "5"),
    harmless("same.helper-docstring", "Add a docstring to a helper.", TEXT,
             ("    return (x + 1)", '    """Return it."""\n    return (x + 1)'), "5"),
    harmless("same.annotation", "Annotate a parameter.", TEXT, ("def f(x):", "def f(x: int) -> int:"), "5"),
    harmless("same.unrelated-function", "Edit a function that is not reached.", TEXT, ("x - 1", "x - 2"), "5"),
    harmless("same.unrelated-constant", "Edit a constant that is not read.", TEXT, ("LIMIT = 100", "LIMIT = 99"), "5"),
    harmless("same.unused-method", "Edit a method that is not called.", TEXT, ("return unrelated(x)", "return 0"), "5"),
    harmless("same.unused-import", "Import one more module.", TEXT, ("import math", "import math, json"), "5"),
)  # fmt: skip

CALL = (("f(1)", "5"),)
MOVED = Scenario(
    "same.folder",
    "Move the project to another folder.",
    (Phase(TEXT.files(), CALL, 1), Phase(TEXT.files(), CALL, 0, folder="elsewhere")),
)

_OTHER = TEXT.edited("(x + 1)", "(x + 2)").files()
REVERTED = Scenario(
    "X1.reverted",
    "Edit a helper, then take the edit back (a branch switch).",
    (Phase(TEXT.files(), CALL, 1), Phase(_OTHER, (("f(1)", "7"),), 1), Phase(TEXT.files(), CALL, 0)),
)

_OWN = TEXT.edited("total = 0", "total = 10").files()
REVERTED_OWN = replace(
    REVERTED,
    id="X1.reverted-own",
    title="Edit the function itself, then take the edit back.",
    phases=(Phase(TEXT.files(), CALL, 1), Phase(_OWN, (("f(1)", "15"),), 1), Phase(TEXT.files(), CALL, 0)),
)

SCENARIOS = [
    *EDITS,
    MOVED,
    REVERTED,
    REVERTED_OWN,
    lasting("same.state", "Reach a run-time memo, counters and a rebound global.", STATEFUL,
            (("f(1)", "2"), ("f(2)", "3"), ("f(1)", "2"), ("f(3)", "4"), ("f(2)", "3")), 3),
    lasting("same.set-literals", "Reach sets under another hash seed.", SETS, (("f('one')", "5"), ("f('z')", "4")), 2),
    lasting("same.hot", "Call after the bytecode was specialised.", HOT, (("f(0)", "2001000"), ("f(1)", "2003000"),
            ("f(0)", "2001000")), 2),
]  # fmt: skip
