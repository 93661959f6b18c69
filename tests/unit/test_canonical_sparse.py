"""The canonical form of scipy's sparse values: by what is stored where, and without touching the argument."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from cas import form
from memo.canonical import encode

FORMATS = ("csr", "csc", "coo", "bsr", "dia", "lil", "dok")
CLASSES = [getattr(sparse, f"{name}_{kind}") for name in FORMATS for kind in ("array", "matrix")]
DENSE = np.array([[0, 2, 0], [1, 0, 3], [0, 0, 4], [5, 0, 0]], float)


def test_class_dtype_shape_and_elements_count():
    """Every format and kind, another dtype, shape or element: no two share a form."""
    values = [
        *(cls(DENSE) for cls in CLASSES),
        *(cls(DENSE.astype("f4")) for cls in CLASSES),
        *(cls(DENSE.T) for cls in CLASSES),
        *(cls(np.vstack([DENSE, np.zeros((1, 3))])) for cls in CLASSES),
        *(cls(np.where(DENSE == 3, 7, DENSE)) for cls in CLASSES),
        sparse.bsr_array(DENSE, blocksize=(2, 3)),
        sparse.csr_array((np.array([2.0, 0.0]), ([0, 1], [1, 1])), shape=(4, 3)),
        sparse.csr_array((np.array([2.0]), ([0], [1])), shape=(4, 3)),
        DENSE,
    ]
    assert len({encode(value) for value in values}) == len(values)


@pytest.mark.parametrize("cls", CLASSES)
def test_the_argument_stays_as_it_is(cls):
    """Neither taking the form nor using the value in between changes the form or the value's attributes."""
    value = cls(DENSE)
    before = set(vars(value))
    first = encode(value)
    assert set(vars(value)) == before
    assert value.sum() == DENSE.sum()
    assert value.nnz
    assert encode(value) == first
    assert form.show(form.unpack(first)).startswith(f"{cls.__name__} float64[4, 3] nnz=")


def test_order_duplicates_and_index_width_do_not_count():
    """Elements stored in another order, split into several, or with wider index numbers have the same form."""
    sorted_ = sparse.csr_array(DENSE)
    shuffled = sparse.csr_array((np.array([2.0, 3, 1, 4, 5]), np.array([1, 2, 0, 2, 0]), np.array([0, 1, 3, 4, 5])))
    data, wide = shuffled.data.copy(), shuffled.indices.astype("i8")
    assert encode(shuffled) == encode(sorted_)
    assert np.array_equal(shuffled.data, data)
    widened = sorted_.copy()
    widened.indices, widened.indptr = widened.indices.astype("i8"), widened.indptr.astype("i8")
    assert wide.dtype == widened.indices.dtype
    assert encode(widened) == encode(sorted_)
    twice = sparse.coo_array((np.array([1.0, 1, 1, 3, 4, 5]), ([0, 0, 1, 1, 2, 3], [1, 1, 0, 2, 2, 0])), shape=(4, 3))
    assert encode(twice) == encode(sparse.coo_array(DENSE))
    assert len(twice.data) == 6


def test_diagonals_count_where_they_are_inside():
    """Of a dia value, neither the order of the diagonals nor what lies outside of the shape counts."""
    one = sparse.dia_array((np.array([[1.0, 2, 3], [9, 4, 5]]), [0, 1]), shape=(3, 3))
    other = sparse.dia_array((np.array([[7.0, 4, 5], [1, 2, 3]]), [1, 0]), shape=(3, 3))
    assert (one.toarray() == other.toarray()).all()
    assert encode(one) == encode(other)
    other.data[0, 1] = 8
    assert encode(one) != encode(other)


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, 2)), max_size=6),
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, 2)), max_size=6),
    st.sampled_from(["csr", "csc", "coo"]),
)
def test_forms_are_equal_exactly_where_stored_elements_are(one, other, name):
    """Two values share a form if and only if they store the same sums at the same places."""

    def stored(triples):
        sums = {}
        for row, column, value in triples:
            sums[row, column] = sums.get((row, column), 0) + value
        return sums

    def build(triples):
        rows, columns, values = zip(*triples, strict=True) if triples else ((), (), ())
        made = sparse.coo_array((np.array(values, "i8"), (np.array(rows, "i4"), np.array(columns, "i4"))), shape=(4, 4))
        return made.asformat(name)

    assert (encode(build(one)) == encode(build(other))) == (stored(one) == stored(other))
