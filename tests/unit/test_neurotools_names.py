"""File names of neurotools: the four modes and their inverses, and what file systems take."""

from __future__ import annotations

import base64
import math
import os
import pickle
import re
import unicodedata
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cas.errors import InvalidInputError
from memo.canonical import encode
from memo.neurotools import (
    argument_signature,
    file_string_to_signature,
    function_signature,
    get_cache_path,
    human_decode,
    human_encode,
    locate_cached,
    signature_to_file_string,
)
from memo.neurotools.hashing import base64hash10bytes
from memo.neurotools.names import NAME_LIMIT
from memo.neurotools.originals.names import locate_original
from memo.neurotools.text import read_text, write_text

MODES = ("repr", "json", "pickle", "human")
ENCODINGS = [(True, True), (False, True), (False, False)]
REFUSED = set('<>:"/\\|?*')


def f(x, *rest, y=None):
    """Be cached."""
    return x


ATOMS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.complex_numbers(allow_nan=True),
    st.text(),
    st.text("aAé\u0301%.,='\" \\\ud83d\ude00", max_size=4),
    st.binary(),
    st.sampled_from([..., 10**3000, -(10**3000), -0.0, math.nan, 1e400, "True", "1", "nan", "a.npy", "CON", ""]),
)
KEYS = st.one_of(st.integers(), st.text(max_size=3), st.booleans(), st.tuples(st.text(max_size=2)))
PLAIN = st.recursive(
    ATOMS,
    lambda parts: st.one_of(
        st.lists(parts, max_size=3),
        st.lists(parts, max_size=3).map(tuple),
        st.dictionaries(KEYS, parts, max_size=3),
        st.sets(KEYS, max_size=3),
        st.frozensets(KEYS, max_size=3),
    ),
    max_leaves=8,
)
NUMPY = st.one_of(
    st.tuples(
        st.sampled_from(["?", "i1", "u8", "f2", "f4", "f8", "c8", "U3", "S3", "M8[s]"]), st.integers(0, 3)
    ).flatmap(lambda which: st.binary(min_size=96, max_size=96).map(lambda raw: array_of(which[0], which[1], raw))),
    st.floats(width=32).map(np.float32),
    st.floats().map(np.float64),
    st.integers(-128, 127).map(np.int8),
    st.dates(),
    st.datetimes(),
    st.decimals(allow_nan=False),
)
EVERYTHING = st.one_of(PLAIN, NUMPY, st.lists(st.one_of(ATOMS, NUMPY), max_size=3))


def array_of(kind, dimensions, raw):
    """Return an array of any bits, of text that is text."""
    dtype = np.dtype(kind)
    if dtype.kind == "U":
        return np.array([raw[:3].hex()[:3], "é"], dtype)
    if dtype.kind == "b":
        return np.frombuffer(raw, "u1")[:4] > 99
    return np.frombuffer(raw[: 2 * dtype.itemsize], dtype).reshape(
        (2,) if dimensions == 1 else (1, 2, 1)[:dimensions] or (2,)
    )


def named(value, mode, compressed, in_base64, rest=()):
    """Return the signature of a call, and its name in an encoding."""
    signature = argument_signature(f, value, *rest)
    return signature, signature_to_file_string(f, signature, mode, compressed, in_base64)


def check_name(name):
    """Assert that a name is one that every file system takes."""
    assert len(f"{name}.pickle".encode()) <= 255
    assert not REFUSED & set(name)
    assert name.isprintable()
    assert not name.endswith((".", " "))


@pytest.mark.parametrize(("compressed", "in_base64"), ENCODINGS)
@pytest.mark.parametrize("mode", MODES)
@settings(max_examples=60, deadline=None)
@given(value=EVERYTHING, rest=st.lists(ATOMS, max_size=2))
def test_every_signature_that_a_mode_carries_comes_back(mode, compressed, in_base64, value, rest):
    """A name is safe and short, and decodes to the very signature, unless it says that it lost the arguments."""
    try:
        signature, name = named(value, mode, compressed, in_base64, rest)
    except InvalidInputError:
        assert mode == "human"
        return
    check_name(name)
    if re.fullmatch(r".*\.[\w-]{14}\.[\w-]{38}", name, re.ASCII):
        with pytest.raises(InvalidInputError, match="only their hash"):
            file_string_to_signature(name, mode, compressed, in_base64)
        return
    found = file_string_to_signature(name, mode, compressed, in_base64)
    assert write_text(found) == write_text(signature)
    assert encode(plain(found)) == encode(plain(signature))


