"""`memo.cached`: what a user sees of hits, misses, and a store that fails."""

from __future__ import annotations

import os
import warnings

import numpy as np
import pytest

import cas
import memo


def counted(tmp_path, body=lambda *args: args, **options):
    """Return a cached function that counts its computations, and the list it counts in."""
    calls = []

    @memo.cached(store=tmp_path / "store", **options)
    def f(a, b=2, *rest, c=3, **options):
        calls.append((a, b, rest, c, options))
        return body(a, b)

    return f, calls


# The functions under test close over their counters on purpose: a list that changes is state, not code.
ALLOW = {"allow_mutable_bindings": True}


class Ledger:
    """Counts computations; a class of the tests, so that closing over it is no captured container."""

    computed = 0


def test_second_call_is_a_hit_and_equal(tmp_path):
    """A call with equal arguments returns the stored value and computes nothing."""
    Ledger.computed = 0

    @memo.cached(store=tmp_path)
    def power(n, exponent=2):
        Ledger.computed += 1
        return np.arange(n, dtype=np.float64) ** exponent

    first, second = power(10), power(n=10, exponent=2)
    assert Ledger.computed == 1
    assert second.dtype == np.float64
    assert second.tolist() == first.tolist() == [float(i * i) for i in range(10)]
    assert second.flags.writeable


def test_every_spelling_of_a_call_is_one_entry(tmp_path):
    """Position, name, and default: one computation."""

    @memo.cached(store=tmp_path)
    def f(a, b=2):
        return a, b

    assert [f(1), f(a=1), f(1, 2), f(b=2, a=1)] == [(1, 2)] * 4
    assert f.cache.stats().misses == 1
    assert f.cache.stats().hits == 3


@pytest.mark.parametrize("memory", [True, False])
@pytest.mark.parametrize(
    "value", [None, False, 0, 0.0, -0.0, "", (), [], {}, b"", 1 << 80, 2 + 3j, {1, 2}, [[1], (1,)]]
)
def test_value_returns_as_it_left(tmp_path, value, memory):
    """Falsy values and containers are results like others; `None` is not a miss (X19)."""
    Ledger.computed = 0

    @memo.cached(store=tmp_path, memory=memory)
    def f(value):
        Ledger.computed += 1
        return value

    results = [f(value), f(value), f(value)]
    assert Ledger.computed == 1
    assert [(type(result), repr(result)) for result in results] == [(type(value), repr(value))] * 3


def test_unequal_types_are_unequal_calls(tmp_path):
    """`1`, `True`, `1.0`, `np.float64(1)`, `[1]` and `(1,)` are six calls."""

    @memo.cached(store=tmp_path)
    def name(value):
        return type(value).__name__

    values = [1, True, 1.0, np.float64(1), [1], (1,)]
    for _ in range(2):
        assert [name(value) for value in values] == ["int", "bool", "float", "float64", "list", "tuple"]


def test_result_changed_by_the_caller_stays_what_it_was(tmp_path):
    """What a caller does to a result never shows in a later hit, from any tier (X25)."""

    @memo.cached(store=tmp_path)
    def table(n):
        return {"rows": [1, 2, 3], "array": np.zeros(n)}

    for n in (3, 500_000):
        for _ in range(4):
            value = table(n)
            assert value["rows"] == [1, 2, 3]
            assert float(value["array"].sum()) == 0.0
            value["rows"].append(4)
            value["array"][:] = 1


def test_large_array_comes_back_as_a_private_map(tmp_path):
    """A large array is writable, and writing to it does not reach the store."""

    @memo.cached(store=tmp_path)
    def ramp(n):
        return np.arange(n, dtype=np.float64)

    ramp(1_000_000)
    mapped = ramp(1_000_000)
    assert type(mapped) is np.ndarray
    mapped[:] = -1
    assert np.array_equal(ramp(1_000_000), np.arange(1_000_000, dtype=np.float64))


def test_exception_of_the_user_passes_through_and_stores_nothing(tmp_path):
    """An error is the user's own, and the next call computes again."""

    @memo.cached(store=tmp_path)
    def inverse(x):
        return 1 / x

    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            inverse(0)
    assert not inverse.cache.contains(0)
    assert list(inverse.cache.entries()) == []


