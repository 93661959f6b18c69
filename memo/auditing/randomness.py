"""Global random states: whether a call moved one, asked often and cheaply.

numpy's is compiled code, whose calls no hook of Python sees; the position in its state is read instead.
"""

from __future__ import annotations

import ast
import linecache
import random
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType
    from typing import Any

# Of the state of numpy's Mersenne Twister: 624 words, then the position.
_WORDS = 624
NUMPY = "numpy.random"


class GlobalStates:
    """The global random states of a process, as they were at the last look."""

    def __init__(self) -> None:
        self._readers = _readers()
        self._before: dict[str, Any] = {}

    def begin(self) -> None:
        """Take the states from which movement counts."""
        self._before = {name: read() for name, read in self._readers.items()}

    def take(self) -> list[str]:
        """Return the states that have moved since they were taken, and take them as they are now."""
        before = self._before
        self.begin()
        return [name for name, state in self._before.items() if state != before[name]]


def _readers() -> dict[str, Callable[[], Any]]:
    """Return how to read each state, as something to compare."""
    import numpy as np  # noqa: PLC0415 - only an audit needs it

    def of_numpy() -> Any:
        state: Any = np.random.get_state()
        return state[0], state[1].tobytes(), state[2:]

    readers: dict[str, Callable[[], Any]] = {"random": random.getstate, NUMPY: of_numpy}
    torch = sys.modules.get("torch")
    if torch is not None:
        readers["torch"] = lambda: torch.get_rng_state().numpy().tobytes()
    return readers


def twister_position() -> Any:
    """Return a view of the position in numpy's global state, read in 0.1 µs; None where it is laid out otherwise."""
    import ctypes  # noqa: PLC0415 - only an audit needs it

    import numpy as np  # noqa: PLC0415 - likewise

    generator = np.random.get_bit_generator()  # type: ignore[attr-defined]  # public since numpy 1.24
    if type(generator) is not np.random.MT19937:
        return None
    state: Any = np.random.get_state()
    position = ctypes.c_int.from_address(generator.ctypes.state_address + 4 * _WORDS)
    return position if position.value == state[2] else None


def makes_seeded_state(frame: FrameType | None) -> bool:
    """Tell a request for entropy that does not count: `RandomState(seed)` asks for some before it takes its seed.

    Its own code is compiled and stands in no frame, so the text of the call is read.
    """
    while frame is not None and frame.f_globals.get("__name__") in ("random", "secrets"):
        frame = frame.f_back
    if frame is None:
        return False
    place = list(frame.f_code.co_positions())[frame.f_lasti // 2]
    first, last, start, end = place
    if first is None or last is None:
        return False
    lines = [linecache.getline(frame.f_code.co_filename, line).encode() for line in range(first, last + 1)]
    lines[-1] = lines[-1][:end]
    lines[0] = lines[0][start:]
    try:
        call = ast.parse(b"".join(lines), mode="eval").body
    except (SyntaxError, ValueError):
        return False
    if not isinstance(call, ast.Call):
        return False
    named = getattr(call.func, "attr", getattr(call.func, "id", ""))
    given = [*call.args, *(keyword.value for keyword in call.keywords)]
    return named == "RandomState" and bool(given) and getattr(given[0], "value", given[0]) is not None
