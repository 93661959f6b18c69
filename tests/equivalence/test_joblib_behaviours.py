"""What users of `joblib.Memory` and `joblib.hash` rely on, and what they have here for it.

Each test says first what joblib promises, or does, and holds ours to it; where ours differs on purpose, the docstring
says so. joblib itself is not imported. docs/joblib.md has the table of names.
"""

from __future__ import annotations

import asyncio
import datetime
import decimal
import functools
import io
import os
import pickle
import random
import re
import subprocess
import sys
import threading
import time
from multiprocessing import get_context
from pathlib import Path

import cloudpickle
import numpy as np
import pytest

import cas
import memo
from cas import gc
from memo import policy
from tests.deposits import assert_intact


def identity(value):
    """Return what it is given."""
    return value


key_of = memo.cached(identity).cache.key


def misses(function) -> int:
    """Return how many calls of a cached function were computed in this process."""
    return function.cache.stats().misses


@pytest.fixture
def cached(tmp_path):
    """Return the decorator with a store of the test's own, and nothing kept in memory."""
    return functools.partial(memo.cached, store=tmp_path / "store", memory=False)


# Memory.cache: functions


def test_a_call_computes_once_for_each_argument(cached):
    """A function is called once for equal arguments, and again for others; each result is its own."""
    f = cached(lambda x: [x, x * 2])
    assert [f(1), f(2), f(1), f(2)] == [[1, 2], [2, 4], [1, 2], [2, 4]]
    assert misses(f) == 2


def test_results_outlive_the_process(tmp_path):
    """A new process that opens the same folder finds what the last one computed."""
    (tmp_path / "study.py").write_text(
        "import sys, memo\n"
        f"@memo.cached(store={str(tmp_path / 'store')!r})\n"
        "def f(x):\n    return {'x': x, 'y': [x] * 3}\n"
        "print(f(3), f.cache.stats().misses)\n"
    )
    ran = [subprocess.check_output([sys.executable, "study.py"], cwd=tmp_path, text=True) for _ in range(2)]
    assert ran == ["{'x': 3, 'y': [3, 3, 3]} 1\n", "{'x': 3, 'y': [3, 3, 3]} 0\n"]


@pytest.mark.parametrize("positional", [(1, 2, 3), (1, 2), (1,)])
def test_keywords_positions_and_defaults_are_one_call(cached, positional):
    """The same arguments by position, by keyword in any order, or by default, are one call."""

    @cached
    def f(x, y=2, z=3):
        return x, y, z

    assert f(*positional) == f(z=3, y=2, x=1) == f(x=1) == (1, 2, 3)
    assert misses(f) == 1


def test_star_arguments_and_keyword_only_arguments(cached):
    """`*args`, `**kwargs` and keyword-only arguments are told apart, each in its place."""

    @cached
    def f(x, *rest, flag=None, **options):
        return x, rest, flag, options

    calls = [((1,), {}), ((1, 2), {}), ((1,), {"flag": 2}), ((1,), {"other": 2}), ((1, 2), {"flag": 2, "other": 2})]
    assert [f(*args, **kwargs) for args, kwargs in calls * 2] == [
        (args[0], args[1:], kwargs.get("flag"), {k: v for k, v in kwargs.items() if k != "flag"})
        for args, kwargs in calls * 2
    ]
    assert misses(f) == len(calls)


def test_positional_only_parameters(cached):
    """Positional-only parameters, which joblib refuses, are parameters like any other."""

    @cached
    def f(x, /, y):
        return x - y

    assert f(3, 1) == f(3, y=1) == 2
    assert misses(f) == 1


def test_wrong_arguments_are_the_functions_own_error(cached):
    """A call that does not fit raises TypeError with the function's name, and stores nothing."""

    @cached
    def f(x):
        return x

    with pytest.raises(TypeError, match=r"f\(\)"):
        f()
    with pytest.raises(TypeError, match="unexpected keyword"):
        f(1, y=2)
    assert list(f.cache.entries()) == []


def test_the_wrapper_looks_like_the_function(cached):
    """Name, docstring and module are the function's, and the function itself is at hand."""

    @cached
    def f(x: int = 3) -> int:
        """Return a number."""
        return x

    assert (f.__name__, f.__doc__, f.__module__) == ("f", "Return a number.", __name__)
    assert f.__wrapped__(4) == 4
    assert "f" in repr(f.cache)


