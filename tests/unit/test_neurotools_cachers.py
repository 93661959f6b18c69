"""`disk_cacher` and `hierarchical_cacher` as a user of neurotools meets them."""

from __future__ import annotations

import importlib
import math
import os
import pickle
import warnings
from pathlib import Path

import h5py
import numpy as np
import pytest
import scipy.io

import cas
import memo
from memo.errors import CacheWarning, UnstableFunction
from memo.neurotools import disk_cacher, hierarchical_cacher
from memo.neurotools.skipping import Skipping
from tests import deposits

LAB = """
import numpy as np

calls = []


def gain(n):
    return 2.0


def ramp(n, scale=1.0, *rest, **options):
    "A ramp."
    calls.append(n)
    return np.arange(n, dtype=float) * scale * gain(n)


def told(value):
    calls.append(value)
    return {"value": value, "pair": (1, "a")}


def plain(value):
    calls.append(value)
    return value


def tick(value):
    calls.append(value)
    return len(calls)


def letters(text):
    return iter(text)


async def later():
    return 1
"""


@pytest.fixture
def lab(project):
    """Return a module of a scientist's."""
    return project("lab", LAB)


@pytest.fixture
def quiet():
    """Fail at any warning: most calls have nothing to say."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


# A call, and the file that shows its result


@pytest.mark.usefixtures("quiet")
def test_a_second_call_does_not_run_the_function(lab, tmp_path):
    """Positional, named and defaulted arguments are one call."""
    ramp = disk_cacher(tmp_path)(lab.ramp)
    assert ramp(3).tolist() == ramp(n=3).tolist() == ramp(3, 1.0).tolist() == [0.0, 2.0, 4.0]
    assert lab.calls == [3]


@pytest.mark.usefixtures("quiet")
def test_another_process_finds_the_result(lab, tmp_path):
    """A decorator of its own, as a new process has it, serves what the first one stored."""
    disk_cacher(tmp_path)(lab.ramp)(3)
    assert disk_cacher(tmp_path)(lab.ramp)(3).tolist() == [0.0, 2.0, 4.0]
    assert lab.calls == [3]


@pytest.mark.usefixtures("quiet")
def test_an_edited_subroutine_computes_anew_and_the_file_shows_it(lab, tmp_path):
    """The original did not look at subroutines; its name for the file is the same."""
    ramp = disk_cacher(tmp_path)(lab.ramp)
    ramp(3)
    exec("def gain(n):\n    return 5.0\n", lab.__dict__)
    assert ramp(3).tolist() == [0.0, 5.0, 10.0]
    assert np.load(ramp.locate(3)[-1]).tolist() == [0.0, 5.0, 10.0]


@pytest.mark.usefixtures("quiet")
@pytest.mark.parametrize("size", [3, 10_000])
def test_numpy_opens_the_file(lab, tmp_path, size):
    """Small results stand in the index of the store, large ones in blobs: both are shown."""
    ramp = disk_cacher(tmp_path)(lab.ramp)
    value = ramp(size)
    fn, sig, path, filename, location = ramp.locate(size)
    assert location == path + filename
    assert fn.endswith(filename.removesuffix(".npy"))
    assert dict(sig[0]) == {"n": size, "scale": 1.0}
    assert np.array_equal(np.load(location, allow_pickle=False), value)


@pytest.mark.usefixtures("quiet")
def test_scipy_opens_the_file(lab, tmp_path):
    """Method mat: what MATLAB sees is the variable `result`."""
    told = disk_cacher(tmp_path, method="mat")(lab.told)
    assert told(3) == told(3) == {"value": 3, "pair": (1, "a")}
    assert scipy.io.loadmat(told.locate(3)[-1])["result"]["value"][0, 0] == 3
    assert lab.calls == [3]


@pytest.mark.usefixtures("quiet")
def test_h5py_opens_the_file(lab, tmp_path):
    """Method hdf5, which the original never had."""
    told = disk_cacher(tmp_path, method="hdf5")(lab.told)
    assert told(3) == told(3) == {"value": 3, "pair": (1, "a")}
    with h5py.File(told.locate(3)[-1]) as file:
        assert file["result/value"][()] == 3


@pytest.mark.usefixtures("quiet")
@pytest.mark.parametrize("method", ["pickle", "p"])
def test_pickle_opens_the_file(lab, tmp_path, method):
    """Method pickle, by either of its names; what a call returns is not read from that file."""
    told = disk_cacher(tmp_path, method=method)(lab.told)
    told(3)
    location = told.locate(3)[-1]
    assert location.endswith(".pickle")
    with open(location, "rb") as file:
        assert pickle.load(file) == {"value": 3, "pair": (1, "a")}


@pytest.mark.usefixtures("quiet")
@pytest.mark.parametrize("method", ["npy", "mat", "pickle", "hdf5"])
@pytest.mark.parametrize("value", [None, 1, 2.5, "text", (1,), [1], [], {"a": [1, (2, None)]}, b"x", True])
def test_what_a_call_returns_does_not_depend_on_the_method(lab, tmp_path, method, value):
    """Types and structure survive, whatever the file can show of them."""
    for _ in range(2):
        found = disk_cacher(tmp_path, method=method)(lab.plain)(value)
        assert (type(found), found) == (type(value), value)
    assert len(lab.calls) == 1
    assert os.path.exists(disk_cacher(tmp_path, method=method)(lab.plain).locate(value)[-1])


@pytest.mark.usefixtures("quiet")
def test_calls_that_the_original_took_for_one_are_several(lab, tmp_path):
    """A list, a tuple, an array and a number are other arguments."""
    plain = disk_cacher(tmp_path)(lab.plain)
    for value in (1, (1,), [1], 1.0, True):
        found = plain(value)
        assert (type(found), found) == (type(value), value)
    assert plain(np.array([1])).tolist() == [1]
    assert len(lab.calls) == 6
    assert len(plain.lscache()[1]) == 6


@pytest.mark.usefixtures("quiet")
def test_a_method_of_another_kind_shows_what_is_stored_already(lab, tmp_path):
    """The store is one for all methods: nothing is computed again for another file."""
    disk_cacher(tmp_path)(lab.told)(3)
    told = disk_cacher(tmp_path, method="mat")(lab.told)
    told(3)
    assert scipy.io.loadmat(told.locate(3)[-1])["result"]["value"][0, 0] == 3
    assert lab.calls == [3]


def test_what_matlab_cannot_hold_is_said_and_stored(lab, tmp_path):
    """The warning names the part, once; the next call is served exactly."""
    plain = disk_cacher(tmp_path, method="mat")(lab.plain)
    with pytest.warns(CacheWarning, match=r'result\["2nd"\]') as said:
        assert plain({"2nd": 1}) == {"2nd": 1}
    assert len(said) == 1
    assert plain({"2nd": 1}) == {"2nd": 1}
    assert len(lab.calls) == 1
    assert not os.path.exists(plain.locate({"2nd": 1})[-1])


@pytest.mark.usefixtures("quiet")
def test_a_result_is_as_fresh_as_if_computed(lab, tmp_path):
    """Who changes what a call returned changes neither the store nor the file."""
    ramp = disk_cacher(tmp_path)(lab.ramp)
    ramp(10_000)[:] = 0
    ramp(10_000)[:] = 0
    assert ramp(10_000)[1] == 2.0
    assert np.load(ramp.locate(10_000)[-1])[1] == 2.0


# Files that come and go


@pytest.mark.usefixtures("quiet")
def test_who_removes_the_file_has_the_call_computed_again(lab, tmp_path):
    """As with the original, also in another process."""
    ramp = disk_cacher(tmp_path)(lab.ramp)
    ramp(3)
    os.unlink(ramp.locate(3)[-1])
    ramp(3)
    assert lab.calls == [3, 3]
    os.unlink(ramp.locate(3)[-1])
    disk_cacher(tmp_path)(lab.ramp)(3)
    assert lab.calls == [3, 3, 3]
    assert np.load(ramp.locate(3)[-1]).tolist() == [0.0, 2.0, 4.0]


@pytest.mark.usefixtures("quiet")
def test_a_file_that_was_changed_is_made_good(lab, tmp_path):
    """What stands there is never what a call returns."""
    ramp = disk_cacher(tmp_path)(lab.ramp)
    ramp(3)
    np.save(ramp.locate(3)[-1], np.full(3, 9.0))
    assert ramp(3).tolist() == np.load(ramp.locate(3)[-1]).tolist() == [0.0, 2.0, 4.0]
    assert lab.calls == [3]


@pytest.mark.usefixtures("quiet")
def test_an_entry_that_came_without_its_file_gets_one(lab, tmp_path):
    """What was imported or merged into the store shows at its first call, and is not computed again."""
    ramp = disk_cacher(tmp_path)(lab.ramp)
    memo.cached(store=os.path.join(ramp.cache_root, ".store"))(lab.ramp)(3)
    assert not os.path.exists(ramp.locate(3)[-1])
    assert ramp(3).tolist() == np.load(ramp.locate(3)[-1]).tolist()
    assert lab.calls == [3]


@pytest.mark.usefixtures("quiet")
def test_what_another_process_computed_anew_is_seen(lab, tmp_path):
    """A result in memory is used only while its file is the one that was seen with it."""
    here, there = disk_cacher(tmp_path)(lab.tick), disk_cacher(tmp_path)(lab.tick)
    assert [here(0), here(0)] == [1, 1]
    there.purge(0)
    assert there(0) == 2
    assert here(0) == 2


@pytest.mark.usefixtures("quiet")
def test_a_result_that_was_forgotten_is_shown_anew(lab, tmp_path):
    """Where the entry went and the file stayed, as after `cas rm` or gc, the file is that of the new entry."""
    tick = disk_cacher(tmp_path)(lab.tick)
    tick(0)
    tick.cache.forget(0)
    assert tick(0) == 2
    assert np.load(tick.locate(0)[-1]) == 2


@pytest.mark.usefixtures("quiet")
def test_a_result_that_was_refreshed_is_shown(lab, tmp_path):
    """`f.cache.refresh` computes, stores and shows."""
    tick = disk_cacher(tmp_path)(lab.tick)
    tick(0)
    assert tick.cache.refresh(0) == 2
    assert np.load(tick.locate(0)[-1]) == 2
    assert tick(0) == 2


@pytest.mark.usefixtures("quiet")
def test_files_whose_entries_are_gone_are_removed_by_who_lists_them(project, tmp_path):
    """After `cas gc` and the like they keep disk space for nothing; those of other states of the code go as well."""
    old = disk_cacher(tmp_path)(project("lab", LAB.replace("len(calls)", "0 + len(calls)")).tick)
    old(0)
    removed = old.locate(0)[-1]
    tick = disk_cacher(tmp_path)(project("lab", LAB).tick)
    tick(0)
    tick(1)
    foreign = os.path.join(tick.lscache()[0], "notes.txt")
    Path(foreign).write_text("mine")
    store = cas.open(os.path.join(tick.cache_root, ".store"))
    store.forget([entry.key for entry in store.entries() if entry.summary == "1"])
    assert tick.lscache() == (tick.locate(1)[2], [tick.locate(1)[3], "notes.txt"])
    assert not os.path.exists(removed)
    assert tick(0) == 3  # nobody removed it to have it computed anew


def test_a_blob_that_was_changed_through_its_file_is_shown_anew(lab, tmp_path):
    """Also if whoever did it put the time of the file back: the next call computes, and the file is good again."""
    ramp = disk_cacher(tmp_path)(lab.ramp)
    expected = ramp(50_000)
    path = ramp.locate(50_000)[-1]
    status = os.stat(path)
    os.chmod(path, 0o600)
    with open(path, "r+b") as file:
        file.seek(1000)
        file.write(b"\xff" * 16)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    with pytest.warns(CacheWarning, match="could not use what is stored"):
        assert np.array_equal(disk_cacher(tmp_path)(lab.ramp)(50_000), expected)
    assert np.array_equal(np.load(path), expected)


def test_a_file_that_cannot_be_written_fails_no_call(lab, tmp_path):
    """A folder in the way of the file: one warning, and the result is stored."""
    ramp = disk_cacher(tmp_path)(lab.ramp)
    for size in (3, 4):
        os.makedirs(os.path.join(ramp.locate(size)[-1], "in the way"))
    with pytest.warns(CacheWarning, match="could not show the result at") as said:
        found = [ramp(size).tolist() for size in (3, 4, 3)]
    assert found == [[0.0, 2.0, 4.0], [0.0, 2.0, 4.0, 6.0], [0.0, 2.0, 4.0]]
    assert len(said) == 1
    assert lab.calls == [3, 4]


def test_a_warning_that_is_an_error_carries_the_value(lab, tmp_path):
    """Whoever makes warnings errors does not lose what was computed."""
    ramp = disk_cacher(tmp_path)(lab.ramp)
    os.makedirs(os.path.join(ramp.locate(3)[-1], "in the way"))
    with warnings.catch_warnings():
        warnings.simplefilter("error", CacheWarning)
        with pytest.raises(CacheWarning) as raised:
            ramp(3)
    assert raised.value.value.tolist() == [0.0, 2.0, 4.0]


def test_a_result_that_no_codec_takes_is_returned(lab, tmp_path):
    """There is no entry, so there is no file; the call has its value."""
    letters = disk_cacher(tmp_path)(lab.letters)
    with pytest.warns(CacheWarning, match="not stored"):
        assert next(letters("ab")) == "a"
    assert letters.lscache()[1] == []


# purge, lscache, locate


@pytest.mark.usefixtures("quiet")
def test_purge_removes_entry_and_files_of_every_method(lab, tmp_path):
    """The next call computes, whichever method it uses."""
    cached = [disk_cacher(tmp_path, method=method)(lab.told) for method in ("npy", "mat", "pickle", "hdf5")]
    for told in cached:
        told(3)
        told(4)
    assert lab.calls == [3, 4]
    assert cached[0].purge(3) is None
    assert [os.path.exists(told.locate(3)[-1]) for told in cached] == [False] * 4
    assert [os.path.exists(told.locate(4)[-1]) for told in cached] == [True] * 4
    cached[1](3)
    cached[0](4)
    assert lab.calls == [3, 4, 3]
    cached[0].purge(77)


def test_lscache_lists_the_files_of_this_code(lab, tmp_path, capsys):
    """The folder and the names in it; `verbose` prints them."""
    ramp = disk_cacher(tmp_path)(lab.ramp)
    assert ramp.lscache() == (ramp.locate(3)[2], [])
    ramp(3)
    assert ramp.lscache(verbose=True) == (ramp.locate(3)[2], [ramp.locate(3)[3]])
    assert capsys.readouterr().out.split() == [ramp.locate(3)[2], ramp.locate(3)[3]]


def test_what_is_decorated_is_still_itself(lab, tmp_path):
    """Name, docstring and parameters stay, and the handles of memo and of neurotools are there."""
    cacher = disk_cacher(tmp_path, cache_identifier="mine")
    ramp = cacher(lab.ramp)
    assert (ramp.__name__, ramp.__doc__, ramp.__wrapped__) == ("ramp", "A ramp.", lab.ramp)
    assert ramp.cache_root == cacher.cache_root == str(tmp_path / "mine")
    ramp(3)
    assert ramp.cache.contains(3)
    assert [entry.function.qualname for entry in ramp.cache.entries()] == ["ramp"]
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'n'"):
        ramp()


def test_a_file_is_below_the_root_where_neurotools_has_it(lab, tmp_path):
    """`__neurotools_cache__/module/name/code/hash.key.npy`."""
    ramp = disk_cacher(tmp_path)(lab.ramp)
    ramp(3)
    parts = os.path.relpath(ramp.locate(3)[-1], tmp_path).split(os.sep)
    assert parts[:3] == ["__neurotools_cache__", "lab", "ramp"]
    assert len(parts) == 5
    assert disk_cacher(tmp_path).cache_root == str(tmp_path / "__neurotools_cache__")


@pytest.mark.usefixtures("quiet")
def test_extra_arguments_count(lab, tmp_path):
    """`*rest` and `**options` are part of the call, options in any order."""
    ramp = disk_cacher(tmp_path)(lab.ramp)
    ramp(3, 1.0, 7, 8, a=1, b=2)
    ramp(3, 1.0, 7, 8, b=2, a=1)
    ramp(3, 1.0, 7, a=1, b=2)
    ramp(3, 1.0, 7, 8, a=1, b=3)
    assert lab.calls == [3, 3, 3]
    assert ramp.locate(3, 1.0, 7, 8, a=1)[1] == ((("a", 1), ("n", 3), ("scale", 1.0)), (7, 8))


# Options


def test_without_write_back_nothing_is_stored(lab, tmp_path):
    """Stored values are read, new ones are not stored, and nothing is made where there is no cache."""
    reading = disk_cacher(tmp_path / "new", write_back=False)(lab.ramp)
    reading(3)
    reading(3)
    assert lab.calls == [3, 3]
    assert not (tmp_path / "new").exists()
    disk_cacher(tmp_path / "new")(lab.ramp)(3)
    assert reading(3).tolist() == [0.0, 2.0, 4.0]
    assert lab.calls == [3, 3, 3]
    reading(4)
    reading(4)
    assert lab.calls == [3, 3, 3, 4, 4]
    assert len(reading.lscache()[1]) == 1
    reading.purge(3)
    assert reading.lscache()[1] == []
    reading(3)
    assert lab.calls == [3, 3, 3, 4, 4, 3]
    disk_cacher(tmp_path / "never", write_back=False)(lab.ramp).purge(3)
    assert not (tmp_path / "never").exists()


def test_verbose_says_what_is_found_and_what_is_computed(lab, tmp_path, capsys):
    """One line for each call, with the file."""
    ramp = disk_cacher(tmp_path, verbose=True)(lab.ramp)
    for _ in range(3):
        ramp(3)
    location = ramp.locate(3)[-1]
    assert capsys.readouterr().out.splitlines() == [
        f"lab.ramp: computed, {location}",
        f"lab.ramp: found, {location}",
        f"lab.ramp: found, {location}",
    ]
    disk_cacher(tmp_path, verbose=False)(lab.ramp)(3)
    assert capsys.readouterr().out == ""
    reading = disk_cacher(tmp_path / "never", write_back=False, verbose=True)(lab.ramp)
    reading(3)
    assert capsys.readouterr().out == f"lab.ramp: computed, {reading.locate(3)[-1]}\n"


def test_mutable_bindings_need_a_word(tmp_path):
    """A function that closes over a list is refused, and the variable named, unless it is allowed."""
    state = [1]

    def total(x):
        return sum(state) + x

    with pytest.raises(UnstableFunction, match="'state'"):
        disk_cacher(tmp_path)(total)(1)
    allowed = disk_cacher(tmp_path, allow_mutable_bindings=True)(total)
    assert allowed(1) == 2
    state.append(5)
    assert allowed(1) == 7


def test_wrong_options_are_told(lab, tmp_path):
    """What makes no sense fails where it is written."""
    with pytest.raises(ValueError, match="expected method= one of npy, mat, pickle, hdf5, found 'csv'"):
        disk_cacher(tmp_path, method="csv")
    with pytest.raises(ValueError, match="expected folders in fast_to_slow"):
        hierarchical_cacher(str(tmp_path))
    with pytest.raises(UnstableFunction, match="async def"):
        disk_cacher(tmp_path)(lab.later)
    assert "cacher of" in repr(disk_cacher(tmp_path))


def test_an_argument_without_a_form_is_computed_and_said(lab, tmp_path):
    """What cannot be signed is not cached; the call goes on."""
    plain = disk_cacher(tmp_path)(lab.plain)
    with open(os.devnull) as file, pytest.warns(CacheWarning, match="ran without its cache"):
        assert plain(file) is file


def test_a_function_without_a_name_for_its_files_is_cached_all_the_same(tmp_path):
    """What is not written in Python has no source to name a folder by: it is stored, and no file shows it."""
    root = disk_cacher(tmp_path)(math.sqrt)
    with pytest.warns(CacheWarning, match="an entry has no file of its own") as said:
        assert [root(4), root(4), root(9)] == [2.0, 2.0, 3.0]
    assert len(said) == 1
    assert root.cache.stats()[:2] == (1, 2)


@pytest.mark.usefixtures("quiet")
def test_a_lambda_is_cached(tmp_path):
    """Its name is none that every file system takes, and is escaped."""
    double = disk_cacher(tmp_path)(lambda x: 2 * x)
    assert [double(4), double(4)] == [8, 8]
    assert np.load(double.locate(4)[-1]) == 8


def test_cached_functions_know_each_other(project, tmp_path):
    """A cached function that calls another one is computed anew when that one changes."""
    source = (
        "from memo.neurotools import disk_cacher\n"
        f"@disk_cacher({str(tmp_path)!r})\ndef inner(x):\n    return x + 1\n"
        f"@disk_cacher({str(tmp_path)!r})\ndef outer(x):\n    return inner(x) * 10\n"
    )
    assert project("pipeline", source).outer(1) == 20
    assert project("pipeline", source.replace("x + 1", "x + 2")).outer(1) == 30


def test_a_method_of_a_class_is_cached_by_its_object(project, tmp_path):
    """The object is the first argument."""
    module = project(
        "model",
        "from memo.neurotools import disk_cacher\nimport dataclasses\n"
        "@dataclasses.dataclass\nclass Model:\n    gain: float\n"
        f"    @disk_cacher({str(tmp_path)!r})\n    def run(self, x):\n        return self.gain * x\n",
    )
    assert [module.Model(2.0).run(3), module.Model(5.0).run(3), module.Model(2.0).run(3)] == [6.0, 15.0, 6.0]
    assert importlib.import_module("model").Model.run.cache.stats().misses == 2


# skip_fast


def test_what_is_cheap_to_compute_is_not_fetched():
    """Once fetching has been measured, results that took less are computed; now and then one is fetched again."""
    skipping = Skipping()
    for _ in range(3):
        assert not skipping.skips(0.001)
        skipping.fetched(0.010)
    assert skipping.skips(0.001)
    assert not skipping.skips(0.020)
    assert [skipping.skips(0.001) for _ in range(15)].count(False) == 1


def test_a_cost_that_is_not_known_is_no_reason_to_compute():
    """What was imported from neurotools has no cost; it may have taken days."""
    skipping = Skipping()
    for _ in range(3):
        skipping.fetched(0.010)
    assert not skipping.skips(0.0)


def test_a_slower_machine_learns_that_it_is_slower():
    """What took a millisecond where it was stored may take a second here."""
    skipping = Skipping()
    for _ in range(3):
        skipping.fetched(0.010)
    assert skipping.skips(0.001)
    skipping.computed(0.001, 1.0)
    assert not skipping.skips(0.001)


def test_skip_fast_computes_what_takes_longer_to_fetch(lab, tmp_path, capsys):
    """Whichever way it is, the call returns its value; and what is stored stays."""
    from memo.neurotools.served import Options, Served
    from memo.neurotools.tiers import Tiers

    now = [0.0]

    def clock():
        now[0] += 1.0 + now[0] / 100  # a second for each look at the clock, and ever more: what is late takes longer
        return now[0]

    options = Options("npy", True, True, False, False)
    served = Served(lab.ramp, Tiers([tmp_path], "cache", (True,)), options, clock)
    for _ in range(6):
        served.caller.current().memory.clear()
        assert served.serve([3, 1.0, (), {}]).tolist() == [0.0, 2.0, 4.0]
    told = [line.partition(": ")[2].partition(", /")[0] for line in capsys.readouterr().out.splitlines()]
    assert told == ["computed", "found", "found", "found", "computed sooner than fetched", "found"]
    assert lab.calls == [3, 3]


@pytest.mark.usefixtures("quiet")
def test_skip_fast_is_an_option_of_the_decorator(lab, tmp_path):
    """By default everything that is stored is fetched."""
    ramp = disk_cacher(tmp_path, skip_fast=True)(lab.ramp)
    assert [ramp(20_000)[1] for _ in range(10)] == [2.0] * 10


# Two processes


def started(run):
    """Run a function in a forked child, and return its number."""
    child = os.fork()
    if not child:
        status = 1
        try:
            run()
            status = 0
        finally:
            os._exit(status)
    return child


def test_processes_at_once_leave_one_good_file(lab, tmp_path):
    """They compute once, return the same, and leave one file and nothing else."""
    ramp = disk_cacher(tmp_path)(lab.ramp)

    reading, writing = os.pipe()

    def run():
        os.close(writing)
        os.read(reading, 1)  # ends when the parent lets everybody go
        for size in (10_000, 3, 20_000):
            found = disk_cacher(tmp_path)(lab.ramp)(size)
            assert found.tolist() == (np.arange(size) * 2.0).tolist()

    children = [started(run) for _ in range(3)]
    os.close(reading)
    os.close(writing)
    assert [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children] == [0, 0, 0]
    assert ramp.cache.stats().misses == 0
    assert ramp.cache.stats().entries == 3
    assert sorted(ramp.lscache()[1]) == sorted(ramp.locate(size)[3] for size in (3, 10_000, 20_000))
    assert np.load(ramp.locate(20_000)[-1]).tolist() == (np.arange(20_000) * 2.0).tolist()
    deposits.assert_intact(cas.open(os.path.join(ramp.cache_root, ".store")))


@pytest.mark.usefixtures("quiet")
@pytest.mark.usefixtures("quiet")
@pytest.mark.parametrize("identifier", ["", ".", "a/b", "../beside", " "])
def test_the_folder_may_have_any_name(lab, tmp_path, identifier):
    """Also one with which the path is not the shortest; and another process has the same folders."""
    cacher = hierarchical_cacher((tmp_path / "fast", tmp_path / "slow"), cache_identifier=identifier)
    ramp = cacher(lab.ramp)
    ramp(3)
    assert cacher.cache_root == os.path.normpath(tmp_path / "fast" / identifier)
    assert np.array_equal(np.load(ramp.locate(3)[-1]), ramp(3))
    assert repr(pickle.loads(pickle.dumps(cacher))) == repr(cacher)


def test_a_location_is_a_folder(lab, tmp_path, monkeypatch):
    """`~` is the home folder, unless a folder of this name is there, as the original made it; a URL is refused."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    assert disk_cacher("~/x", cache_identifier="c").cache_root == str(tmp_path / "home" / "x" / "c")
    os.makedirs(tmp_path / "~" / "x")
    assert disk_cacher("~/x", cache_identifier="c").cache_root == str(tmp_path / "~" / "x" / "c")
    assert disk_cacher(os.fsencode(tmp_path), cache_identifier="c").cache_root == str(tmp_path / "c")
    for url in ("mem://scratch", "s3://bucket/x"):
        with pytest.raises(cas.InvalidInputError, match="expected a folder, found the URL"):
            disk_cacher(url)


