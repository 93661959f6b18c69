"""`.npy` without numpy: what it writes, numpy loads, and the other way round."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cas.errors import IntegrityError
from cas.npy import Header, read_header, write_header


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("array", [np.arange(6.0).reshape(2, 3), np.array(7, "<i2"), np.zeros((0, 3), "<c16")])
def test_numpy_loads_what_is_written(array, order):
    """A header and an array's bytes are a file that numpy loads, the data aligned to 64 bytes."""
    header = write_header(Header(array.dtype.str, order == "F", array.shape))
    loaded = np.load(io.BytesIO(header + array.tobytes(order)))
    assert len(header) % 64 == 0
    assert loaded.dtype == array.dtype
    assert np.array_equal(loaded, array)


@given(st.sampled_from(["<f8", ">i4", "|b1", "<U5", "<M8[ns]"]), st.lists(st.integers(0, 3), max_size=4), st.booleans())
def test_headers_are_numpys_own(dtype, shape, fortran_order):
    """The header is read as numpy wrote it."""
    file = io.BytesIO()
    np.save(file, np.zeros(shape, dtype, order="F" if fortran_order else "C"))
    file.seek(0)
    header = read_header(file)
    assert (header.dtype, header.shape) == (dtype, tuple(shape))
    assert len(file.read()) == np.zeros(shape, dtype).nbytes


def test_structured_dtype_is_read():
    """A structured dtype comes as numpy spells it, also under the long header of version 2."""
    dtype = np.dtype([(f"field_{number:05}", "<f8") for number in range(4000)])
    file = io.BytesIO()
    np.lib.format.write_array(file, np.zeros(2, dtype), version=(2, 0))
    file.seek(0)
    assert read_header(file) == Header(dtype.descr, False, (2,))


@pytest.mark.parametrize(
    "body", [b"", b"\x93NUMPY", b"\x93NUMPY\x01\x00\x04\x00boom", b"\x93NUMPY\x01\x00\x02\x00{}", b"PK" * 10]
)
def test_what_is_no_array(body):
    """Other bytes are damage, and nothing of them is evaluated."""
    with pytest.raises(IntegrityError):
        read_header(io.BytesIO(body))
