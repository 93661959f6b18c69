"""Every codec: what it takes comes back exactly, fresh each time, from equal bytes for equal values."""

from __future__ import annotations

import copy
import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import memo
from memo.codecs import by_name, choose, codec_for, mapping
from memo.errors import CodecError
from tests import codecs as values
from tests.codecs import Blobs, same

GROUPS = {
    "npy": [*values.ARRAYS, *values.TEXTS, *values.STRUCTURES, *(v for v in values.RAW if isinstance(v, np.ndarray))],
    "tree": [
        *values.PLAIN, *values.KEYED, *values.SCALARS, *values.ARRAYS, *values.TEXTS, *values.STRUCTURES, *values.RAW,
        *values.MEMBERS, *values.COMBINED, *values.INSTANCES, *values.MISCELLANEOUS,
        *values.masked(), *values.exotic(), *values.sparse(),
    ],
    "sparse": values.sparse(),
    "mat": [
        *values.PLAIN, *values.SCALARS, *values.ARRAYS, *values.TEXTS, *values.STRUCTURES, *values.MEMBERS,
        *(v for v in values.INSTANCES if type(v) is not values.Checked), values.exotic()[0], values.exotic()[1],
        values.masked()[0], values.masked()[2],
        *(matrix for matrix in values.sparse() if matrix.ndim == 2),
    ],
    "hdf5": [
        *values.PLAIN, *values.SCALARS, *values.ARRAYS, *values.TEXTS, *values.STRUCTURES, *values.MEMBERS,
        *values.KEYED, *values.INSTANCES, *values.exotic()[:3], *values.masked()[:4], *values.sparse(),
    ],
    "text": ["", "plain", "é\n𝄞", "\0"],
    "json": [None, True, 1, 2**80, -0.0, 1e300, "é", [], {}, [1, [2, {"a": None}]], {"b": 1, "a": [0.1]}],
}  # fmt: skip
CASES = [(name, value) for name, group in GROUPS.items() for value in group]


def titled(case: object) -> str | None:
    """Return a short name of a case."""
    return case if isinstance(case, str) and len(case) < 7 else type(case).__name__


@pytest.mark.parametrize(("name", "value"), CASES, ids=titled)
def test_values_come_back_exactly(name, value, tmp_path):
    """A value comes back equal in type, dtype, shape and bits, from bytes and from a file, alone or compressed."""
    blobs = Blobs(tmp_path)
    for codec in (codec_for(value, name), codec_for(value, name, "zstd")):
        before = copy.deepcopy(value)
        body, file = blobs.root(codec, value)
        assert same(before, value)
        assert by_name(codec.name) is codec
        assert codec.takes(value)
        assert same(codec.decode(body, blobs.open), value)
        assert same(codec.decode(file, blobs.open), value)


@pytest.mark.parametrize(("name", "value"), CASES, ids=titled)
def test_equal_values_have_equal_bytes(name, value, tmp_path):
    """A copy of a value is stored as the same bytes, so that equal results share a blob."""
    blobs = Blobs(tmp_path)
    codec = codec_for(value, name)
    bodies = {blobs.root(codec, each)[0] for each in (value, copy.deepcopy(value))}
    assert len(bodies) == 1


@pytest.mark.parametrize("value", GROUPS["tree"], ids=titled)
def test_every_value_is_kept_by_a_safe_codec(value):
    """Of all these values none needs a pickle."""
    assert choose(value).name in ("npy/1", "tree/1", "sparse/1")


def spoil(value: object) -> None:
    """Change all that can be changed in a value."""
    if isinstance(value, np.ndarray) and value.dtype.names is None and value.dtype.kind not in "OT":
        value.reshape(-1).view("u1")[...] ^= 0xFF
    elif isinstance(value, dict):
        for content in value.values():
            spoil(content)
        value.clear()
    elif isinstance(value, (list, tuple)):
        for element in value:
            spoil(element)
        if isinstance(value, list):
            value.append("spoiled")


