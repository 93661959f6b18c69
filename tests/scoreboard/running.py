"""X1 while the program runs: what a cached function reaches is changed by code that it does not reach."""

from __future__ import annotations

from .captured import ARRAY, LITERAL, LITERAL_VALUE, VALUES, VALUES_VALUE
from .edits import changed, named
from .reached import (
    CLOSURE,
    CONSTANT,
    DEEP,
    HELPER,
    HELPERS_DEFAULT,
    IMPORTED,
    METHOD,
    METHOD_VALUE,
)
from .scenario import Phase, Scenario


def _scenarios() -> list[Scenario]:
    """Return changes made while the program runs, by code that the function does not reach."""
    rows = (
        ("monkeypatch", "Replace a helper while the program runs.", HELPER, "globals().update(helper=lambda x: x + 2)",
         "2", "3"),
        ("rebound", "Rebind a global while the program runs.", CONSTANT, "globals().update(SCALE=3)", "4", "6"),
        ("list-mutated", "Change a global list while the program runs.", LITERAL, "TABLE.__setitem__(1, 9)",
         LITERAL_VALUE, changed(LITERAL_VALUE, 0, 9)),
        ("dict-mutated", "Change a nested global dict while the program runs.", LITERAL,
         "CONFIG['gain'].update(left=5)", LITERAL_VALUE, changed(LITERAL_VALUE, 1, 5)),
        ("array-mutated", "Change a global array while the program runs.", ARRAY, "WEIGHTS.__setitem__(2500, 0.0)",
         "[12497500.0, 0.841]", "[12495000.0, 0.841]"),
        ("attribute-set", "Set a class attribute while the program runs.", METHOD, "setattr(Base, 'rate', 4)",
         METHOD_VALUE, changed(METHOD_VALUE, 2, 4)),
        ("state-set", "Set an attribute of a global instance while the program runs.", VALUES,
         "setattr(scale, 'k', 7)", VALUES_VALUE, changed(VALUES_VALUE, 6, 7)),
        ("monkeypatch-deep", "Replace a helper's helper's helper while the program runs.", DEEP,
         "globals().update(third=lambda x: x + 2)", "200", "300"),
        ("monkeypatch-method", "Replace a method while the program runs.", METHOD,
         "setattr(Model, 'method', lambda self, x: x + 2)", METHOD_VALUE, changed(METHOD_VALUE, 0, 3)),
        ("cell-set", "Set a captured variable while the program runs.", CLOSURE,
         "setattr(original.__closure__[0], 'cell_contents', 3)", "2", "3"),
        ("code-set", "Set a helper's code while the program runs.", HELPER,
         "setattr(helper, '__code__', (lambda x: x + 2).__code__)", "2", "3"),
        ("module-set", "Set a constant of an imported module while the program runs.", named(IMPORTED, "x1_module_set"),
         "setattr(x1_module_setlib, 'LIMIT', 200)", "[2, 2, 100, 1]", "[2, 2, 200, 1]"),
        ("default-set", "Set a helper's defaults while the program runs.", HELPERS_DEFAULT,
         "helper.__kwdefaults__.update(offset=2)", "2", "3"),
    )  # fmt: skip
    found = []
    for name, title, text, change, before, after in rows:
        calls = (("f(1)", before), ("f(1)", before), (change, "None"), ("f(1)", after))
        found.append(Scenario(f"X1.{name}", title, (Phase(text.files(), calls, 2),)))
    return found


SCENARIOS = _scenarios()