def test_no_store_is_no_caching():
    """`Memory(None)` computes each time; here the undecorated function does."""
    f = memo.cached(lambda: os.urandom(8))
    assert f() == f()
    assert f.__wrapped__() != f.__wrapped__()


# Memory.cache: what is cached


def test_none_is_a_result(cached):
    """A function that returns None is not called again for that."""
    f = cached(lambda x: None)
    assert f(1) is f(1) is None
    assert misses(f) == 1


def test_exceptions_pass_and_are_not_stored(cached):
    """An exception reaches the caller as it was raised, and the next call tries again."""

    @cached
    def f(x):
        raise MyError(x)

    for _ in range(2):
        with pytest.raises(MyError) as raised:
            f(1)
        assert raised.value.args == (1,)
    assert f.cache.stats().entries == 0


class MyError(Exception):
    """What a function under test raises."""


def test_lambdas_are_cached_by_what_they_do(cached):
    """Where joblib warns that lambdas collide, two on one line are two, called in turns."""
    double, triple = cached(lambda x: x * 2), cached(lambda x: x * 3)
    assert [double(2), triple(2), double(2), triple(2)] == [4, 6, 4, 6]
    assert (misses(double), misses(triple)) == (1, 1)


def test_functions_of_one_name_in_one_file(cached):
    """Where joblib clears the results of one when the other is called, with a warning, both are kept."""

    def make():
        def name_in_common(x):
            return x + 1

        return name_in_common

    def make_other():
        def name_in_common(x):
            return x + 2

        return name_in_common

    one, other = cached(make()), cached(make_other())
    assert [one(1), other(1), one(1), other(1)] == [2, 3, 2, 3]
    assert (misses(one), misses(other)) == (1, 1)


def test_closures_count_by_what_they_hold(cached):
    """Where joblib looks at the text alone, closures over other values do not share results."""

    def scale(factor):
        return cached(lambda x: x * factor)

    assert [scale(2)(3), scale(5)(3), scale(2)(3)] == [6, 15, 6]


@pytest.mark.filterwarnings("error")
def test_partials(cached):
    """A partial is cached by its function and the arguments that it holds."""

    def f(x, y, z=0):
        return x, y, z

    one, other = cached(functools.partial(f, 1)), cached(functools.partial(f, 2, z=3))
    assert (one(5), other(5), one(5)) == ((1, 5, 0), (2, 5, 3), (1, 5, 0))
    assert cached(functools.partial(f, 1)).cache.contains(5)


def test_decorating_with_options_before_the_function(cached):
    """`cache` with options and no function returns a decorator."""

    @cached(ignore=["y"])
    def f(x, y):
        return x

    assert f(1, 2) == f(1, 3) == 1
    assert misses(f) == 1


def test_cached_functions_call_each_other(cached):
    """A cached function that calls a cached function is served by both."""

    @cached
    def inner(x):
        return x + 1

    @cached
    def outer(x):
        return inner(x) * 2

    assert outer(1) == outer(1) == 4
    assert (inner(1), misses(inner), misses(outer)) == (2, 1, 1)


def test_coroutines(cached):
    """A coroutine function is awaited, and cached by what it returns."""

    @cached
    async def f(x):
        await asyncio.sleep(0)
        return x + 1

    assert [asyncio.run(f(1)), asyncio.run(f(1))] == [2, 2]
    assert misses(f) == 1


