"""An array as an argument in a signature: it compares as a whole, so that signatures are values."""

from __future__ import annotations

from typing import Any

import numpy as np


class ArgumentArray(np.ndarray[Any, Any]):
    """A read-only view of an array that equals another one of its dtype, shape and bits, and nothing else."""

    def __eq__(self, other: object) -> Any:
        if not isinstance(other, np.ndarray):
            return False
        alike = self.dtype.str == other.dtype.str and self.shape == other.shape
        return alike and self.tobytes() == other.tobytes()

    def __ne__(self, other: object) -> Any:
        return not self == other

    # An array has none, for its `==` has no one answer.
    def __hash__(self) -> int:  # type: ignore[override]
        return hash((self.dtype.str, self.shape, self.tobytes()))

    def __array_wrap__(self, array: Any, context: Any = None, return_scalar: bool = False) -> Any:
        """Give what is computed from it as a plain array."""
        plain = np.asarray(array)
        return plain[()] if return_scalar else plain


def as_argument(array: np.ndarray[Any, Any]) -> ArgumentArray:
    """Return the read-only view of an array that stands for it in a signature."""
    view = array.view(ArgumentArray)
    view.flags.writeable = False
    return view