@pytest.mark.parametrize("name", ["tree", "mat", "hdf5", "tree+zstd", "hdf5+zstd"])
def test_what_a_caller_changes_stays_his(name, tmp_path):
    """Changing one decoded value, large arrays included, changes neither another one nor what is stored."""
    large = np.asfortranarray(np.arange(2.0 * values.LARGE).reshape(2, -1))
    value = {"large": large, "again": large, "rows": np.ascontiguousarray(large), "list": [1, [np.zeros(3)]], "a": (1,)}
    blobs = Blobs(tmp_path)
    title, _, compress = name.partition("+")
    codec = codec_for(value, title, compress or None)
    body, file = blobs.root(codec, value)
    for stored in (body, file):
        first, second = codec.decode(stored, blobs.open), codec.decode(stored, blobs.open)
        first["large"][...] = -1
        assert same(first["again"], large)
        spoil(first)
        assert same(second, value)
        assert same(codec.decode(stored, blobs.open), value)


@pytest.mark.parametrize("name", ["mat", "hdf5"])
def test_large_arrays_are_mapped(name, tmp_path):
    """A large array is used where it stands in the file, copy-on-write."""
    value = {"a": np.zeros((1 << 10, 1 << 8), order="F" if name == "mat" else "C"), "b": 1}
    blobs = Blobs(tmp_path)
    _, file = blobs.root(codec_for(value, name), value)
    found = by_name(f"{name}/1").decode(file, blobs.open)["a"]
    assert not found.flags.owndata
    assert found.flags.writeable
    assert found.flags.aligned


def test_many_open_files_read_instead_of_map(tmp_path, monkeypatch):
    """Where a map would hold a descriptor and many are open, a large file is read into memory."""
    value = np.arange(2.0 * values.LARGE)
    blobs = Blobs(tmp_path)
    monkeypatch.setattr(mapping, "_MANY_FILES", -1)
    monkeypatch.setattr(mapping, "_HOLDS_FILES", True)
    for name in ("mat", "hdf5"):
        _, file = blobs.root(codec_for(value, name), value)
        found = by_name(f"{name}/1").decode(file, blobs.open)
        assert same(found, value)
        assert found.flags.owndata


KINDS = {
    "table": lambda: pd.DataFrame({"a": np.arange(10.0)}),
    "dataclass": lambda: values.Plain([1], np.zeros(3)),
    "sparse": lambda: sp.csr_array(np.eye(3)),
    "masked": lambda: np.ma.array([1.0, 2.0], mask=[0, 1]),
    "objects": lambda: np.array([[1], {"a": [2]}], object),
    "large": lambda: {"x": np.zeros(values.LARGE)},
}


def made(kind: str) -> object:
    """Return a value that can be changed."""
    return KINDS[kind]()


def change(value: object) -> None:
    """Change a value of `made`."""
    if isinstance(value, pd.DataFrame):
        value.iloc[0, 0] = -1.0
    elif isinstance(value, values.Plain):
        value.a.append(2)
        value.b[:] = -1
    elif sp.issparse(value):
        value.data[:] = -1
    elif isinstance(value, dict):
        value["x"][:] = -1
    elif value.dtype == object:
        value[1]["a"].append(3)
    else:
        value[0] = -1


def shown(value: object) -> str:
    """Return the content of a value as text."""
    return repr(value.toarray() if sp.issparse(value) else value)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("memory", [True, False])
def test_no_hit_shows_what_was_done_to_another(kind, memory, store):
    """Whatever a caller does to a result, from memory or from the store, the next call returns it as computed."""
    cached = memo.cached(store=store, memory=memory, allow_mutable_bindings=True)(made)
    for _ in range(4):
        value = cached(kind)
        assert shown(value) == shown(made(kind))
        change(value)
        assert shown(value) != shown(made(kind))
    assert cached.cache.stats().misses == 1


scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.binary(), st.complex_numbers(),
    st.datetimes(), st.decimals(allow_nan=False), st.sampled_from([*values.MEMBERS, *values.SCALARS]),
)  # fmt: skip
dtypes = st.one_of(
    hnp.boolean_dtypes(), hnp.integer_dtypes(), hnp.unsigned_integer_dtypes(), hnp.floating_dtypes(sizes=(16, 32, 64)),
    hnp.complex_number_dtypes(sizes=(64, 128)), hnp.datetime64_dtypes(), hnp.timedelta64_dtypes(),
    hnp.unicode_string_dtypes(), hnp.byte_string_dtypes(min_len=1),
)  # fmt: skip
arrays = dtypes.flatmap(
    lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3))
)
names = st.from_regex("[A-Za-z][A-Za-z0-9_]{0,8}", fullmatch=True).filter(lambda name: name not in ("end", "if", "for"))
trees = st.recursive(
    scalars | arrays | arrays.map(np.asfortranarray),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.lists(inner, max_size=4).map(tuple),
        st.dictionaries(names, inner, max_size=4),
        st.builds(values.Plain, inner, inner),
        st.builds(values.Point, inner, inner),
        st.builds(values.Slotted, inner),
        st.lists(inner, max_size=3).map(lambda elements: _objects(elements)),
    ),
    max_leaves=10,
)


def _objects(elements: list[object]) -> np.ndarray:
    found = np.empty(len(elements), object)
    for place, element in enumerate(elements):
        found[place] = element
    return found


@settings(max_examples=150, deadline=None)
@given(trees, st.sampled_from(["tree", "mat", "hdf5", "auto"]), st.sampled_from([None, "zstd"]))
def test_any_nesting_comes_back_exactly(tmp_path_factory, value, name, compress):
    """Containers of anything come back exactly by every codec that takes them, from equal bytes."""
    blobs = Blobs(tmp_path_factory.getbasetemp())
    codec = codec_for(value, name, compress)
    try:
        body, file = blobs.root(codec, value)
    except CodecError as error:
        refused = error
    else:
        refused = None
    if refused is not None:
        assert name in ("mat", "hdf5")
        assert "result" in str(refused)
        assert not codec.takes(value)
        return
    assert same(codec.decode(body, blobs.open), value)
    assert same(codec.decode(file, blobs.open), value)
    assert blobs.root(codec, copy.deepcopy(value))[0] == body


def test_random_generators_go_on_where_they_were(tmp_path):
    """A generator comes back in its state, and spawns as the original would."""
    blobs = Blobs(tmp_path)
    generator = np.random.default_rng(3)
    generator.random(5)
    generator.spawn(2)
    legacy = np.random.RandomState(4)
    legacy.normal(size=3)
    for value in (generator, legacy, np.random.Generator(np.random.Philox(1)), np.random.Generator(np.random.SFC64(2))):
        codec = choose(value)
        assert codec.name == "tree/1"
        body, _ = blobs.root(codec, value)
        found = codec.decode(body, blobs.open)
        again = codec.decode(body, blobs.open)
        assert type(found) is type(value)
        expected = value.normal(size=10).tolist()
        assert found.normal(size=10).tolist() == expected
        assert again.normal(size=10).tolist() == expected
    seeds = np.random.SeedSequence(7, spawn_key=(1, 2))
    seeds.spawn(3)
    found = choose(seeds).decode(blobs.root(choose(seeds), seeds)[0], blobs.open)
    assert found.spawn(1)[0].generate_state(4).tolist() == seeds.spawn(1)[0].generate_state(4).tolist()


def test_map_of_a_file_comes_back_as_an_array(tmp_path):
    """A numpy.memmap is stored as the array that it shows."""
    blobs = Blobs(tmp_path)
    value = np.memmap(tmp_path / "data", "f8", "w+", shape=(3, 4))
    value[1] = 5
    for name, result in (("npy/1", value), ("tree/1", [value])):
        assert choose(result).name == name
        body, _ = blobs.root(choose(result), result)
        found = choose(result).decode(body, blobs.open)
        found = found[0] if isinstance(found, list) else found
        assert type(found) is np.ndarray
        assert found.tolist() == value.tolist()


def test_bytes_do_not_depend_on_the_hash_seed(tmp_path):
    """Sets and all else are stored as the same bytes in every process."""
    program = (
        "import sys, hashlib; from memo.codecs import by_name\n"
        "value = {'s': {'a', 'b', 'c', 'd'}, 'f': frozenset({'x', 'y', ('z', 1)})}\n"
        "for name in ('tree/1', 'mat/1', 'hdf5/1'):\n"
        "    print(hashlib.sha256(b''.join(by_name(name).encode(value, None)[0])).hexdigest())"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": str(seed)},
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for seed in (1, 2, 3)
    }
    assert len(found) == 1