def test_a_folder_with_a_comma_is_one_folder(lab, tmp_path):
    """For `cas.open` a comma separates tiers."""
    ramp = disk_cacher(tmp_path / "a,b")(lab.ramp)
    assert ramp(3).tolist() == ramp(3).tolist()
    assert os.listdir(tmp_path / "a,b" / "__neurotools_cache__") != []
    assert not (tmp_path / "a").exists()


# hierarchical_cacher


@pytest.fixture
def tiers(tmp_path):
    """Return the two locations, and a function that decorates anew, as another process would."""
    return tmp_path / "fast", tmp_path / "slow"


def at(location, cached, *args):
    """Return where the file of a call stands at a location."""
    return str(location) + cached.locate(*args)[-1].removeprefix(os.path.dirname(cached.cache_root))


def stored(location, identifier="neurotools_cache"):
    """Return how many entries stand at a location."""
    return cas.open(location / identifier / ".store", create=False).count()


@pytest.mark.usefixtures("quiet")
def test_a_result_is_put_into_every_tier(lab, tiers):
    """Computed once, it stands at both locations, each with its file."""
    ramp = hierarchical_cacher(tiers)(lab.ramp)
    assert ramp(3).tolist() == ramp(3).tolist() == [0.0, 2.0, 4.0]
    ramp(10_000)
    assert ramp.cache_root == str(tiers[0] / "neurotools_cache")
    for location in tiers:
        assert np.load(at(location, ramp, 3)).tolist() == [0.0, 2.0, 4.0]
        assert np.load(at(location, ramp, 10_000))[1] == 2.0
    ramp.cache._caller.open().close()
    assert [stored(location) for location in tiers] == [2, 2]
    assert lab.calls == [3, 10_000]