def test_threads_share_one_computation(cached):
    """Threads that make one call at once get one value; joblib computes it in each."""
    started = threading.Barrier(4)

    @cached(ignore=["barrier"])
    def f(x, barrier):
        return os.urandom(8)

    results = []

    def work():
        started.wait()
        results.append(f(1, started))

    threads = [threading.Thread(target=work) for _ in range(4)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert len(set(results)) == 1
    assert misses(f) == 1


# Methods


class Model:
    """A class whose methods are cached in the ways that joblib's manual shows."""

    calls = 0

    def __init__(self, gain, store=None):
        self.gain = gain
        if store is not None:
            self.predict = memo.cached(self.predict, store=store, memory=False)

    def predict(self, x):
        """Return a number."""
        return x * self.gain

    def __getstate__(self):
        """Leave out the wrapper, as an instance that is an argument must."""
        return {"gain": self.gain}


def test_a_bound_method_can_be_cached_in_init(tmp_path):
    """`self.method = memory.cache(self.method)` caches by the state of the instance and the arguments."""
    one, other = Model(2, tmp_path / "store"), Model(3, tmp_path / "store")
    assert [one.predict(5), other.predict(5), one.predict(5)] == [10, 15, 10]
    assert misses(one.predict) == 1


def test_decorated_methods_count_self(cached):
    """A method is decorated in its class, which joblib warns against; `self` is an argument."""

    class Recording:
        def __init__(self, rate):
            self.rate = rate

        @cached
        def duration(self, samples):
            return samples / self.rate

    assert [Recording(2).duration(8), Recording(4).duration(8), Recording(2).duration(8)] == [4.0, 2.0, 4.0]
    assert misses(Recording.duration) == 2


def test_bound_methods_as_arguments():
    """Bound methods of equal instances are equal arguments, of others they are not; also of built-in types."""
    assert key_of(Model(1).predict) == key_of(Model(1).predict) != key_of(Model(2).predict)
    assert key_of([1].append) == key_of([1].append) != key_of([2].append)


# ignore=, verbose=, validation


def test_ignored_arguments_do_not_count(cached):
    """`ignore=` leaves an argument out of the key, also one of a decorated function that keeps its signature."""

    @cached(ignore=["verbose", "workers"])
    def f(x, verbose=0, *, workers=1):
        return x, verbose, workers

    assert f(1, 2, workers=3) == f(1) == f(x=1, workers=threading.Lock()) == (1, 2, 3)


def test_ignoring_what_is_no_parameter_is_an_error(cached):
    """A slip in `ignore=` is told; joblib raises ValueError when the function is called, this when it is decorated."""
    with pytest.raises(ValueError, match="'verbos'"):
        cached(ignore=["verbos"])(lambda x, verbose: x)


def test_nothing_is_printed(cached, capfd):
    """Where joblib prints each call unless `verbose=0`, nothing is printed, and a miss can be asked about."""
    f = cached(identity)
    f(1), f(1)
    assert capfd.readouterr() == ("", "")
    assert "first call" in str(memo.last_misses()[0].explain())


def test_results_expire(cached, monkeypatch):
    """`cache_validation_callback=expires_after(...)` computes again what is older; here `ttl=` does."""
    f = cached(ttl=datetime.timedelta(minutes=5))(lambda: os.urandom(8))
    first = f()
    monkeypatch.setattr(policy, "time", lambda: time.time() + 200)
    assert f() == first
    monkeypatch.setattr(policy, "time", lambda: time.time() + 400)
    assert f() != first


def test_cheap_results_need_not_be_kept(cached):
    """A validation by `metadata["duration"]` keeps only what took long; here `min_cost=` does."""
    f = cached(min_cost=3600)(lambda: os.urandom(8))
    assert f() != f()


# Looking, fetching, forgetting


def test_check_call_in_cache(cached):
    """Whether a call is stored can be asked without making it."""
    f = cached(lambda x, y=1: x)
    assert not f.cache.contains(1)
    assert misses(f) == 0
    f(1)
    assert f.cache.contains(1, y=1)
    assert not f.cache.contains(2)


def test_call_computes_whatever_is_stored(cached):
    """`f.call(x)` computes again and stores that; here `f.cache.refresh(x)` does."""
    f = cached(lambda x: os.urandom(8))
    first = f(1)
    again = f.cache.refresh(1)
    assert again != first
    assert f(1) == again


def test_a_shelved_result_is_a_reference(cached, tmp_path):
    """`call_and_shelve` gives a small thing that finds the result, also in another process; here its key does."""
    f = cached(lambda x: np.full(100_000, x))
    f(3)
    key = f.cache.key(3)
    assert len(pickle.dumps(key)) < 100
    store = cas.open(tmp_path / "store")
    assert "100000" in store.entry(bytes.fromhex(key)).summary
    assert f.cache.forget(3)
    with pytest.raises(cas.NotFoundError):
        store.entry(bytes.fromhex(key))


def test_clearing_a_function_leaves_the_others(cached, tmp_path):
    """`f.clear()` forgets what a function has, and what others have stays."""
    f, g = cached(identity), cached(lambda x: -x)
    f(1), f(2), g(1)
    cas.open(tmp_path / "store").forget([entry.key for entry in f.cache.entries()])
    assert (f.cache.contains(1), f.cache.contains(2), g.cache.contains(1)) == (False, False, True)


def test_forgetting_one_call(cached):
    """`reference.clear()` forgets one result, which is computed at the next call."""
    f = cached(lambda x: os.urandom(8))
    first, other = f(1), f(2)
    assert f.cache.forget(1)
    assert not f.cache.forget(1)
    assert (f(1) == first, f(2) == other) == (False, True)


@pytest.mark.parametrize(
    ("limit", "left"), [({"max_size": 100_000}, {3}), ({"older_than": 86400.0}, {1, 2, 3}), ({"max_size": 0}, set())]
)
def test_reducing_the_size(cached, tmp_path, limit, left):
    """`reduce_size(bytes_limit=, age_limit=)` removes what is worth least; what is left is served still."""
    f = cached(lambda x: np.full(10_000, x))
    for x in (1, 2, 3):
        f(x)
    store = cas.open(tmp_path / "store")
    gc.execute(store, gc.plan(store, **limit))
    assert len([x for x in (1, 2, 3) if f.cache.contains(x)]) == len(left)
    assert [f(x)[0] for x in (1, 2, 3)] == [1, 2, 3]
    assert_intact(store)


# Changes of code


def test_changed_code_computes_again(tmp_path):
    """A function whose text changed is computed again, also under the name it had."""
    results = []
    for body in ("x + 1", "x + 2", "x + 1"):
        (tmp_path / "edited.py").write_text(f"import memo\n@memo.cached\ndef f(x):\n    return {body}\nprint(f(1))\n")
        environment = os.environ | {"CAS_STORE": str(tmp_path / "store"), "PYTHONDONTWRITEBYTECODE": "1"}
        results.append(subprocess.check_output([sys.executable, "edited.py"], cwd=tmp_path, env=environment))
    assert results == [b"2\n", b"3\n", b"2\n"]


def test_code_of_a_function_without_a_file(cached):
    """Functions made by `exec`, as in a console, are told apart by what they do."""
    functions = []
    for body in ("x + 1", "x + 2"):
        space = {}
        exec(f"def f(x): return {body}", space)
        functions.append(cached(space["f"]))
    assert [f(1) for f in functions * 2] == [2, 3, 2, 3]


# Damage


def damage(location: Path) -> int:
    """Write over every blob file of a store, and return how many."""
    files = [path for path in (location / "blobs").rglob("*") if path.is_file()]
    for path in files:
        path.chmod(0o600)
        path.write_bytes(b"x" * path.stat().st_size)
    return len(files)


def test_damaged_results_are_computed_again(cached, tmp_path):
    """What cannot be loaded is recomputed with a warning; here also what loads, and is not what was stored."""
    f = cached(lambda x: np.arange(100_000) * x)
    f(2)
    assert damage(tmp_path / "store") == 1
    with pytest.warns(memo.CacheWarning, match="could not use what is stored"):
        assert f(2)[3] == 6
    assert f(2)[3] == 6
    assert misses(f) == 2


def test_missing_files_are_computed_again(cached, tmp_path):
    """A file that somebody deleted costs a computation, no more."""
    f = cached(lambda x: np.arange(100_000) * x)
    f(2)
    for path in (tmp_path / "store" / "blobs").rglob("*"):
        if path.is_file():
            path.unlink()
    with pytest.warns(memo.CacheWarning):
        assert f(2)[3] == 6
    assert f(2)[3] == 6


def test_what_cannot_be_stored_is_returned(cached):
    """A result that cannot be pickled is returned with a warning, and computed each time."""
    f = cached(lambda x: (item for item in range(x)))
    for _ in range(2):
        with pytest.warns(memo.CacheWarning, match="not stored"):
            assert list(f(3)) == [0, 1, 2]


# Arrays as results


@pytest.mark.parametrize("size", [3, 300_000])
def test_arrays_come_back_as_themselves(cached, size):
    """Where joblib gives a `memmap`, an array is an array, of any size and to be written to."""
    f = cached(lambda n: np.arange(n, dtype=">i4").reshape(1, -1))
    computed, found = f(size), f(size)
    assert type(found) is type(computed) is np.ndarray
    assert (found.dtype, found.shape) == (computed.dtype, computed.shape)
    found += 1
    assert f(size)[0, 1] == 1


def test_mmap_mode_r(cached):
    """`mmap_mode="r"` maps a result for reading only; here `readonly=True` does, from the first call on."""
    f = cached(readonly=True)(lambda n: np.arange(n))
    for _ in range(2):
        found = f(300_000)
        assert not found.flags.writeable
        with pytest.raises(ValueError, match="read-only"):
            found[0] = 1


def test_mmap_mode_c(cached, tmp_path):
    """`mmap_mode="c"` lets a result be written to without changing the file; here that is always so."""
    f = cached(lambda n: np.arange(n))
    f(300_000)
    (path,) = [path for path in (tmp_path / "store" / "blobs").rglob("*") if path.is_file()]
    before = path.read_bytes()
    found = f(300_000)
    found[:] = -1
    assert path.read_bytes() == before
    assert np.array_equal(np.load(io.BytesIO(before)), np.arange(300_000))


@pytest.mark.parametrize("compress", [None, "zstd"])
def test_compressed_results_are_the_same(cached, tmp_path, compress):
    """`compress=` makes files smaller and changes nothing else."""
    f = cached(compress=compress)(lambda n: np.zeros(n))
    f(500_000)
    assert np.array_equal(f(500_000), np.zeros(500_000))
    size = sum(path.stat().st_size for path in (tmp_path / "store" / "blobs").rglob("*") if path.is_file())
    assert (size < 100_000) is bool(compress)


# Arrays as arguments: joblib.hash


def test_equal_arrays_are_one_argument():
    """Arrays of equal values, shape and dtype are equal, copies and views too."""
    array = np.random.default_rng(1).normal(size=(20, 30))
    assert key_of(array) == key_of(array.copy()) == key_of(np.vstack([array] * 2)[:20])
    for other in (array + 1e-15, array.reshape(30, 20), array.astype("f4"), array[:-1], array.tolist()):
        assert key_of(other) != key_of(array)


def test_memory_layout():
    """For joblib an array in C and one in Fortran order are two; here only values count, whatever the strides."""
    array = np.arange(60).reshape(3, 4, 5)
    forms = [np.asfortranarray(array), np.ascontiguousarray(array.T).T, np.repeat(array, 2, axis=2)[:, :, ::2]]
    assert {key_of(form) for form in (array, *forms)} == {key_of(array)}
    assert key_of(array[:, ::2]) == key_of(array[:, ::2].copy()) != key_of(array[:, 1::2])
    assert key_of(array.T) != key_of(array)


def test_memory_maps(tmp_path):
    """`coerce_mmap=True` lets a memory map equal an array of the same values; here it always does."""
    array = np.random.default_rng(2).normal(size=(10, 10))
    np.save(tmp_path / "array.npy", array)
    assert key_of(np.load(tmp_path / "array.npy", mmap_mode="r")) == key_of(array)


def test_arrays_without_dimensions():
    """An array without dimensions differs from one with one element, and from the scalar; and has a form at all."""
    forms = [np.array(1.0), np.array([1.0]), np.float64(1.0), 1.0]
    assert len({key_of(form) for form in forms}) == 4
    assert key_of(np.array(1.0)) == key_of(np.array(1.0))


def test_moments_and_durations():
    """Arrays of moments have a form, in which the unit counts."""
    moments = np.array(["2020-01-01", "NaT"], dtype="M8[s]")
    assert key_of(moments) == key_of(moments.copy()) != key_of(moments.astype("M8[ms]"))
    assert key_of(moments - moments[0]) != key_of(moments)


def test_object_arrays():
    """Arrays of objects count by their elements, also by arrays inside arrays."""
    array = np.array([None, "text", {"a": np.arange(3)}], dtype=object)
    again = np.array([None, "te" + "xt"[:2], {"a": np.arange(3)}], dtype=object)
    assert key_of(array) == key_of(again)
    again[2]["a"][0] = 1
    assert key_of(array) != key_of(again)


def test_dtypes_are_equal_after_pickling():
    """A dtype, and an array with it, are the same argument after a trip through pickle."""
    dtype = np.dtype([("time", "<f8"), ("label", "U3")])
    array = np.zeros(4, dtype)
    assert key_of(pickle.loads(pickle.dumps(dtype))) == key_of(dtype)
    assert key_of(pickle.loads(pickle.dumps(array))) == key_of(array)


def test_random_states():
    """Generators count by their state: equal seeds are equal arguments, until one is drawn from."""
    for make in (np.random.RandomState, np.random.default_rng, random.Random):
        one, other = make(3), make(3)
        assert key_of(one) == key_of(other)
        one.random()
        assert key_of(one) != key_of(other)


# Other arguments: joblib.hash


def test_sets_of_anything():
    """Sets are equal whatever their order, also with elements that have none, such as texts beside numbers."""
    assert key_of({"a", 1, (2, "b")}) == key_of({(2, "b"), "a", 1})
    assert key_of({decimal.Decimal("1.5"), decimal.Decimal("NaN")}) != key_of({decimal.Decimal("1.5")})
    assert key_of(frozenset({1, 2})) != key_of({1, 2})


def test_the_order_of_a_dict():
    """Where joblib sorts a dict, its order counts, since a function sees it; that of keywords does not."""
    assert key_of({"a": 1, 2: "b"}) != key_of({2: "b", "a": 1})
    f = memo.cached(lambda **options: options)
    assert f.cache.key(a=1, b=2) == f.cache.key(b=2, a=1)


def test_the_identity_of_texts():
    """Equal texts are equal, interned or not, once or twice in a list, before and after pickle."""
    text = "".join(["a ", "b"])
    pair = [text, text]
    assert key_of(pair) == key_of(["a b", "".join(["a", " b"])]) == key_of(pickle.loads(pickle.dumps(pair)))
    assert key_of({"key": text}) == key_of({"".join(["k", "ey"]): "a b"})


def test_numbers_that_are_equal_in_python():
    """`1`, `1.0`, `True` and numpy's 1 are equal in Python, and different arguments, as in joblib."""
    values = [1, 1.0, True, np.int64(1), np.float64(1), 1 + 0j, decimal.Decimal(1)]
    assert len(set(map(key_of, values))) == len(values)


def test_lists_and_tuples_differ():
    """`[1]` and `(1,)` are two arguments, as in joblib."""
    assert len({key_of(value) for value in ([1], (1,), {1: None}, "1", b"1")}) == 5


def test_functions_as_arguments():
    """Where joblib takes a function by its name, its code counts: an edited one is another argument."""
    assert key_of(len) == key_of(len) != key_of(max)
    assert key_of(identity) == key_of(identity)
    assert key_of(lambda x: x + 1) == key_of(lambda x: x + 1) != key_of(lambda x: x + 2)


def test_recursive_values(cached):
    """A list that holds itself is an argument like any other, and differs from one that holds another list."""
    loop, other = [1], [1]
    loop.append(loop)
    other.append([1, loop])
    f = cached(lambda value: len(value))
    assert f(loop) == 2
    assert f.cache.contains(loop)
    assert not f.cache.contains(other)


@pytest.mark.parametrize("make", [threading.Lock, lambda: iter([1]), lambda: (x for x in (1,)), io.BufferedIOBase])
def test_what_has_no_hash(cached, make):
    """Where joblib raises PicklingError, as for a lock, the call runs all the same, and the argument is named."""
    f = cached(lambda x, value: x + 1)
    with pytest.warns(memo.CacheWarning, match="value"):
        assert f(1, make()) == 2


def test_keys_are_the_same_in_every_process():
    """Hashes stay the same from process to process, whatever Python's own hash seed."""
    code = (
        "import memo, numpy as np; f = memo.cached(len); value = {'a', 'b', 1, (2, 'c')}\n"
        "print(f.cache.key(value, np.arange(5), {'x': [1.5, None]}, frozenset('abc')))"
    )
    keys = {
        subprocess.check_output([sys.executable, "-c", code], env=os.environ | {"PYTHONHASHSEED": seed}, text=True)
        for seed in ("0", "1")
    }
    assert len(keys) == 1
    assert re.fullmatch("[0-9a-f]{64}\n", keys.pop())


# Pickling: what loky and multiprocessing need


@memo.cached
def squared(x):
    """Return the square, and who computed it."""
    return x * x, os.getpid()


@memo.cached
def cubed(x):
    """Return the cube, and something that only a stored result repeats."""
    return x**3, os.urandom(8)


def test_cached_functions_pickle():
    """A cached function can be sent to another process, where it finds the same results."""
    found = cubed(7)
    for copy in (pickle.loads(pickle.dumps(cubed)), cloudpickle.loads(cloudpickle.dumps(cubed))):
        assert copy(7) == found
        assert copy.cache.key(7) == cubed.cache.key(7)


def test_cached_functions_without_a_name_pickle_by_value(cached):
    """Functions of a notebook, lambdas and closures among them, travel with cloudpickle, as loky sends them."""
    factor = 3
    f = cached(lambda x: x * factor)
    f(2)
    copy = cloudpickle.loads(cloudpickle.dumps(f))
    assert copy(2) == 6
    assert copy.cache.key(2) == f.cache.key(2)


def test_workers_share_results():
    """Workers that are sent the same calls compute each once, and each gets every result."""
    squared(1)
    with get_context("spawn").Pool(2) as pool:
        found = pool.map(squared, [1, 2, 3] * 4, chunksize=1)
    assert [value for value, _ in found] == [1, 4, 9] * 4
    assert len(set(found)) == 3
    assert found[0][1] == os.getpid()