def plain(signature):
    """Return a signature with arrays of numpy's own class."""
    if isinstance(signature, np.ndarray):
        return np.asarray(signature)
    if type(signature) in (tuple, list):
        return type(signature)(plain(part) for part in signature)
    return signature


@pytest.mark.parametrize("mode", MODES)
@settings(max_examples=150, deadline=None)
@given(first=EVERYTHING, second=EVERYTHING)
def test_two_signatures_never_share_a_name(mode, first, second):
    """Names agree, also where upper and lower case are one, exactly if the canonical forms of the arguments agree."""
    try:
        names = [named(value, mode, False, False)[1].lower() for value in (first, second)]
    except InvalidInputError:
        return
    assert (names[0] == names[1]) == (encode(first) == encode(second))


ALIKE = [
    1, 1.0, True, "1", (1,), [1], {1}, frozenset({1}), {1: None}, np.int64(1), np.float64(1), np.float32(1),
    np.bool_(1),
    np.array(1), np.array([1]), np.array([1], "i4"), b"1", np.str_("1"), 1 + 0j, -1, None, "None", "(1,)", ((1,),),
    "[1]", 0.0, -0.0, math.nan, "nan", "a", "A",
]  # fmt: skip


@pytest.mark.parametrize(("compressed", "in_base64"), ENCODINGS)
@pytest.mark.parametrize("mode", MODES)
def test_values_that_look_alike_have_names_of_their_own(mode, compressed, in_base64):
    """One, true, and everything that holds or prints a one are told apart by their names, whatever the mode."""
    names = []
    for value in ALIKE:
        try:
            names.append(named(value, mode, compressed, in_base64)[1].lower())
        except InvalidInputError:
            assert mode == "human"
            assert type(value).__module__ == "numpy"
    assert len(set(names)) == len(names) >= 20


@settings(max_examples=200, deadline=None)
@given(
    pairs=st.dictionaries(st.text(min_size=1), PLAIN, max_size=3),
    varargs=st.none() | st.lists(PLAIN, min_size=1).map(tuple),
)
def test_human_text_is_readable_and_comes_back(pairs, varargs):
    """Every literal under every name comes back from the readable text; only names with a star in front are refused."""
    signature = tuple(sorted(pairs.items())), varargs
    try:
        text = human_encode(signature)
    except InvalidInputError:
        assert "*varargs" in pairs
        return
    assert write_text(human_decode(text)) == write_text(signature)


def test_human_text_is_what_a_person_would_write():
    """Values stand as `name=value`; text is bare where nothing else could be meant; the rest is quoted."""
    signature = ((("a", "x,y=z"), ("bands", (4, 8)), ("name", "mouse"), ("rate", 0.5), ("word", "é'")), (1, "two"))
    text = "a='x,y=z',bands=(4,8),name=mouse,rate=0.5,word='é%27',@varargs=(1,two)"
    assert human_encode(signature) == text
    assert human_decode(text) == signature
    assert human_encode(((), None)) == "()"
    assert human_decode("()") == ((), None)
    for wrong in (1, ((1, 2), None), ((("*varargs", 1),), None)):
        with pytest.raises(InvalidInputError):
            human_encode(wrong)


@pytest.mark.parametrize("mode", MODES)
def test_names_do_not_depend_on_hash_seed_or_sharing(mode):
    """Sets have one order, and values that share an object have the name of values that do not."""
    text = "".join(["a", "b"])
    assert named((text, "ab"), mode, True, True)[1] == named(("ab", "ab"), mode, True, True)[1]
    first, second = set(range(0, 80, 8)), set(range(72, -1, -8))
    assert list(first) != list(second)
    assert named(first, mode, True, True)[1] == named(second, mode, True, True)[1]


@pytest.mark.parametrize(("compressed", "in_base64"), ENCODINGS)
@pytest.mark.parametrize("mode", MODES)
def test_what_is_too_long_keeps_a_hash(mode, compressed, in_base64):
    """Of arguments that do not fit, a hash stands in the name; it says so, or `truncate=False` refuses."""
    value = [os.urandom(300).hex()]
    signature, name = named(value, mode, compressed, in_base64)
    check_name(name)
    assert len(name.rsplit(".", 1)[1]) == 38
    assert named([*value, 1], mode, compressed, in_base64)[1] != name
    with pytest.raises(InvalidInputError, match="only their hash") as caught:
        file_string_to_signature(f"{name}.npy", mode, compressed, in_base64)
    assert "scan_cachedir" in caught.value.hint
    with pytest.raises(InvalidInputError, match=f"a name of {NAME_LIMIT} bytes") as caught:
        signature_to_file_string(f, signature, mode, compressed, in_base64, truncate=False)
    assert "truncate=True" in caught.value.hint


