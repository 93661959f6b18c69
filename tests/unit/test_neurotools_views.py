"""The file at a location that shows an entry's result: `memo.neurotools.views` and `memo.neurotools.likeness`."""

from __future__ import annotations

import io
import os
import pickle
from collections import namedtuple

import numpy as np
import pytest

import cas
from memo.codecs import choose
from memo.errors import CodecError
from memo.neurotools.likeness import write_likeness
from memo.neurotools.originals.files import is_original
from memo.neurotools.views import Preferred, Views, stamp_of
from tests import deposits

Point = namedtuple("Point", "x y")


def shown(value):
    """Return what numpy loads of the file that shows a value, without unpickling anything."""
    file = io.BytesIO()
    write_likeness(file, value)
    file.seek(0)
    loaded = np.load(file, allow_pickle=False)
    if isinstance(loaded, np.ndarray):
        return loaded.tolist()
    return {name: loaded[name].tolist() for name in loaded.files}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1, 1),
        (2.5, 2.5),
        (True, True),
        (None, "None"),
        ("text", "text"),
        ([1, 2, 3], [1, 2, 3]),
        ((1, "a"), {"0": 1, "1": "a"}),
        ({}, {}),
        ({"a": [1.5, "x"], "b": {"c": None}}, {"a/0": 1.5, "a/1": "x", "b/c": "None"}),
        ({"a/b": 1, "a": {"b": 2}}, {"a/b": 1, "a/b#2": 2}),
        (Point(1, [2, 3]), {"x": 1, "y": [2, 3]}),
        (np.ma.array([1, 2], mask=[False, True]), {"data": [1, 2], "mask": [False, True]}),
        (np.array([None, 1], object), {"0": "None", "1": 1}),
        (object, "<class 'object'>"),
    ],
)
def test_a_value_shows_as_arrays(value, expected):
    """Numbers and text show as arrays, containers as archives of their parts, the rest as text; never as a pickle."""
    assert shown(value) == expected


def test_what_contains_itself_shows_as_text_at_some_depth():
    """A list that contains itself has a file of bounded size."""
    loop: list[object] = [1]
    loop.append(loop)
    parts = shown(loop)
    assert parts["0"] == parts["1/0"] == 1
    assert [part for part in parts.values() if part != 1] == ["[1, [...]]"]


def test_a_container_of_many_parts_shows_as_text():
    """Thousands of parts would take seconds to write, and show as one text."""
    many = {f"k{number}": number for number in range(5000)}
    assert shown(many).startswith("{'k0': 0, ")


def test_a_value_whose_repr_fails_shows_all_the_same():
    """A class's own repr may raise anything."""

    class Sullen:
        def __repr__(self) -> str:
            raise RuntimeError("no")

    assert shown(Sullen()) == f"<{Sullen.__qualname__}: RuntimeError in its repr>"


def test_equal_values_have_equal_files():
    """An archive has no time of writing in it."""
    files = [io.BytesIO(), io.BytesIO()]
    for file in files:
        write_likeness(file, {"a": 1, "b": np.arange(3)})
    assert files[0].getvalue() == files[1].getvalue()


# What memo did not write


def test_a_pickle_of_ours_is_told_from_one_of_the_original(tmp_path, views):
    """A pickled view is plain for `pickle.load`, and yet known as ours."""
    theirs = tmp_path / "theirs.pickle"
    theirs.write_bytes(pickle.dumps((((1,), ()), 2.0)))
    ours = str(tmp_path / "root" / "ours.pickle")
    show(views, ours, {"a": [1, 2]})
    with open(ours, "rb") as file:
        assert pickle.load(file) == {"a": [1, 2]}
    assert is_original(str(theirs))
    assert not is_original(ours)


