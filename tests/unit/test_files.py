"""Files as arguments count by what stands in them, and are read again wherever they may have changed."""

from __future__ import annotations

import mmap
import os
import pickle
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Optional

import pytest

import cas
import memo
from cas.form import unpack
from memo import files, tables
from memo.canonical import encode
from memo.canonical.walk import Refused
from memo.files import Digests
from memo.tables import StoredTables

LARGE = 300 << 10
Input = Annotated[Path, memo.Content]


class Clock:
    """A clock that runs ahead of the real one."""

    ahead = 0.0

    def __call__(self):
        """Return the time."""
        return time.time() + self.ahead


@pytest.fixture
def clock():
    """Return a clock that can be set ahead."""
    return Clock()


@pytest.fixture
def digests(clock, monkeypatch):
    """Return the digests in use, by that clock, on a disk whose times tell of every write."""
    made = Digests(clock, set)
    monkeypatch.setattr(files, "digests", made)
    monkeypatch.setattr(tables, "kept", None)
    return made


@pytest.fixture
def settled(clock, digests):
    """Return the digests at a time when what is written now has long been written."""
    clock.ahead = 2 * files.SETTLED
    return digests


@pytest.fixture
def read():
    """Return a cached function of a path."""

    @memo.cached
    def read(path):
        return Path(path).read_text()

    return read


@pytest.fixture
def read_marked():
    """Return a cached function of a path that counts by its content."""

    @memo.cached
    def read_marked(path: Annotated[Path, memo.Content]):
        return Path(path).read_text()

    return read_marked


def stamp(path):
    """Return what a file looks like but for the time of the inode's change."""
    status = os.stat(path)
    return status.st_size, status.st_mtime_ns


# By content


@pytest.mark.parametrize(("name", "given"), [("read", memo.File), ("read_marked", Path), ("read_marked", str)])
def test_a_file_counts_by_what_stands_in_it(tmp_path, digests, request, name, given):
    """Neither its name nor its time is in the key; what stands in it is."""
    function = request.getfixturevalue(name)
    for name, text in (("a", "one"), ("b", "one"), ("c", "two")):
        (tmp_path / name).write_text(text)
    os.utime(tmp_path / "b", (0, 0))
    assert [function(given(tmp_path / name)) for name in "abc"] == ["one", "one", "two"]
    assert function.cache.stats().misses == 2
    (tmp_path / "a").write_text("two")
    assert function(given(tmp_path / "a")) == "two"
    assert function.cache.stats().misses == 2
    assert function.cache.key(given(tmp_path / "a")) != function.cache.key(given(tmp_path / "b"))


def test_what_kind_of_path_it_is_counts(tmp_path, digests, read_marked):
    """A function may treat a text, a Path and a File differently."""
    (tmp_path / "a").write_text("one")
    keys = {read_marked.cache.key(kind(tmp_path / "a")) for kind in (str, Path, memo.File, os.fsencode)}
    assert len(keys) == 4


def test_without_a_mark_the_name_counts(tmp_path, read):
    """A plain path is a value as any other."""
    (tmp_path / "a").write_text("one")
    (tmp_path / "b").write_text("one")
    assert read.cache.key(tmp_path / "a") != read.cache.key(tmp_path / "b")


def test_the_form_of_a_file(tmp_path, digests):
    """The bytes that a file is signed as never change, and a person sees kind, size and the start of its digest."""
    (tmp_path / "a").write_text("hello")
    form = encode(memo.File(tmp_path / "a"))
    assert form.hex() == (
        "96c7004ea46d656d6fa446696c65a466696c6505c7200aea8f163db38682925e4491c5e58d4bb3506ef8c14eb78a86e908c5624a67200f"
    )
    assert str(unpack(form).text) == "file 5 B~ea8f163d"


def test_where_files_may_stand(tmp_path, digests, read):
    """In lists, dicts and objects, each counts by its content."""

    @dataclass
    class Job:
        source: memo.File
        rate: float

    path = tmp_path / "a"
    path.write_text("one")
    values = [[memo.File(path)], {"in": (memo.File(path), 3)}, Job(memo.File(path), 2.0)]
    before = [read.cache.key(value) for value in values]
    assert before == [read.cache.key(value) for value in values]
    path.write_text("two")
    assert not {*before} & {read.cache.key(value) for value in values}


