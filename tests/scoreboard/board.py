"""Every scenario on the board, in the order of the pitfalls."""

from __future__ import annotations

from . import arguments, crowds, edits, identities, results, running, unchanged
from .scenario import Scenario

MODULES = (edits, running, unchanged, identities, arguments, results, crowds)
SCENARIOS: list[Scenario] = [scenario for module in MODULES for scenario in module.SCENARIOS]
