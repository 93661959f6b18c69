"""A store in memory stays within its bound, and what is least worth goes first."""

from __future__ import annotations

import os
import stat

import pytest
from blake3 import blake3

import cas
from cas import ram
from tests.deposits import LARGE, assert_intact, forked, get, key, large, put, unsent

SIZE = 4 << 20


def taken(store) -> int:
    """Return the bytes that all files of a store take in memory."""
    found = 0
    for folder, _, names in os.walk(store.layout.root):
        for name in names:
            try:
                found += os.stat(os.path.join(folder, name)).st_blocks * 512
            except FileNotFoundError:
                continue
    return found


@pytest.fixture
def memory(memory_place):
    """Return a small store in memory."""
    return cas.open(f"mem://small?size={SIZE}")


@pytest.fixture
def memory_place(monkeypatch, tmp_path):
    """Let stores in memory stand where the test can see them, in memory if there is such a folder."""
    import shutil
    import tempfile

    place = tempfile.mkdtemp(dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else tmp_path)
    monkeypatch.setattr(ram, "_MEMORY", place)
    yield place
    shutil.rmtree(place)


def test_stays_within_its_bound(memory):
    """However much is stored, large or small, all files together never take more than the bound."""
    most = 0
    for number in range(300):
        put(memory, number, large(number) if number % 3 else large(number, 20_000), (large(number + 1000, 50_000),))
        most = max(most, taken(memory))
    assert SIZE / 2 < most <= SIZE
    assert get(memory, 299, always=True) is not None
    assert 10 < memory.count() < 300
    assert_intact(memory)


def test_small_results_stay_within_the_bound(memory):
    """Results in the index count as well, and their room is given back for others."""
    most = 0
    for number in range(1500):
        put(memory, number, large(number, 10_000))
        if number % 10 == 0:
            most = max(most, taken(memory))
    assert SIZE / 4 < most <= SIZE
    put(memory, 5000, large(1, 3 << 20))
    assert taken(memory) <= SIZE
    assert get(memory, 5000) == (large(1, 3 << 20), [])
    assert_intact(memory)


def test_least_worth_goes_first(memory):
    """What cost little to compute goes before what cost much."""
    for number in range(10):
        put(memory, number, large(number), cost=100.0)
    for number in range(10, 200):
        put(memory, number, large(number), cost=0.001)
    assert all(get(memory, number) is not None for number in range(10))


def test_blobs_of_the_deposit_under_way_stay(memory):
    """Making room in the middle of a deposit takes none of its own blobs (I4)."""
    for number in range(100):
        put(memory, number, large(number), cost=1e6)
    children = tuple(large(number) for number in range(200, 228))
    put(memory, 300, b"root", children)
    assert get(memory, 300, always=True) == (b"root", sorted(children))
    assert taken(memory) <= SIZE
    assert_intact(memory)


def test_what_is_larger_than_the_bound_is_refused(memory):
    """A result that cannot fit raises StorageError, as a full disk does, and leaves the store whole."""
    put(memory, 1)
    with pytest.raises(cas.StorageError) as refused:
        put(memory, 2, large(2, SIZE + 1))
    assert refused.value.hint
    put(memory, 3)
    assert get(memory, 3) == (b"small", [])
    assert_intact(memory)


def test_processes_share_one_bound(memory):
    """Processes that store at once stay within the bound together, and spoil nothing for each other."""

    def live(start: int) -> None:
        for number in range(start, start + 60):
            put(memory, number, large(number), (large(7),))
            assert taken(memory) <= SIZE

    children = []
    for start in (1000, 2000, 3000):
        child = os.fork()
        if not child:
            status = 1
            try:
                live(start)
                status = 0
            finally:
                os._exit(status)
        children.append(child)
    live(4000)
    assert [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children] == [0, 0, 0]
    assert taken(memory) <= SIZE
    assert_intact(memory)


def test_child_of_a_deposit_goes_on(memory):
    """A child that forks in the middle of a deposit stores for itself."""
    with memory.deposit(
        cas.Call(key(1), cas.FunctionRecord(b"f" * 32, "m", "f", ("number",)), b"\x91\x01"), 0.0
    ) as deposit:
        deposit.write((large(1),))
        child = os.fork()
        if not child:
            os._exit(0)
        os.waitpid(child, 0)
        deposit.commit(cas.Result("tree/1", (b"root",), ""))
    assert forked(lambda: put(memory, 2, large(2))) == 0
    assert get(memory, 2) == (large(2), [])