def test_argument_without_a_form_runs_and_says_so(tmp_path):
    """The call runs, the warning names the path to the argument and the way out, and the handle raises."""

    @memo.cached(store=tmp_path)
    def first(config):
        return next(config["rng"])

    with pytest.warns(memo.CacheWarning, match=r'config\["rng"\]') as caught:
        assert first({"rng": iter([7])}) == 7
    assert "hint:" in str(caught[0].message)
    assert caught[0].filename == __file__
    with pytest.raises(memo.UnstableArgument, match=r'config\["rng"\]'):
        first.cache.key({"rng": iter([7])})


def test_result_that_no_codec_takes_reaches_the_user(tmp_path):
    """A result that cannot be stored is returned, with a warning that says what to do."""

    @memo.cached(store=tmp_path)
    def naturals():
        return iter([1, 2, 3])

    @memo.cached(store=tmp_path)
    def opened():
        return open(os.devnull)

    with pytest.warns(memo.CacheWarning, match="not stored"), opened() as file:
        assert file.name == os.devnull
    assert list(opened.cache.entries()) == []


def test_mutation_of_an_argument_is_said_aloud_and_filed_under_what_was_given(tmp_path):
    """A function that changes its argument files its result under the argument as it was (X10)."""

    @memo.cached(store=tmp_path)
    def grow(values):
        values.append(1)
        return len(values)

    with pytest.warns(memo.CacheWarning, match="changed an argument"):
        assert grow([0]) == 2
    with pytest.warns(memo.CacheWarning, match="changed an argument"):
        assert grow([0, 1]) == 3
    assert grow([0]) == 2


@pytest.mark.parametrize("make", ["file", "foreign", "newer"])
def test_store_that_cannot_be_used_costs_a_warning_never_the_value(tmp_path, make):
    """A location that is no store, or a newer one, is said aloud; the function computes."""
    place = tmp_path / "place"
    if make == "file":
        place.write_text("mine")
    else:
        place.mkdir()
        (place / ("FORMAT" if make == "newer" else "thesis.tex")).write_text("cas store, format 99\n")

    @memo.cached(store=place)
    def double(x):
        return 2 * x

    with pytest.warns(memo.CacheWarning, match="hint:"):
        assert double(4) == 8
    with pytest.raises(cas.InvalidInputError):
        double.cache.contains(4)
    assert place.is_file() or sorted(p.name for p in place.iterdir()) == ["FORMAT" if make == "newer" else "thesis.tex"]


def test_store_deleted_between_calls_is_made_again(tmp_path):
    """Deleting the folder forgets the results; the next call computes and stores into a new one."""
    import shutil

    @memo.cached(store=tmp_path / "store", memory=False)
    def double(x):
        return 2 * x

    double(4)
    shutil.rmtree(tmp_path / "store")
    assert double(5) == 10
    assert double.cache.contains(5)
    assert not double.cache.contains(4)


def test_damaged_result_is_computed_again(tmp_path):
    """A flipped bit in a stored array is found, said, quarantined, and costs one computation (X11)."""

    @memo.cached(store=tmp_path)
    def ramp(n):
        return np.arange(n, dtype=np.float64)

    ramp(100_000)
    [blob] = cas.open(tmp_path).blobs()
    os.chmod(blob.path, 0o600)
    with open(blob.path, "r+b") as file:
        file.seek(5000)
        file.write(b"\xff")
    with pytest.warns(memo.CacheWarning, match="other bytes than its name says"):
        assert np.array_equal(ramp(100_000), np.arange(100_000, dtype=np.float64))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.array_equal(ramp(100_000), np.arange(100_000, dtype=np.float64))
    assert len(os.listdir(tmp_path / "quarantine")) == 1


def test_key_contains_and_forget_name_the_same_call(tmp_path):
    """`key` is an ENTRY of the command line; `forget` drops one call and no other."""

    @memo.cached(store=tmp_path)
    def double(x):
        return 2 * x

    assert not double.cache.contains(3)
    double(3), double(4), double(3)
    assert double.cache.contains(3)
    assert double.cache.key(3) == double.cache.key(x=3)
    assert cas.open(tmp_path).find(double.cache.key(3)) == [bytes.fromhex(double.cache.key(3))]
    assert double.cache.forget(3)
    assert not double.cache.forget(3)
    assert (double.cache.contains(3), double.cache.contains(4)) == (False, True)
    double(3)
    assert double.cache.stats().misses == 3


