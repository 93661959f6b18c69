"""What numpy and pandas leave out of their own pickles, and a pickle of memo's keeps.

Owns which values these are: a subclass of ndarray loses the attributes set on it, a frame too, a masked array whether
its mask is hard, an array that is not contiguous its byte order, `numpy.bytes_` its last zeros.
"""

from __future__ import annotations

import sys

from memo.canonical.attributes import further

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_PROTOCOL = 5


def reduction(value: Any) -> Any:
    """Return how pickle is to make a value again, or NotImplemented where its own way keeps everything."""
    np: Any = sys.modules.get("numpy")
    if np is not None and isinstance(value, np.ndarray):
        return _of_array(value, np)
    if np is not None and type(value) is np.bytes_:
        return np.bytes_, (bytes.__getitem__(value, slice(None)),)
    pd: Any = sys.modules.get("pandas")
    if pd is None or not isinstance(value, tuple(getattr(pd, name, ()) for name in ("DataFrame", "Series", "Index"))):
        return NotImplemented
    from memo.canonical.libraries.frames import INDEX_INTERNAL, INTERNAL  # noqa: PLC0415 - it loads numpy

    if isinstance(value, pd.Index):
        return _with(value, further(value, INDEX_INTERNAL))
    frame: Any = value
    return _with(frame, further(frame, (*INTERNAL, *frame._metadata)))  # noqa: SLF001 - pandas keeps these


def remade(make: Any, arguments: tuple[Any, ...], state: Any, attributes: dict[str, Any]) -> Any:
    """Return an object as pickle would make it, and with its attributes."""
    value = make(*arguments)
    if state is not None:
        value.__setstate__(state)
    value.__dict__.update(attributes)
    return value


def swapped(value: Any, dtype: str) -> Any:
    """Return an array in the byte order that it had."""
    return value.byteswap().view(dtype)


def _of_array(value: Any, np: Any) -> Any:
    kind = type(value)
    if kind in (np.ndarray, np.memmap):
        if value.dtype.isnative and kind is np.ndarray and value.flags.forc:
            return NotImplemented
        value = np.array(value, order="K" if value.flags.forc else "C", subok=False)
        if value.dtype.isnative or value.dtype.names is not None:
            return value.__reduce_ex__(_PROTOCOL)
        return swapped, (value.byteswap().view(value.dtype.newbyteorder("=")), value.dtype.str)
    attributes = dict(getattr(value, "__dict__", {}))
    if isinstance(value, np.ma.MaskedArray):
        if value.mask is not np.ma.nomask:
            attributes.pop("_mask", None)
    elif kind.__reduce__ is not np.ndarray.__reduce__ or kind.__reduce_ex__ is not np.ndarray.__reduce_ex__:
        return NotImplemented  # it sees to its attributes itself
    return _with(value, attributes)


def _with(value: Any, attributes: dict[str, Any]) -> Any:
    if not attributes:
        return NotImplemented
    make, arguments, state = value.__reduce_ex__(4)[:3]  # of one protocol, which gives a state for all of them
    return remade, (make, arguments, state, attributes)