@pytest.mark.usefixtures("quiet")
def test_no_tier_keeps_a_result_twice(lab, tiers):
    """The file of a large result is another name of the blob of its own tier, once that has it."""
    ramp = hierarchical_cacher(tiers)(lab.ramp)
    ramp(10_000)
    ramp.cache._caller.open().flush()
    (entry,) = ramp.cache.entries()
    for _ in range(2):
        hierarchical_cacher(tiers)(lab.ramp)(10_000)
        for location in tiers:
            own = cas.open(location / "neurotools_cache" / ".store")
            assert os.path.samefile(at(location, ramp, 10_000), own.open_blob(entry.digest).path)
    assert lab.calls == [10_000]


@pytest.mark.usefixtures("quiet")
@pytest.mark.parametrize("size", [3, 10_000])
def test_what_only_the_slow_tier_has_is_promoted(lab, tiers, size):
    """Nothing is computed; the fast location has entry and file from then on."""
    disk_cacher(tiers[1], cache_identifier="neurotools_cache")(lab.ramp)(size)
    ramp = hierarchical_cacher(tiers)(lab.ramp)
    assert ramp(size)[1] == np.load(at(tiers[0], ramp, size))[1] == 2.0
    assert stored(tiers[0]) == 1
    assert lab.calls == [size]