def test_the_limit_counts_bytes_with_the_extension():
    """Letters of two bytes count twice: the longest name that is not cut has 248 bytes."""
    lengths = set()
    for size in range(90):
        name = named("é" * size, "human", False, False)[1]
        check_name(name)
        lengths.add(len(name.encode()))
    assert NAME_LIMIT - 2 < max(lengths) <= NAME_LIMIT


def test_functions_of_any_name_have_safe_names():
    """Lambdas, modules with a name that Windows reserves, and very long names are written so that they fit."""
    double = lambda x: x  # noqa: E731
    double.__module__ = "aux.nul"
    long = lambda x: x  # noqa: E731
    long.__name__ = "x" * 400
    for function in (double, long):
        name, _, path, filename, location = locate_cached("/root", function, "npy", 1)
        check_name(name)
        parts = location.removeprefix("/root/").split("/")
        assert all(len(part.encode()) <= 255 and not REFUSED & set(part) for part in parts)
        assert path + filename == location
        assert name.rsplit(".", 2)[1] == filename.split(".")[0]
    assert get_cache_path("/root", double) == f"/root/%61ux/%6Eul/%3Clambda%3E/{function_signature(double)[-14:]}/"


def test_roots_are_joined_as_paths():
    """A `/` at the end of the root, or a path object, makes no difference; the arguments neither."""
    expected = get_cache_path("some/root", f)
    assert expected.startswith("some/root/")
    for root in ("some/root/", "some/root//"):
        assert get_cache_path(root, f, 1, y=2) == expected
    assert get_cache_path("/", f) == f"/{expected.removeprefix('some/root/')}"


def test_the_original_is_found_where_it_was_lossy():
    """A list, an array and a numpy scalar have a name of ours, and beside it the one that the original gave."""
    for value, lossy in (([1, 2], (1, 2)), (np.arange(2), (0, 1)), (np.float64(1.5), 1.5), ((3,), 3)):
        assert locate_cached("r", f, "npy", value)[4] != locate_original("r", f, "npy", value)
        assert locate_cached("r", f, "npy", lossy)[4] == locate_original("r", f, "npy", value)
    long = locate_original("r", f, "npy", os.urandom(400).hex())
    assert len(os.path.basename(long)) == 14 + 1 + 38 + 4


def test_modes_and_encodings_that_are_not_there_are_refused():
    """Compressed text without base64 is a ValueError, as it was; so is a mode of another name."""
    signature = argument_signature(f, 1)
    with pytest.raises(ValueError, match="expected compressed=False"):
        signature_to_file_string(f, signature, base64encode=False)
    with pytest.raises(ValueError, match="expected compressed=False"):
        file_string_to_signature("x", base64encode=False)
    with pytest.raises(ValueError, match="expected a mode of repr, json, pickle, human"):
        signature_to_file_string(f, signature, "yaml")
    with pytest.raises(ValueError, match="a value of type object has no text"):
        signature_to_file_string(f, ((("x", object()),), None))


def test_the_original_s_own_names_decode_where_ours_would_differ():
    """A raw `%41` of the original stays what it was: the hash in the name tells."""
    text = "((('x', '100%41 $5'),), None)"
    name = f"module.f.{'c' * 14}.{base64hash10bytes(text)}.{text}"
    assert file_string_to_signature(name, compressed=False, base64encode=False) == ((("x", "100%41 $5"),), None)
    for text in ("((('x', nan), ('y', {2, 1})), None)", "((('x', inf),), (1.5, -2j))"):
        key = base64.urlsafe_b64encode(zlib.compress(text.encode())).decode()
        assert file_string_to_signature(f"{base64hash10bytes(text)}.{key}")[0][0][0] == "x"


@pytest.mark.parametrize(
    "text", ["((('x', <object object at 0x7f>),), None)", "((('x', open('/tmp/x')),), None)", "__import__('os')"]
)
def test_what_is_no_literal_is_refused(text):
    """What the original wrote of an object is not run, and the error says where the arguments are."""
    key = base64.urlsafe_b64encode(zlib.compress(text.encode())).decode()
    with pytest.raises(InvalidInputError, match="expected a name with arguments") as caught:
        file_string_to_signature(f"{base64hash10bytes(text)}.{key}")
    assert "scan_cachedir" in caught.value.hint