def test_an_array_of_objects_is_the_originals_and_other_arrays_are_not(tmp_path):
    """What `.npy` files of the original hold is a pickle, which no view ever is."""
    for name, value in (("theirs", np.array([((1,), ()), 2.0], object)), ("plain", np.arange(3.0))):
        np.save(tmp_path / f"{name}.npy", value, allow_pickle=True)
    assert is_original(str(tmp_path / "theirs.npy"))
    assert not is_original(str(tmp_path / "plain.npy"))


def test_a_file_of_nothing_is_no_original(tmp_path):
    """The original left files of 0 bytes where it failed; they are in nobody's way."""
    for method in ("npy", "mat", "pickle", "hdf5"):
        (tmp_path / f"wreck.{method}").touch()
        assert not is_original(str(tmp_path / f"wreck.{method}"))


# How a view comes into place


@pytest.fixture
def views(tmp_path):
    """Return the views of a root."""
    return Views(str(tmp_path / "root"), cas.open(tmp_path / "root" / ".store"))


def show(views, path, value, number=1, codec=None):
    """Deposit a value, and show it at a path."""
    chosen = codec or choose(value)
    call = deposits.call(number)
    with views.store.deposit(call, 0.0) as deposit:
        parts, summary = chosen.encode(value, deposit.write)
        deposit.commit(cas.Result(chosen.name, parts, summary))
    return views.show(path, call.key, value, views.store)


def test_a_large_array_is_shown_by_the_very_blob(tmp_path, views):
    """The view of a result in a file is another name of its blob, and takes no space."""
    path = str(tmp_path / "root" / "m" / "f" / "a.npy")
    show(views, path, np.arange(10_000.0))
    entry = views.store.entry(deposits.key(1))
    assert os.path.samefile(path, views.store.open_blob(entry.digest).path)
    assert np.array_equal(np.load(path), np.arange(10_000.0))
    deposits.assert_intact(views.store)


def test_a_blob_that_could_be_written_is_copied(tmp_path, views):
    """Who writes to a view never writes to a blob: the blobs of other stores may be writable."""
    path = str(tmp_path / "root" / "a.npy")
    show(views, path, np.arange(10_000.0))
    blob = views.store.open_blob(views.store.entry(deposits.key(1)).digest).path
    os.unlink(path)
    os.chmod(blob, 0o600)
    views.forget(path)
    views.show(path, deposits.key(1), np.arange(10_000.0), views.store)
    assert not os.path.samefile(path, blob)
    assert np.array_equal(np.load(path), np.arange(10_000.0))


def test_a_view_that_was_changed_is_written_again(tmp_path, views):
    """What stands at the location is that of the entry, whoever wrote there meanwhile."""
    path = str(tmp_path / "root" / "a.npy")
    first = show(views, path, np.arange(3.0))
    np.save(path, np.zeros(7))
    again = views.show(path, deposits.key(1), np.arange(3.0), views.store)
    assert np.load(path).tolist() == [0.0, 1.0, 2.0]
    assert again != first


def test_a_view_that_is_there_is_left_as_it_is(tmp_path, views):
    """Nothing is written where the file is the one that was written for this entry."""
    path = str(tmp_path / "root" / "a.npy")
    first = show(views, path, np.arange(3.0))
    assert views.show(path, deposits.key(1), np.arange(3.0), views.store) == first == stamp_of(path)


def test_the_view_of_another_entry_is_replaced(tmp_path, views):
    """After an edit of a subroutine the same location shows the new result."""
    path = str(tmp_path / "root" / "a.npy")
    show(views, path, np.arange(3.0), number=1)
    show(views, path, np.arange(4.0), number=2)
    assert np.load(path).tolist() == [0.0, 1.0, 2.0, 3.0]


def test_a_file_of_the_original_is_never_written_over(tmp_path, views):
    """What the original computed stays until somebody removes it."""
    path = tmp_path / "root" / "a.npy"
    np.save(path, np.array([((3,), ()), 2.0], object), allow_pickle=True)
    before = path.read_bytes()
    show(views, str(path), np.arange(3.0))
    assert path.read_bytes() == before