def test_deposit_inside_a_deposit(memory):
    """A result that is stored while another one of the same thread is being written does not wait for it."""
    record = cas.FunctionRecord(b"f" * 32, "m", "f", ("number",))
    with memory.deposit(cas.Call(key(1), record, b"\x91\x01"), 0.0) as deposit:
        deposit.write((large(1),))
        put(memory, 2, large(2))
        deposit.commit(cas.Result("tree/1", (b"root",), ""))
    assert get(memory, 1) == (b"root", [large(1)])
    assert get(memory, 2) == (large(2), [])


def test_folder_is_of_this_user_alone(memory, memory_place):
    """No other user can look into the folder; one that others can is refused."""
    home = os.path.join(memory_place, f"cas-{os.getuid()}")
    assert stat.S_IMODE(os.stat(home).st_mode) == 0o700
    os.chmod(home, 0o755)
    with pytest.raises(cas.ReadOnlyError) as refused:
        cas.open("mem://other")
    assert refused.value.hint


@pytest.mark.parametrize(
    "url", ["mem://", "mem://a/b", "mem://..", "mem://a?size=1kB", "mem://a?size=x", "mem://a?grace=1", "mem://%2e%2e"]
)
def test_senseless_url_is_refused(memory_place, url):
    """A name that is no plain name, or an option that has no meaning, is an error with a hint."""
    with pytest.raises(cas.InvalidInputError) as refused:
        cas.open(url)
    assert refused.value.hint


def test_without_a_size_it_takes_a_part_of_the_memory(memory_place):
    """The default is a quarter of what such files may take."""
    store = cas.open("mem://default")
    found = os.statvfs(memory_place)
    assert store.room.size == found.f_blocks * found.f_frsize // 4
    assert store.location == "mem://default"


def test_memory_before_a_disk(memory_place, tmp_path):
    """Behind memory, a local store has every result; memory gets it soon, and what was forgotten there comes back."""
    chain = cas.open([f"mem://front?size={SIZE}", tmp_path / "disk"])
    front, disk = chain.present()
    for number in range(80):
        put(chain, number, large(number))
    chain.flush()
    assert disk.count() == 80
    assert 5 < front.count() < 80
    assert taken(front) <= SIZE
    assert all(get(chain, number) == (large(number), []) for number in range(80))
    chain.flush()
    assert taken(front) <= SIZE
    front.forget([entry.key for entry in front.entries()])
    assert get(chain, 3) == (large(3), [])
    chain.flush()
    assert get(front, 3) == (large(3), [])
    assert unsent(disk) == []  # what memory lacks is no loss


def test_memory_never_serves_what_was_replaced(memory_place, tmp_path):
    """A result computed anew is served at once, although memory had the old one."""
    chain = cas.open([f"mem://front?size={SIZE}", tmp_path / "disk"])
    put(chain, 1, b"old")
    chain.flush()
    with chain.writeback.copying:
        put(chain, 1, b"new")
        assert get(chain, 1) == (b"new", [])
    chain.flush()
    assert get(chain.present()[0], 1) == (b"new", [])


def test_too_large_for_memory_is_no_trouble(memory_place, tmp_path):
    """A result larger than memory holds is served from the disk, without a warning."""
    chain = cas.open([f"mem://front?size={SIZE}", tmp_path / "disk"])
    put(chain, 1, large(1, SIZE))
    chain.flush()
    assert get(chain, 1) == (large(1, SIZE), [])
    chain.flush()
    assert chain.present()[0].count() == 0


def test_evicted_between_fetch_and_reading(memory_place, tmp_path):
    """A blob that went from memory after its entry was fetched is read from the disk."""
    chain = cas.open([f"mem://front?size={SIZE}", tmp_path / "disk"])
    put(chain, 1, large(1))
    chain.flush()
    front = chain.present()[0]
    digest = chain.fetch(key(1))[1]
    front.forget([key(1)])
    assert front.sweep([digest]) == LARGE
    with open(chain.open_blob(digest).path, "rb") as file:
        assert blake3(file.read()).digest() == digest


def test_closed_store_holds_no_file():
    """A bounded store that is closed has no file open, and serves again when it is asked."""
    store = cas.open("mem://closed?size=1MB")
    put(store, 1)
    descriptors = range(3, 1024)
    before = [fd for fd in descriptors if os.path.exists(f"/proc/self/fd/{fd}")]
    store.close()
    after = [fd for fd in descriptors if os.path.exists(f"/proc/self/fd/{fd}")]
    held = [os.readlink(f"/proc/self/fd/{fd}") for fd in after]
    assert len(after) < len(before)
    assert [path for path in held if path.startswith(store.layout.root)] == []
    assert get(store, 1) == (b"small", [])