def test_handle_tells_what_is_stored(tmp_path):
    """`entries` and `stats` show what the store holds for this function."""

    @memo.cached(store=tmp_path)
    def double(x):
        return 2 * x

    double(3), double(4), double(4)
    stats = double.cache.stats()
    assert (stats.hits, stats.misses, stats.bypassed, stats.entries, stats.stored_hits) == (1, 2, 0, 2, 1)
    assert [entry.summary for entry in double.cache.entries()] == ["8", "6"]
    assert double.__wrapped__(5) == 10
    assert repr(double.cache).startswith("<cache of ")


def test_helper_changed_in_place_is_seen_at_the_next_call(tmp_path):
    """A monkeypatched helper recomputes at once, and patching back is a hit again."""
    import types

    module = types.ModuleType("user_analysis")
    exec("def helper(x):\n    return x + 1\ndef f(x):\n    return helper(x)\n", module.__dict__)
    f = memo.cached(store=tmp_path)(module.f)
    old = module.helper
    assert f(1) == 2
    module.helper = types.FunctionType((lambda x: x + 100).__code__, module.__dict__, "helper")
    assert f(1) == 101
    module.helper = old
    assert f(1) == 2
    assert f.cache.stats().misses == 2


def test_methods_are_keyed_by_the_state_of_self(tmp_path):
    """A method's result depends on `self` as on any argument."""

    class Scaler:
        def __init__(self, factor):
            self.factor = factor

        @memo.cached(store=tmp_path)
        def scale(self, x):
            return self.factor * x

    assert [Scaler(2).scale(5), Scaler(3).scale(5), Scaler(2).scale(5)] == [10, 15, 10]
    assert Scaler.scale.cache.stats().misses == 2


@pytest.mark.parametrize("kind", ["generator", "asynchronous generator", "class", "number", "classmethod"])
def test_what_is_not_a_plain_function_is_refused_at_once(kind):
    """A generator, a class, a descriptor: refused where it is decorated, with the way out."""

    def generator():
        yield 1

    async def asynchronous():
        yield 1

    given = {
        "generator": generator,
        "asynchronous generator": asynchronous,
        "class": dict,
        "number": 3,
        "classmethod": classmethod(len),
    }[kind]
    with pytest.raises(memo.UnstableFunction, match="expected a function"):
        memo.cached(given)


def test_unknown_options_are_refused():
    """A misspelt option is an error at once, not a silent default."""
    with pytest.raises(TypeError, match="memroy"):
        memo.cached(memroy=True)(len)
    with pytest.raises(cas.InvalidInputError, match="verify"):
        memo.cached(verify="never")(len)
    with pytest.raises(cas.InvalidInputError, match="expected memory=True or False, found 'no'"):
        memo.cached(memory="no")
    with pytest.raises(cas.InvalidInputError, match="expected allow_mutable_bindings=True or False, found 1"):
        memo.cached(allow_mutable_bindings=1)
    with pytest.raises(cas.InvalidInputError, match="in store=, found 3") as caught:
        memo.cached(store=3)
    assert "./results" in caught.value.hint


def test_recursive_function_does_not_wait_for_itself(tmp_path):
    """A recursive cached function holds many claims at once; calling itself with the same arguments recurses."""

    @memo.cached(store=tmp_path)
    def fibonacci(n):
        return n if n < 2 else fibonacci(n - 1) + fibonacci(n - 2)

    assert fibonacci(40) == 102334155
    assert fibonacci.cache.stats().misses == 41


def test_memory_is_bounded(tmp_path, monkeypatch):
    """The memory tier forgets its oldest results once it is full; the store still serves them."""
    monkeypatch.setattr("memo.caller.MEMORY_BYTES", 5000)

    @memo.cached(store=tmp_path)
    def text(n):
        return str(n) * 100

    for _ in range(2):
        for n in range(100):
            assert text(n) == str(n) * 100
    version = text.cache._caller.current()
    assert 0 < len(version.memory) < 20
    assert text.cache.stats().misses == 100