def test_a_wreck_of_the_original_is_replaced(tmp_path, views):
    """A file of 0 bytes holds nothing."""
    path = tmp_path / "root" / "a.npy"
    path.touch()
    show(views, str(path), np.arange(3.0))
    assert np.load(path).tolist() == [0.0, 1.0, 2.0]


def test_a_removed_view_is_told_from_one_that_never_was(tmp_path, views):
    """A crash between entry and view does not read as somebody's wish to compute again."""
    path = str(tmp_path / "root" / "a.npy")
    assert not views.was_removed(path, deposits.key(1))
    show(views, path, np.arange(3.0))
    assert not views.was_removed(path, deposits.key(1))
    os.unlink(path)
    assert views.was_removed(path, deposits.key(1))
    assert not views.was_removed(path, deposits.key(2))


def test_forgetting_leaves_no_trace_and_no_file(tmp_path, views):
    """After a purge the file is gone, and its absence is nobody's wish."""
    path = str(tmp_path / "root" / "a.npy")
    show(views, path, np.arange(3.0))
    views.forget(path)
    assert not os.path.exists(path)
    assert not views.was_removed(path, deposits.key(1))
    views.forget(path)


def test_writing_leaves_nothing_aside(tmp_path, views):
    """Renaming one name of a file onto another leaves both: the temporary one goes all the same."""
    path = str(tmp_path / "root" / "a.npy")
    show(views, path, np.arange(10_000.0))
    views.store.remember(views._name(path), b"")  # as if the note had vanished
    views.show(path, deposits.key(1), np.arange(10_000.0), views.store)
    assert os.listdir(tmp_path / "root" / ".store" / "temporary") == []
    assert sorted(os.listdir(tmp_path / "root")) == [".store", "a.npy"]


def test_what_has_no_pickle_has_no_file(tmp_path, views):
    """What was begun is not left behind."""
    show(views, str(tmp_path / "root" / "a.npy"), 1)
    with pytest.raises(CodecError, match="pickle"):
        views.show(str(tmp_path / "root" / "a.pickle"), deposits.key(1), lambda: 0, views.store)
    assert os.listdir(tmp_path / "root" / ".store" / "temporary") == []
    assert sorted(os.listdir(tmp_path / "root")) == [".store", "a.npy"]


def test_a_moved_root_keeps_its_notes(tmp_path, views):
    """Notes name views relative to the root."""
    path = str(tmp_path / "root" / "a.npy")
    show(views, path, np.arange(3.0))
    views.store.close()
    os.rename(tmp_path / "root", tmp_path / "moved")
    moved = Views(str(tmp_path / "moved"), cas.open(tmp_path / "moved" / ".store"))
    assert moved.note(str(tmp_path / "moved" / "a.npy")).key == deposits.key(1)


# The codec of a method


def test_the_codec_of_a_method_is_preferred(tmp_path, views):
    """A value that MATLAB can hold is stored as a .mat file, and its view is that very file."""
    said: list[Exception] = []
    codec = Preferred("mat", said.append, {"a": 1})
    path = str(tmp_path / "root" / "a.mat")
    show(views, path, {"a": np.arange(10_000.0)}, codec=codec)
    assert codec.name == "mat/1"
    assert said == []
    assert os.path.samefile(path, views.store.open_blob(views.store.entry(deposits.key(1)).digest).path)


def test_what_a_method_cannot_hold_is_stored_exactly(views):
    """Where MATLAB has nothing for a part, the value is stored all the same, and the part is named."""
    said: list[Exception] = []
    codec = Preferred("mat", said.append, None)
    parts, _ = codec.encode({"2nd": 1}, lambda parts: b"")
    assert codec.name == "tree/1"
    assert [str(error).partition(":")[2].partition(":")[0] for error in said] == [' result["2nd"]']
    assert codec.decode(b"".join(bytes(part) for part in parts), views.store.open_blob) == {"2nd": 1}