def test_a_file_is_a_text_that_opens(tmp_path):
    """It goes wherever a path goes; what is made of it is a plain text."""
    path = memo.File(tmp_path / "a")
    path_too = pickle.loads(pickle.dumps(path))
    Path(path).write_text("one")
    with open(path) as file:
        assert file.read() == "one"
    assert (type(path_too), path_too) == (memo.File, path)
    assert path == str(tmp_path / "a") == os.fspath(path)
    assert type(path + ".npy") is str
    assert repr(memo.File("x.npy")) == "memo.File('x.npy')"
    assert memo.File(b"x.npy") == memo.File(Path("x.npy")) == "x.npy"


# Folders


def tree(root):
    """Make a folder with something of everything in it, and return it."""
    (root / "deep" / "er").mkdir(parents=True)
    (root / "empty").mkdir()
    (root / "a.txt").write_text("one")
    (root / "deep" / "b.txt").write_text("two")
    (root / "link.txt").symlink_to("a.txt")
    (root / "nowhere").symlink_to("missing")
    (root / "round").symlink_to(".")
    return root


def test_a_folder_counts_by_all_that_is_in_it(tmp_path, digests, read):
    """A copy elsewhere is the same; each change of a name, a content, a folder or a link is another."""
    original, copy = tree(tmp_path / "original"), tree(tmp_path / "copy")
    key = read.cache.key(memo.File(original))
    assert digests.reads == 3  # a link that leads back to the folder is not followed round and round
    changes = [
        lambda: (copy / "a.txt").write_text("oNe"),
        lambda: (copy / "a.txt").rename(copy / "c.txt"),
        lambda: (copy / "empty").rmdir(),
        lambda: (copy / "deep" / "er" / "new").mkdir(),
        lambda: (copy / "deep" / "b.txt").unlink(),
        lambda: ((copy / "link.txt").unlink(), (copy / "link.txt").symlink_to("./a.txt")),
        lambda: (copy / "missing").write_text(""),
        lambda: ((copy / "nowhere").unlink(), (copy / "nowhere").write_text("missing")),
    ]
    keys = {key}
    for number, change in enumerate(changes, 2):
        assert read.cache.key(memo.File(copy)) == key
        change()
        keys.add(read.cache.key(memo.File(copy)))
        assert len(keys) == number
        shutil.rmtree(copy)
        tree(copy)


def test_what_a_link_leads_to_counts(tmp_path, digests, read):
    """A file outside of the folder that a link in it leads to is part of it; so is what a path itself leads to."""
    (tmp_path / "outside").write_text("one")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "link").symlink_to(tmp_path / "outside")
    (tmp_path / "direct").symlink_to("outside")
    before = [read.cache.key(memo.File(tmp_path / name)) for name in ("folder", "direct", "outside")]
    (tmp_path / "outside").write_text("two")
    after = [read.cache.key(memo.File(tmp_path / name)) for name in ("folder", "direct", "outside")]
    assert before[1] == before[2] != after[1] == after[2]
    assert before[0] != after[0]


def test_what_is_neither_file_nor_folder_is_refused(tmp_path, digests):
    """A pipe would wait for ever; the call runs, and the warning names it."""
    os.mkfifo(tmp_path / "pipe")

    @memo.cached
    def names(path):
        return os.listdir(os.path.dirname(path))

    for path in (tmp_path / "pipe", tmp_path):
        with pytest.raises(memo.UnstableArgument, match="pipe'"):
            names.cache.key(memo.File(path))
    with pytest.warns(memo.CacheWarning, match="neither a file nor a folder"):
        assert names(memo.File(tmp_path / "pipe")) == ["pipe"]


# When a file is read again


def test_an_unchanged_file_is_read_once(tmp_path, settled):
    """Once its times lie long enough before it was read, a look at it is enough."""
    path = tmp_path / "a"
    path.write_text("one")
    found = [settled.look(path) for _ in range(3)]
    assert found == [("file", 3, cas.digest.digest(b"one"))] * 3
    assert settled.reads == 1