@pytest.mark.usefixtures("quiet")
def test_without_write_back_the_slow_tier_stays_as_it_is(lab, tiers):
    """It is read, and nothing is put there."""
    disk_cacher(tiers[1], cache_identifier="neurotools_cache")(lab.ramp)(3)
    ramp = hierarchical_cacher(tiers, write_back=False)(lab.ramp)
    ramp(3)
    ramp(4)
    ramp.cache._caller.open().close()
    assert lab.calls == [3, 4]
    assert [stored(location) for location in tiers] == [2, 1]
    assert [os.path.exists(at(location, ramp, 4)) for location in tiers] == [True, False]


def test_a_tier_that_is_missing_is_left_out_and_said(lab, tiers):
    """One warning; the other tier serves."""
    tiers[1].write_text("in the way")
    ramp = hierarchical_cacher(tiers)(lab.ramp)
    with pytest.warns(CacheWarning, match="the cache goes without") as said:
        found = [ramp(3).tolist() for _ in range(2)]
    assert len(said) == 1
    assert found == [[0.0, 2.0, 4.0]] * 2
    assert lab.calls == [3]
    assert stored(tiers[0]) == 1


@pytest.mark.usefixtures("quiet")
def test_purge_purges_every_tier(lab, tiers):
    """The original forgot the fast one; here also one that is only read is purged, since it was asked for."""
    for write_back in (True, False):
        ramp = hierarchical_cacher(tiers)(lab.ramp)
        ramp(3)
        ramp(4)
        ramp.cache._caller.open().close()
        hierarchical_cacher(tiers, write_back=write_back)(lab.ramp).purge(3)
        assert [os.path.exists(at(location, ramp, 3)) for location in tiers] == [False, False]
        assert [stored(location) for location in tiers] == [1, 1]
    assert lab.calls == [3, 4, 3]


