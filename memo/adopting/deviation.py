"""How the elements of two arrays of one dtype and shape differ: which, by how much, and by how many ULP.

A unit in the last place (ULP) is the step from one floating number to the next; -0.0 and 0.0 are none apart, though
their bits differ. Distances of complex numbers are those in the plane, and their ULP the larger of both parts.
Imported only once two values differ, so it may import numpy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from memo.adopting.difference import Tolerance

    Array = np.ndarray[Any, Any]

_UNSIGNED = {1: np.uint8, 2: np.uint16, 4: np.uint32, 8: np.uint64}
# Where a long double has 64 bits of significand (x86), ten of its sixteen bytes are number, the others padding.
_EXTENDED = np.finfo(np.longdouble).nmant == 63


class Deviation(NamedTuple):
    """The elements of one part of a value that differ.

    Attributes:
        differing: How many there are.
        size: Orders deviations: the largest distance, infinite where none can be measured.
        path: Where the one stands that differs most.
        stored: What is stored there.
        computed: What was computed there.
        max_abs: The largest distance, if these are numbers.
        max_ulp: The largest distance in ULP, if these are finite floating numbers.
    """

    differing: int
    size: float
    path: str
    stored: str
    computed: str
    max_abs: float | None = None
    max_ulp: int | None = None


def deviation(stored: Array, computed: Array, tolerance: Tolerance, path: str) -> Deviation | None:
    """Return how two arrays of one dtype and shape differ; None if they do not.

    Args:
        stored: Of any dtype without fields and without Python objects.
        computed: Likewise.
        tolerance: How far floating numbers may lie apart.
        path: What the arrays are called.
    """
    old, new = _native(stored), _native(computed)
    where = _differing(old, new)
    old, new = old[where], new[where]
    kind = stored.dtype.kind
    if kind in "fc":
        distances, ulps = _distances(old, new)
        beyond = ~_near(old, distances, ulps, tolerance)
        where, old, new, distances, ulps = (part[beyond] for part in (where, old, new, distances, ulps))
    elif kind in "iu":
        distances, ulps = _integer_distances(old, new), np.full(len(old), -1.0)
    else:
        distances, ulps = np.full(len(old), np.inf), np.full(len(old), -1.0)
    return _deviation(stored, computed, where, (distances, ulps), path) if len(where) else None


def _deviation(stored: Array, computed: Array, where: Array, sizes: tuple[Array, Array], path: str) -> Deviation:
    distances, ulps = sizes
    worst = int(np.argmax(distances))
    place = np.unravel_index(where[worst], stored.shape)
    if place:
        path += f"[{', '.join(map(str, place))}]"
    return Deviation(
        len(where),
        float(distances[worst]),
        path,
        *_texts(stored[place], computed[place]),
        float(distances[worst]) if stored.dtype.kind in "fciu" else None,
        int(ulps.max()) if ulps.max() >= 0 else None,
    )


def _texts(stored: Any, computed: Any) -> tuple[str, str]:
    """Return both values as text, with their bytes where they would look alike, as two NaN do."""
    write = (lambda value: repr(value.item())) if stored.dtype.kind in "SUV" else str
    text, other = write(stored), write(computed)
    if text != other:
        return text, other
    return f"{text} (bytes {stored.tobytes().hex()})", f"{other} (bytes {computed.tobytes().hex()})"


def _native(value: Array) -> Array:
    """Return the elements in a row, in the byte order of this machine, padding cleared."""
    flat = np.ascontiguousarray(value).reshape(-1)
    if value.dtype.char in "gG" and _EXTENDED:
        flat = flat.astype(flat.dtype.newbyteorder("="))
        flat.view(np.uint8).reshape(-1, np.dtype(np.longdouble).itemsize)[:, 10:] = 0
        return flat
    return flat.astype(flat.dtype.newbyteorder("="), copy=False)


def _differing(old: Array, new: Array) -> Array:
    """Return the places where bits differ."""
    size = old.dtype.itemsize
    if not size or not len(old):
        return np.empty(0, np.intp)
    width = next(width for width in (8, 4, 2, 1) if size % width == 0)
    unequal = old.view(_UNSIGNED[width]) != new.view(_UNSIGNED[width])
    return np.flatnonzero(unequal.reshape(len(old), -1).any(axis=1))


def _integer_distances(old: Array, new: Array) -> Array:
    # The difference wraps around, and is right again as an unsigned number.
    apart: Array = np.maximum(old, new) - np.minimum(old, new)
    return apart.view(_UNSIGNED[old.dtype.itemsize]).astype(np.float64)


def _distances(old: Array, new: Array) -> tuple[Array, Array]:
    """Return how far floating or complex numbers lie apart, and in ULP; -1 where an infinity or NaN has none."""
    old, new = _parts(old), _parts(new)
    wide = np.result_type(old.dtype, np.float64)
    with np.errstate(all="ignore"):
        same = (old == new) | (np.isnan(old) & np.isnan(new))
        finite = np.isfinite(old) & np.isfinite(new)
        apart = np.abs(new.astype(wide) - old.astype(wide))
        apart = np.where(same, 0, np.where(finite, apart, np.inf))
        ulps = np.where(same, 0, np.where(finite, _ulps(old, new), np.inf))
        distances = np.hypot.reduce(apart, axis=1)
        largest = ulps.max(axis=1)
    # Two NaN are no distance apart, and no numbers whose distance would mean anything.
    measured = np.isfinite(largest) & finite.any(axis=1)
    return distances, np.where(measured, largest, -1)


def _parts(value: Array) -> Array:
    """Return floating numbers as rows of one, complex ones as rows of two."""
    if value.dtype.kind == "f":
        return value.reshape(-1, 1)
    return value.view(value.real.dtype).reshape(-1, 2)


def _ulps(old: Array, new: Array) -> Array:
    """Return the steps between finite numbers, as floats: beyond 2**53 steps they are rounded."""
    if old.dtype.itemsize > 8:
        steps: Array = np.rint(np.abs(new - old) / np.spacing(np.maximum(np.abs(old), np.abs(new))))
        return steps
    return _integer_distances(_ordered(old), _ordered(new))


def _ordered(value: Array) -> Array:
    """Return integers that are ordered as floating numbers are, one step for each; both zeros are 0."""
    size = value.dtype.itemsize
    bits = value.view(f"i{size}").astype(np.int64)
    magnitude = bits & np.int64((1 << 8 * size - 1) - 1)
    return np.where(bits < 0, -magnitude, magnitude)


def _near(old: Array, distances: Array, ulps: Array, tolerance: Tolerance) -> Array:
    """Return which numbers are within the tolerance; none if it is exact, since their bits differ."""
    rtol, atol, ulp = tolerance
    if not (rtol or atol or ulp):
        return np.zeros(len(old), bool)
    parts = _parts(old)
    with np.errstate(all="ignore"):
        size = np.hypot.reduce(np.where(np.isfinite(parts), np.abs(parts), 0), axis=1)
        within = np.isfinite(distances) & (distances <= atol + rtol * size)
    near: Array = within | (distances == 0) | ((ulps >= 0) & (ulps <= ulp))
    return near
