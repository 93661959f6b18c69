"""The canonical form of numpy's values: dtype, shape and content count, layout does not."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from cas import form
from memo.canonical import encode
from memo.errors import UnstableArgument

STRUCT = np.dtype([("a", "i1"), ("b", "f8")])
ALIGNED = np.dtype([("a", "i1"), ("b", "f8")], align=True)

DIFFERENT = [
    *(np.zeros(3), np.zeros(3, "f4"), np.zeros(3, ">f8"), np.zeros(3, "i8"), np.zeros(3, "u8"), np.zeros((3, 1))),
    *(np.zeros((1, 3)), np.zeros((3, 0)), np.zeros((0, 3)), np.zeros(0), np.zeros(()), -np.zeros(3), [0.0] * 3),
    *(np.zeros(3, "M8[s]"), np.zeros(3, "M8[ms]"), np.zeros(3, "M8"), np.zeros(3, "m8[s]"), np.zeros(3, "m8[2s]")),
    *(np.zeros(3, "S1"), np.zeros(3, "S2"), np.zeros(3, "U1"), np.zeros(3, "V1"), np.zeros(3, "?"), np.zeros(3, "i1")),
    *(np.zeros(3, STRUCT), np.zeros(3, ALIGNED), np.zeros(3, [("a", "i1"), ("c", "f8")]), np.zeros(3, "c16")),
    *(
        np.zeros(3, [(("t", "a"), "i1"), ("b", "f8")]),
        np.zeros(3, object),
        np.array([0, 0, 0.0], object),
        np.zeros(3, "g"),
    ),
    *(np.zeros(3, np.dtype("f8", metadata={"unit": "V"})), np.zeros(3, [("a", object), ("b", "f8")])),
    *(np.ma.zeros(3), np.ma.array(np.zeros(3), mask=False), np.ma.array(np.zeros(3), mask=[0, 1, 0])),
    *(np.ma.array(np.zeros(3), fill_value=7), np.ma.array(np.zeros(3), mask=[0, 1, 0], hard_mask=True), np.ma.masked),
    *(
        np.zeros((1, 3)).view(np.matrix),
        np.zeros(3, STRUCT).view(np.recarray),
        np.dtype("f8"),
        np.dtype(">f8"),
        STRUCT,
        ALIGNED,
    ),
    *(np.float64(0), np.float32(0), np.int64(0), np.int32(0), np.bool_(0), np.str_(""), np.bytes_(b""), np.str_("0")),
    *(
        0.0,
        0,
        False,
        "",
        b"",
        np.float64(-0.0),
        np.datetime64(0, "s"),
        np.datetime64(0, "ms"),
        np.datetime64("NaT", "s"),
    ),
    *(np.timedelta64(0, "s"), np.longdouble(0), np.complex128(0), np.bytes_(b"\0"), np.str_("\0"), np.void(b"\0")),
    *(np.sin, np.cos, np.mean, np.sum, np.float64, np.random.default_rng(1), np.random.default_rng(2)),
    *(np.random.RandomState(1), np.random.RandomState(2), np.random.SeedSequence(1), np.random.PCG64(1), np.linalg),
    *(
        np.array(["a", "b"], np.dtypes.StringDType()),
        np.array(["a", "c"], np.dtypes.StringDType()),
        np.array(["a", "b"]),
    ),
    *(np.array(["a", "b"], np.dtypes.StringDType(na_object=None)), np.array([1, None]), np.array([[1, 2]], object)),
    *(
        np.array([1, 2], object),
        np.arange(1000),
        np.arange(1000).reshape(10, 100),
        np.arange(1000)[::-1],
        np.ones(1 << 18),
    ),
]


def test_different_values_never_share_bytes():
    """No two values of the zoo have the same canonical form, and each is readable."""
    seen: dict[bytes, object] = {}
    for value in DIFFERENT:
        form_of = encode(value)
        assert form_of not in seen, (value, seen[form_of])
        seen[form_of] = value
        assert form.show(form.unpack(form_of))


def layouts(value: np.ndarray) -> list[np.ndarray]:
    """Return arrays equal to `value` in other layouts."""
    doubled = np.repeat(value, 2, axis=-1)[..., ::2]
    buffer = np.zeros(value.nbytes + 1, np.uint8)
    misaligned = buffer[1:].view(value.dtype).reshape(value.shape)
    misaligned[...] = value
    frozen = value.copy()
    frozen.flags.writeable = False
    backwards = value[..., ::-1].copy()[..., ::-1]
    return [value.copy(), np.asfortranarray(value), doubled, misaligned, frozen, backwards]


@pytest.mark.parametrize("dtype", ["f8", ">f8", "i2", "?", "U3", "S5", "M8[ns]", "c8", "V3", STRUCT])
@pytest.mark.parametrize("shape", [(5,), (3, 4), (2, 3, 4), (1, 1), (200, 300), (3, 1 << 17)])
def test_layout_does_not_show(dtype, shape):
    """C and Fortran order, strides, alignment and writability leave the form as it is."""
    count = math.prod(shape)
    raw = np.random.default_rng(count).integers(0, 2, count * np.dtype(dtype).itemsize, np.uint8)
    value = raw.view(dtype).reshape(shape)
    for other in layouts(value):
        assert encode(other) == encode(value)


def test_large_strided_content_is_all_hashed():
    """In a large array of any order, a change of any one element changes the form."""
    value = np.asfortranarray(np.zeros((700, 900)))
    forms = {encode(value)}
    for row, column in ((0, 0), (0, 899), (699, 0), (350, 64), (350, 63), (699, 899)):
        value[row, column] = 1
        forms.add(encode(value))
        value[row, column] = 0
    assert len(forms) == 7
    wide = np.asfortranarray(np.zeros((3, 1 << 19)))
    assert encode(wide) == encode(np.ascontiguousarray(wide))


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_forms_are_equal_exactly_where_arrays_are(data):
    """Two arrays share bytes if and only if dtype, shape and bits are equal."""
    dtypes = st.one_of(hnp.scalar_dtypes(), hnp.array_dtypes(max_size=3)).filter(lambda dtype: dtype.itemsize > 0)
    strategy = dtypes.flatmap(
        lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=0, max_dims=2, max_side=2, min_side=0))
    )
    one, other = data.draw(strategy), data.draw(strategy)
    equal = one.dtype == other.dtype and one.shape == other.shape and encode_slowly(one) == encode_slowly(other)
    assert (encode(one) == encode(other)) == equal
    assert encode(one.copy("F")) == encode(one)


def encode_slowly(value: np.ndarray) -> object:
    """Return the elements' bits, without numpy's padding."""
    if value.dtype.names:
        return [encode_slowly(value[name]) for name in value.dtype.names]
    if value.dtype.char in "gG":
        return [
            (repr(number), math.copysign(1, number.real), math.copysign(1, number.imag)) for number in value.ravel()
        ]
    return value.tobytes()


def test_padding_does_not_show():
    """Bytes between the fields of a structure, and in a long double, are no part of a value."""
    for dtype in (ALIGNED, np.dtype("g"), np.dtype("G"), np.dtype([("x", "g"), ("y", "i1")])):
        zeros = np.zeros(40, np.dtype(("V", dtype.itemsize)))
        noise = np.frombuffer(b"\xaa" * 40 * dtype.itemsize, zeros.dtype).copy()
        clean, dirty = zeros.view(dtype), noise.view(dtype)
        if dtype.names:
            for name in dtype.names:
                dirty[name] = 1
                clean[name] = 1
        else:
            dirty[:] = np.frombuffer(noise.tobytes(), dtype)
            dirty.view(np.uint8).reshape(40, 2 if dtype.char == "G" else 1, -1)[:, :, :10] = 0
        assert encode(dirty) == encode(clean)


def test_masked_data_do_not_show():
    """What lies under a mask is no part of a value, in structures and objects too."""
    mask = [False, True, False]
    assert encode(np.ma.array([1, 2, 3], mask=mask)) == encode(np.ma.array([1, 9, 3], mask=mask))
    first = np.ma.array([(1, 2.0)] * 3, dtype=STRUCT, mask=[(0, 1), (0, 0), (1, 0)])
    second = first.copy()
    second.data["b"][0] = 7
    assert encode(first) == encode(second)
    second.data["b"][1] = 7
    assert encode(first) != encode(second)
    assert encode(np.ma.array([1, "x", None], object, mask=mask)) == encode(
        np.ma.array([1, "y", None], object, mask=mask)
    )


def test_encoding_leaves_a_masked_array_alone():
    """Taking the form does not set the fill value that numpy would set on reading it."""
    value = np.ma.array([1.0, 2.0], mask=[0, 1])
    before = encode(value)
    value.fill_value
    assert encode(value) == before
    assert value.tolist() == [1.0, None]


def test_memory_map_is_an_array(tmp_path):
    """A memory map counts as the array it shows."""
    mapped = np.memmap(tmp_path / "x", "f8", "w+", shape=(300,))
    mapped[:] = np.arange(300)
    assert encode(mapped) == encode(np.arange(300.0))


def test_user_subclass_with_attributes():
    """A subclass of ndarray is its class, its content and its attributes."""

    class Signal(np.ndarray):
        pass

    one, two = np.zeros(3).view(Signal), np.zeros(3).view(Signal)
    assert encode(one) == encode(two) != encode(np.zeros(3))
    two.rate = 250.0
    assert encode(one) != encode(two)


def test_generator_state_counts():
    """A generator that has drawn differs from one that has not, and equal ones are equal."""
    one, two = np.random.default_rng(7), np.random.default_rng(7)
    assert encode(one) == encode(two)
    two.random()
    assert encode(one) != encode(two)
    three = np.random.default_rng(7)
    three.spawn(1)
    assert encode(one) != encode(three)


def test_objects_inside_arrays_are_refused_with_their_path():
    """A value without a form inside an object array is named by its position."""
    with pytest.raises(UnstableArgument, match=r"value\[1\]: "):
        encode(np.array([1, object()], object))
    with pytest.raises(UnstableArgument, match="ufunc"):
        encode(np.frompyfunc(abs, 1, 1))


def test_print_options_do_not_show():
    """What numpy prints is no part of a form."""
    value = np.arange(2000.0)
    before = encode(value)
    with np.printoptions(threshold=3, precision=1):
        assert encode(value) == before
    value[1000] = 1
    assert encode(value) != before


def test_subarray_dtype_is_spelled_out():
    """Dtypes as values keep shapes, titles and offsets apart."""
    dtypes = [
        np.dtype(("f8", (2,))),
        np.dtype(("f8", (2, 1))),
        np.dtype([("a", "f8", (2,))]),
        np.dtype({"names": ["a"], "formats": ["f8"], "offsets": [8]}),
        np.dtype({"names": ["a"], "formats": ["f8"], "itemsize": 16}),
        np.dtype([("a", "f8")]),
        np.dtype((np.record, [("a", "f8")])),
        np.dtype("O"),
    ]
    assert len({encode(dtype) for dtype in dtypes}) == len(dtypes)