@pytest.mark.usefixtures("quiet")
def test_a_file_removed_from_the_fast_tier_is_taken_from_the_slow_one(lab, tiers):
    """As with the original; removed from both, the call is computed."""
    ramp = hierarchical_cacher(tiers)(lab.ramp)
    ramp(3)
    ramp.cache._caller.open().close()
    os.unlink(at(tiers[0], ramp, 3))
    assert ramp(3).tolist() == np.load(at(tiers[0], ramp, 3)).tolist()
    assert lab.calls == [3]
    for location in tiers:
        os.unlink(at(location, ramp, 3))
    ramp(3)
    assert lab.calls == [3, 3]


def test_a_tier_that_goes_away_is_told_and_the_other_serves(lab, tiers):
    """The results that it missed are put there when it is back."""
    ramp = hierarchical_cacher(tiers)(lab.ramp)
    ramp(3)
    ramp.cache._caller.open().flush()
    os.rename(tiers[1], tiers[1].with_name("elsewhere"))
    chain = ramp.cache._caller.open()
    with pytest.warns(cas.errors.StoreWarning, match="at present"):
        assert [ramp(4).tolist(), chain.flush()] == [[0.0, 2.0, 4.0, 6.0], None]
    assert ramp(4).tolist() == [0.0, 2.0, 4.0, 6.0]
    assert not tiers[1].exists()
    assert stored(tiers[0]) == 2