def test_a_file_just_written_is_read_each_time(tmp_path, digests, clock):
    """Its times do not tell of a further write within one tick of the clock, or through a memory map."""
    path = tmp_path / "a"
    path.write_text("one")
    digests.look(path)
    clock.ahead = files.SETTLED / 2
    digests.look(path)
    assert digests.reads == 2
    clock.ahead = 2 * files.SETTLED
    digests.look(path)
    digests.look(path)
    assert digests.reads == 3
    os.utime(path, (0, 0))  # as if it were old, which the other time belies
    clock.ahead = files.SETTLED / 2
    digests.look(path)
    digests.look(path)
    assert digests.reads == 5
    clock.ahead = -1000.0  # a clock that was set back makes the file one of the future
    os.utime(path)
    digests.look(path)
    digests.look(path)
    assert digests.reads == 7


def rewritten(path, text):
    """Write in place, within one tick of the clock."""
    path.write_text(text)


def set_back(path, text):
    """Write in place, and put the times back."""
    before = os.stat(path)
    path.write_text(text)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def replaced(path, text):
    """Put another file of the same size and time in its place."""
    other = path.with_name("other")
    other.write_text(text)
    os.utime(other, ns=(0, os.stat(path).st_mtime_ns))
    os.replace(other, path)


def copied_over(path, text):
    """Copy another file over it as `cp -p` does."""
    other = path.with_name("other")
    other.write_text(text)
    os.utime(other, ns=(0, os.stat(path).st_mtime_ns))
    shutil.copy2(other, path)


def linked(path, text):
    """Let the path lead to another file of the same size and time."""
    other = path.with_name(f"other {text}")
    other.write_text(text)
    os.utime(other, ns=(0, os.stat(path).st_mtime_ns))
    path.unlink()
    path.symlink_to(other)


@pytest.mark.parametrize("ahead", [0.0, 1000.0])
@pytest.mark.parametrize("change", [rewritten, set_back, replaced, copied_over, linked])
def test_every_change_of_a_file_is_seen(tmp_path, digests, clock, change, ahead):
    """Same size, same time, same name: it is read again, whether it is young or old."""
    path = tmp_path / "a"
    path.write_text("0000")
    clock.ahead = ahead
    for number in range(1, 50):
        text = f"{number:04}"
        change(path, text)
        assert digests.look(path)[2] == cas.digest.digest(text.encode())
        digests.look(path)


def test_a_write_through_a_memory_map_is_seen(tmp_path, digests, clock):
    """A page that was written already takes further writes without a new time."""
    path = tmp_path / "a"
    path.write_bytes(bytes(4096))
    with open(path, "r+b") as file, mmap.mmap(file.fileno(), 4096) as view:
        view[0] = 1
        clock.ahead = files.SETTLED / 2
        first = digests.look(path)
        view[0] = 2
        assert digests.look(path) != first


def test_where_times_tell_nothing_a_file_is_always_read(tmp_path, clock):
    """On a file system in memory, a write through a memory map leaves no trace at all."""
    path = tmp_path / "a"
    path.write_text("one")
    clock.ahead = 1000.0
    digests = Digests(clock, lambda: {os.stat(path).st_dev})
    digests.look(path)
    digests.look(path)
    assert digests.reads == 2


class Disturbed(Digests):
    """Digests of files during whose reading someone else does something, so many times."""

    times = 1
    disturb = None

    def _read(self, file, size):
        found = super()._read(file, size)
        if self.times:
            self.times -= 1
            self.disturb()
        return found


def test_a_file_that_changes_while_it_is_read(tmp_path, clock):
    """It is read again; one that never rests is refused."""
    path = tmp_path / "a"
    path.write_text("one")
    clock.ahead = 1000.0
    digests = Disturbed(clock, set)
    digests.disturb = lambda: path.write_text(path.read_text() + "!")
    assert digests.look(path) == ("file", 4, cas.digest.digest(b"one!"))
    digests.times = 100
    path.write_text("two")
    with pytest.raises(Refused, match="changed while it was read"):
        digests.look(path)