def test_damaged_names_are_refused():
    """A name whose hash is that of other arguments, a cut one, and one in another mode give errors."""
    name = named(1, "repr", True, True)[1]
    other = named(2, "repr", True, True)[1]
    mixed = ".".join((*name.split(".")[:-1], other.rsplit(".", 1)[1]))
    for wrong in (mixed, name[:-5], "", "module.f"):
        with pytest.raises(InvalidInputError):
            file_string_to_signature(wrong)
    with pytest.raises(InvalidInputError, match="mode json"):
        file_string_to_signature(name, "json")
    bomb = base64.urlsafe_b64encode(zlib.compress(b"0" * (1 << 25))).decode()
    with pytest.raises(InvalidInputError, match="larger than 16 MiB"):
        file_string_to_signature(bomb)


class Attack:
    """Asks a pickle to run a command."""

    def __init__(self, *call):
        self.call = call

    def __reduce__(self):
        return self.call[0], self.call[1:]


@pytest.mark.parametrize(
    "call", [(os.mkdir, "made"), (eval, "1"), (np.fromfile, "x"), (getattr, 1, "real"), (print, 1)]
)
def test_pickled_names_run_nothing(call, tmp_path, monkeypatch):
    """A name whose pickle asks for anything but plain values is refused, and nothing was run."""
    monkeypatch.chdir(tmp_path)
    key = base64.urlsafe_b64encode(pickle.dumps(Attack(*call))).decode()
    with pytest.raises(InvalidInputError, match="asks for") as caught:
        file_string_to_signature(key, "pickle", compressed=False)
    assert "run code" in caught.value.hint
    assert not list(tmp_path.iterdir())


def test_pickled_names_cannot_change_what_reads_them():
    """A pickle that sets attributes of what it may call is refused."""
    for state in ({"__defaults__": ("2",)}, {"text": 1}):
        head = b"\x80\x02c" + f"{read_text.__module__}\n{read_text.__name__}\n".encode()
        data = head + pickle.dumps((None, state), 2)[2:-1] + b"b."
        with pytest.raises(InvalidInputError):
            file_string_to_signature(base64.urlsafe_b64encode(data).decode(), "pickle", compressed=False)


def test_long_arrays_are_named_by_their_digest():
    """An array of more than a megabyte is not written out: its digest stands for it."""
    array = np.zeros(200_000)
    name = named(array, "repr", True, True)[1]
    array[7] = 1
    assert named(array, "repr", True, True)[1] != name
    assert repr(file_string_to_signature(name)).startswith("((('x', Shown('ndarray', '")


def test_arrays_that_no_name_has_room_for_are_not_written_out():
    """The name of an array of some kilobytes has hashes alone, and is made in a moment; its entry has the array."""
    array = np.zeros(10_000)
    name = named(array, "repr", True, True)[1]
    assert re.fullmatch(r".*\.[\w-]{14}\.[\w-]{38}", name)
    array[7] = 1
    assert named(array, "repr", True, True)[1] != name
    assert len(write_text(array)) < 100
    with pytest.raises(InvalidInputError, match="got an array"):
        signature_to_file_string(f, argument_signature(f, array), truncate=False)


def test_texts_of_nested_containers_have_a_limit():
    """What Python's parser could not read back is not written; in a signature its digest stands for it."""
    deep = ()
    for _ in range(100):
        deep = (deep,)
    with pytest.raises(InvalidInputError, match="nested"):
        write_text(deep)
    signature, name = named(deep, "repr", True, True)
    assert write_text(file_string_to_signature(name)) == write_text(signature)


@pytest.mark.parametrize("mode", ["repr", "json", "pickle"])
def test_bits_and_halves_of_characters_come_back(mode):
    """A signalling NaN keeps its bits, and two halves of a character stay two."""
    signalling = np.array([0x7F800001, 0x3F800000], "u4").view("f4")
    for value in (signalling, "\ud83d\ude00", "\ud83d", ("\ude00",)):
        signature, name = named(value, mode, True, True)
        assert file_string_to_signature(name, mode) == signature


@pytest.mark.parametrize("mode", ["repr", "human"])
def test_names_decode_as_some_file_systems_hand_them_back(mode):
    """A name whose letters come back decomposed, as HFS+ does it, has the arguments that were written."""
    signature, name = named("é", mode, False, False)
    assert "é" in name
    assert file_string_to_signature(unicodedata.normalize("NFD", name), mode, False, False) == signature
