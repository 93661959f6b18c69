"""How far two results may lie apart, and how far apart they are."""

from __future__ import annotations

import math
from dataclasses import dataclass
from numbers import Integral, Real
from typing import NamedTuple

from cas.errors import InvalidInputError


class Tolerance(NamedTuple):
    """How far floating numbers may lie apart; to be within any one of these is enough.

    Attributes:
        rtol: The two may differ by atol + rtol · abs(stored). NaN is near NaN, an infinity only near itself.
        atol: See `rtol`.
        ulp: At most so many steps from one representable number to the next.
    """

    rtol: float = 0.0
    atol: float = 0.0
    ulp: int = 0

    def checked(self) -> Tolerance:
        """Return it as plain numbers.

        Raises:
            InvalidInputError: One of them is no number, negative, infinite, or NaN; or `ulp` is not whole.
        """
        for name, value in self._asdict().items():
            kind = Integral if name == "ulp" else Real
            if type(value) is bool or not isinstance(value, kind) or not 0 <= float(value) < math.inf:
                raise InvalidInputError(
                    f"expected {'a whole' if name == 'ulp' else 'a finite'} number, 0 or more, for {name}, "
                    f"found {value!r}",
                    f"leave {name} out to compare exactly",
                )
        return Tolerance(float(self.rtol), float(self.atol), int(self.ulp))

    def __str__(self) -> str:
        return ", ".join(f"{name}={value!r}" for name, value in self._asdict().items() if value) or "exactly"


EXACT = Tolerance()


@dataclass(frozen=True)
class Difference:
    """How a computed value differs from a stored one.

    Attributes:
        path: Where they differ most, such as `result["power"][3, 17]`.
        stored: What is stored there.
        computed: What was computed there.
        differing: How many elements differ by more than the tolerance; what has another type or shape counts as one.
        elements: How many elements were compared.
        max_abs: The largest distance of two numbers that differ; None if no numbers do.
        max_ulp: The largest distance in ULP of two floating numbers that differ; None likewise.
    """

    path: str
    stored: str
    computed: str
    differing: int
    elements: int
    max_abs: float | None
    max_ulp: int | None

    def __str__(self) -> str:
        text = f"{self.path}: stored {self.stored}, computed {self.computed}"
        if self.elements > 1:
            text += f"; {self.differing:,} of {self.elements:,} elements differ"
        return text + (f"; {self.size}" if self.size else "")

    @property
    def size(self) -> str:
        """By how much numbers differ, for a person; empty if no numbers do."""
        sizes = [] if self.max_abs is None else [f"max abs {self.max_abs:.4g}"]
        if self.max_ulp is not None:
            sizes.append(f"{self.max_ulp:,} ULP" if self.max_ulp < 10**6 else f"{self.max_ulp:.1e} ULP")
        return ", ".join(sizes)