def test_what_is_replaced_while_it_is_read(tmp_path, clock):
    """What stands at the path afterwards counts, not what was opened; of a folder likewise all that came meanwhile."""
    path = tmp_path / "folder" / "a"
    path.parent.mkdir()
    path.write_text("one")
    clock.ahead = 1000.0
    digests = Disturbed(clock, set)
    digests.disturb = lambda: replaced(path, "two")
    assert digests.look(path) == ("file", 3, cas.digest.digest(b"two"))
    linked(path, "six")
    digests.times = 1
    digests.disturb = lambda: linked(path, "ten")
    assert digests.look(path) == ("file", 3, cas.digest.digest(b"ten"))
    for other in path.parent.iterdir():
        other.unlink()
    path.write_text("one")
    digests.times = 1
    digests.disturb = lambda: (path.parent / "b").write_text("new")
    assert digests.look(path.parent) == Digests(clock, set).look(path.parent)
    assert digests.look(path.parent)[1] == 6


# What the store remembers


@pytest.fixture
def kept(store, settled, monkeypatch):
    """Return the store in which digests are remembered."""
    monkeypatch.setattr(tables, "kept", StoredTables(store))
    return store


def test_a_new_process_need_not_read_a_large_file(tmp_path, kept, settled, clock):
    """The digest is found with the file's stamp, and holds for that stamp only."""
    path = tmp_path / "a"
    path.write_bytes(b"x" * LARGE)
    found = settled.look(path)
    later = Digests(clock, set)
    assert later.look(path) == later.look(path) == found
    assert later.reads == 0
    set_back(path, "y" * LARGE)
    assert Digests(clock, set).look(path)[2] == cas.digest.digest(b"y" * LARGE)


@pytest.mark.parametrize("body", [b"", b"x", b"\0" * 32, b"\xff" * 80])
def test_what_the_store_remembers_may_be_lost_or_damaged(tmp_path, kept, settled, clock, body):
    """Then the file is read (I8)."""
    path = tmp_path / "a"
    path.write_bytes(b"x" * LARGE)
    found = settled.look(path)
    kept.remember(files._name(str(path)), body)
    later = Digests(clock, set)
    assert later.look(path) == found
    assert later.reads == 1


def test_the_first_call_of_a_process_finds_what_the_store_remembers(tmp_path, settled, clock, monkeypatch):
    """The store is open before the first argument is signed."""
    path = tmp_path / "a"
    path.write_bytes(b"x" * LARGE)
    first, second = (memo.cached(lambda path: os.path.getsize(path)) for _ in range(2))
    assert first(memo.File(path)) == LARGE
    later = Digests(clock, set)
    monkeypatch.setattr(files, "digests", later)
    monkeypatch.setattr(tables, "kept", None)
    assert second(memo.File(path)) == LARGE
    assert later.reads == 0


# When there is nothing to read, or it changes during the call


def test_a_missing_file(tmp_path, digests, read_marked, read):
    """The call runs, its own error reaches the caller, and the warning says that it is not cached and why."""
    missing = memo.File(tmp_path / "no")
    with pytest.warns(memo.CacheWarning, match=r"path: .*/no', where nothing is"), pytest.raises(FileNotFoundError):
        read(missing)
    with pytest.warns(memo.CacheWarning, match="where nothing is"), pytest.raises(FileNotFoundError):
        read_marked(Path(missing))
    assert "where nothing is" in str(read.cache.explain(missing))
    with pytest.raises(memo.UnstableArgument, match="where nothing is"):
        read.cache.key(missing)


def test_a_file_that_changes_during_the_call(tmp_path, digests):
    """The result may be of either content, so it is not stored, and that is said aloud."""
    path = tmp_path / "a"
    path.write_text("one")

    @memo.cached
    def spoil(path):
        with open(path, "a") as file:
            file.write("!")
        return Path(path).read_text()

    for given in (memo.File(path), [{"in": [memo.File(path)] * 100}]):
        target = spoil if isinstance(given, str) else memo.cached(lambda given: spoil.__wrapped__(given[0]["in"][0]))
        with pytest.warns(memo.CacheWarning, match="a file among its arguments changed while it ran"):
            assert target(given).startswith("one!")
        assert target.cache.stats().entries == 0


