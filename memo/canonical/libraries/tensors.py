"""The writer of torch's and jax's tensors: by dtype, shape and values.

Owns what counts besides: of torch, whether gradients are recorded, and the layout (dense or sparse); of jax, whether
the type is weak. What does not: the device, the strides, a gradient that was taken.
"""

from __future__ import annotations

import sys

import numpy as np

from cas import extension as ext
from cas.extension import array_header, leaf
from memo.canonical.arrays import write_array
from memo.canonical.attributes import further, write_attributed
from memo.canonical.containers import write_elements
from memo.canonical.libraries import write_library
from memo.canonical.walk import Refused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from memo.canonical.walk import Walk, Writer


# The concrete classes of jax; others stand for values that are not known yet.
_JAX = ("ArrayImpl", "PRNGKeyArray")


def find(cls: type) -> Writer | None:
    """Return the writer of a class of torch's or jax's, or None."""
    torch: Any = sys.modules.get("torch")
    if torch is not None and cls.__module__.startswith("torch"):
        exact: dict[type, Writer] = {torch.Tensor: _write_tensor, torch.nn.Parameter: _write_tensor}
        exact |= {torch.Size: _write_size, torch.Generator: _write_generator}
        constants = (torch.dtype, torch.device, torch.layout, torch.memory_format)
        return exact.get(cls) or (_write_constant if cls in constants else None)
    jax: Any = sys.modules.get("jax")
    return _write_jax if jax is not None and cls.__name__ in _JAX and issubclass(cls, jax.Array) else None


def _write_tensor(walk: Walk, value: Any) -> None:
    write_attributed(walk, value, further(value, ()), _write_values)


def _write_values(walk: Walk, value: Any) -> None:
    if value.is_quantized or value.is_meta or value.is_nested:
        raise Refused(f"a torch tensor of {value.layout} with no plain values", "pass the plain tensors that it is of")

    def write(walk: Walk) -> None:
        walk.out.append(array_header(5))
        write_elements(walk, (str(value.dtype), tuple(value.shape), value.requires_grad, str(value.layout)))
        parts = [_plain(part) for part in _parts(value.detach())]
        walk.out.append(array_header(len(parts)))
        for part in parts:
            write_array(walk, part)

    name = str(value.dtype).removeprefix("torch.")
    write_library(walk, value, f" {name}{list(value.shape)}", write)


def _parts(value: Any) -> list[Any]:
    """Return the dense tensors that a tensor is made of."""
    layout = str(value.layout).removeprefix("torch.")
    if layout == "strided":
        return [value]
    if layout == "sparse_coo":
        whole = value.coalesce()
        return [whole.indices(), whole.values()]
    if layout in ("sparse_csr", "sparse_bsr"):
        return [value.crow_indices(), value.col_indices(), value.values()]
    if layout in ("sparse_csc", "sparse_bsc"):
        return [value.ccol_indices(), value.row_indices(), value.values()]
    raise Refused(f"a torch tensor of layout {layout}", "pass value.to_dense()")


def _plain(value: Any) -> np.ndarray[Any, Any]:
    """Return the values of a dense tensor, where numpy has no such number as raw bits; without a copy if it is here."""
    torch: Any = sys.modules["torch"]
    value = value.cpu().resolve_conj().resolve_neg()
    try:
        return np.asarray(value.numpy())
    except TypeError:  # bfloat16 and its like
        raw = {1: torch.uint8, 2: torch.int16, 4: torch.int32}[value.element_size()]
        return np.asarray(value.view(raw).numpy())


def _write_size(walk: Walk, value: Any) -> None:
    write_library(walk, value, f"({list(value)})", lambda walk: walk.write(list(value)), short=True)


def _write_generator(walk: Walk, value: Any) -> None:
    write_library(walk, value, "", lambda walk: write_array(walk, value.get_state().numpy()))


def _write_constant(walk: Walk, value: Any) -> None:
    walk.out.append(leaf(ext.CONSTANT, (repr(value) if "(" in repr(value) else str(value)).encode()))


def _write_jax(walk: Walk, value: Any) -> None:
    jax: Any = sys.modules["jax"]
    is_key = jax.dtypes.issubdtype(value.dtype, jax.dtypes.prng_key)
    content = jax.random.key_data(value) if is_key else value
    if not content.is_fully_addressable:
        raise Refused("a jax array that is spread over several processes", "pass the part that this process holds")

    def write(walk: Walk) -> None:
        walk.out.append(array_header(3))
        write_elements(walk, (str(value.dtype), bool(getattr(value, "weak_type", False))))
        write_array(walk, np.asarray(content))

    write_library(walk, value, f" {value.dtype}{list(value.shape)}", write, name="Array")