def test_a_file_that_is_another_for_a_while(tmp_path, digests):
    """What is put back before the call ends may have been read as what it was meanwhile."""
    aside = tmp_path / "aside"
    (tmp_path / "folder").mkdir()

    @memo.cached
    def swap(path):
        os.replace(path, aside)
        Path(path).write_text("two")
        text = Path(path).read_text()
        os.replace(aside, path)
        return text

    for path in (tmp_path / "a", tmp_path / "folder" / "a"):
        path.write_text("one")
        given = path if path.parent == tmp_path else path.parent
        target = swap if given == path else memo.cached(lambda folder: swap.__wrapped__(os.path.join(folder, "a")))
        with pytest.warns(memo.CacheWarning, match="a file among its arguments changed while it ran"):
            assert target(memo.File(given)) == "two"
        assert target.cache.stats().entries == 0


def test_a_file_that_changed_before_the_call(tmp_path, digests, read):
    """What happened before it was signed, also in another call, is none of its concern."""
    path = tmp_path / "a"
    for text in ("one", "two", "one"):
        path.write_text(text)
        assert read(memo.File(path)) == text
    assert read.cache.stats().entries == 2


def test_a_file_that_goes_during_the_call(tmp_path, digests):
    """As one that changes."""
    path = tmp_path / "a"
    path.write_text("one")

    @memo.cached
    def consume(path: Annotated[str, memo.Content]):
        text = Path(path).read_text()
        os.unlink(path)
        return text

    with pytest.warns(memo.CacheWarning, match="changed while it ran"):
        assert consume(str(path)) == "one"
    assert consume.cache.stats().entries == 0


# Where the mark may stand


def test_marks_in_annotations(tmp_path, digests):
    """Named, optional, in containers, for stars, evaluated or as text: each path in the argument counts by content."""
    path = str(tmp_path / "a")
    Path(path).write_text("one")

    def named(x: Input):
        return 1

    def optional(x: Optional[Annotated[str, memo.Content]] = None):  # noqa: UP045 - the form is what is tested
        return 1

    def listed(x: list[Annotated[str, memo.Content]] | None):
        return 1

    def evaluated(x):
        return 1

    def starred(*x: Annotated[str, memo.Content], **y: Annotated[str, memo.Content]):
        return 1

    evaluated.__annotations__ = {"x": Annotated[str, "text", memo.Content()]}
    cases = [(named, path), (optional, path), (listed, [path]), (listed, {"a": (path,)}), (evaluated, path)]
    cached = [(memo.cached(function), {"x": value}) for function, value in cases]
    cached += [(memo.cached(starred), {"y": path})]
    before = [function.cache.key(**given) for function, given in cached]
    star = memo.cached(starred).cache.key(path)
    Path(path).write_text("two")
    after = [function.cache.key(**given) for function, given in cached]
    assert not set(before) & set(after)
    assert star != memo.cached(starred).cache.key(path)
    assert memo.cached(optional).cache.key() == memo.cached(optional).cache.key(None)


def test_a_marked_parameter_takes_paths_only(tmp_path):
    """A value in which no path is known is refused; the call runs."""

    @memo.cached
    def f(path: Annotated[object, memo.Content]):
        return 1

    with pytest.warns(memo.CacheWarning, match=r"path: expected a path for memo.Content, .* got int"):
        assert f(3) == 1


def test_an_annotation_that_cannot_be_read_is_refused():
    """A mark that may be there and cannot be seen would leave the name in the key."""

    def f(path):
        return path

    f.__annotations__ = {"path": "Annotated[NotThere, memo.Content]"}
    with pytest.raises(cas.InvalidInputError, match="cannot be evaluated") as caught:
        memo.cached(f)
    assert "run time" in caught.value.hint
    f.__annotations__ = {"path": "NotThere"}
    assert memo.cached(f)(1) == 1


def test_an_audit_knows_what_counts_by_content(tmp_path, digests, read):
    """A file that an argument is signed by is declared, as is what stands in such a folder."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "a").write_text("one")
    for path in (tmp_path / "folder" / "a", tmp_path / "folder"):

        @memo.cached
        def first(path: Annotated[Path, memo.Content]):
            file = path / "a" if path.is_dir() else path
            return sorted(os.listdir(path)) if path.is_dir() else file.read_text()

        assert memo.audit(first)(path).clean
        assert memo.audit(read if path.is_file() else memo.cached(os.listdir))(memo.File(path)).clean
