"""The life of a call: versions, counts, warnings at the user's line, and where the store is."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import textwrap
import threading
import warnings

import pytest

import cas
import memo
from memo import caller as caller_module
from memo.caller import Caller
from memo.forks import wait_for_imports
from memo.keys import Keys


class AllEqual(type):
    """A metaclass that calls all its classes equal."""

    def __eq__(cls, other):
        return isinstance(other, AllEqual)

    def __hash__(cls):
        return 1


class First(metaclass=AllEqual):
    """Answer 1."""

    def answer(self):
        """Return it."""
        return 1


class Second(metaclass=AllEqual):
    """Answer 2."""

    def answer(self):
        """Return it."""
        return 2


def test_classes_that_call_themselves_equal_are_two(tmp_path):
    """Each argument's class has its own part in the key, whatever its metaclass says of equality."""

    @memo.cached(store=tmp_path / "store")
    def ask(thing):
        return thing.answer()

    before = ask.cache.key(First()), ask.cache.key(Second())
    assert [ask(First()), ask(Second())] == [1, 2]
    answer = Second.answer
    try:
        Second.answer = lambda self: 20
        assert [ask(First()), ask(Second())] == [1, 20]
        assert ask.cache.key(First()) == before[0]
        assert ask.cache.key(Second()) != before[1]
    finally:
        Second.answer = answer


def test_fresh_functions_as_arguments_do_not_fill_the_memory(tmp_path, monkeypatch):
    """A new lambda at each call leaves a bounded number of versions behind, and every hit counted."""
    monkeypatch.setattr(caller_module, "_ROOTED_AT_ONCE", 5)

    @memo.cached(store=tmp_path / "store")
    def apply(function, x):
        return function(x)

    for number in range(12):
        made = eval(f"lambda x: x + {number}")
        assert apply(made, 1) == apply(made, 1) == number + 1
    assert len(apply.cache._caller._rooted) <= 5
    assert apply.cache.stats().hits == 12


def _warn_line(call) -> tuple[str, int]:
    with pytest.warns(memo.CacheWarning) as caught:
        call()
    return caught[0].filename, caught[0].lineno


def test_warnings_point_at_the_line_of_the_call(tmp_path):
    """A warning names the user's own line: of a plain call, a method, a nested call, and a call by name."""

    class Holder:
        @memo.cached(store=tmp_path / "store")
        def method(self):
            return iter([])

    @memo.cached(store=tmp_path / "store")
    def inner(x):
        return iter([])

    @memo.cached(store=tmp_path / "store")
    def outer(x):
        inner(x)
        return x

    def line(function, offset):
        return __file__, function.__code__.co_firstlineno + offset

    def plain():
        inner(1)

    def bound():
        Holder().method()

    assert _warn_line(plain) == line(plain, 1)
    assert _warn_line(bound) == line(bound, 1)
    assert _warn_line(lambda: outer(3)) == line(outer.__wrapped__, 2)


def test_warning_from_a_namespace_without_a_name(tmp_path):
    """A caller whose globals have no module name is warned as others are; Python itself keeps silent for None."""
    f = memo.cached(store=tmp_path / "store")(lambda: iter([]))
    space = {"f": f}
    with pytest.warns(memo.CacheWarning, match="not stored"):
        exec("value = list(f())", space)
    nameless = {"__name__": None, "f": f}
    exec("value = list(f())", nameless)
    assert space["value"] == nameless["value"] == []


def test_relative_store_is_where_it_was_when_decorated(tmp_path, monkeypatch):
    """Functions that first run before and after a change of folder share the store they name."""
    monkeypatch.chdir(tmp_path)
    f = memo.cached(store="results")(lambda x: x + 1)
    g = memo.cached(store="results")(lambda x: x + 2)
    f(1)
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path / "below")
    assert g(1) == 3
    assert len(list(cas.open(tmp_path / "results").entries())) == 2
    assert os.listdir(tmp_path / "below") == []


def double(x):
    """Be cached by value."""
    return 2 * x


def test_caller_pickles_with_its_options(tmp_path):
    """What carries a cached function by value carries its store and options, not its counts."""
    first = Caller(Keys(double), tmp_path / "store", False, "always", {"pin": "none"})
    assert first.serve([4]) == 8
    again = pickle.loads(pickle.dumps(first))
    assert again.serve([4]) == 8
    assert (again.misses, again.counts()[0], again._always, again._capacity, again.code) == (
        0, 1, True, 0, {"pin": "none"},
    )  # fmt: skip


def test_hits_are_recorded_now_and_then(tmp_path, monkeypatch):
    """A process that is killed loses at most the hits since the last round number."""
    monkeypatch.setattr(caller_module, "_RECORD_EVERY", 4)
    f = memo.cached(store=tmp_path / "store", memory=False)(double)
    for _ in range(8):
        f(1)
    [summary] = cas.open(tmp_path / "store").functions()
    assert summary.hits == 4
    assert f.cache.stats().stored_hits == 7


def test_hits_that_cannot_be_recorded(store, monkeypatch):
    """Hits that the store does not take are said aloud, and the caller has their value."""
    f = memo.cached(store=store, memory=False)(double)
    f(1)
    monkeypatch.setattr(caller_module, "_RECORD_EVERY", 1)

    def failing(*args):
        raise cas.StorageError("full", "free space")

    monkeypatch.setattr(store, "record_hits", failing)
    with pytest.warns(memo.CacheWarning, match="could not record its hits: full"):
        assert f(1) == 2


def test_old_entry_is_marked_as_used(tmp_path, monkeypatch):
    """A hit on an entry that was not used for a day is noted with the next record of hits."""
    import time

    now = time.time()
    f = memo.cached(store=tmp_path / "store", memory=False)(double)
    monkeypatch.setattr(time, "time", lambda: now - 10 * 86400)
    f(1)
    monkeypatch.undo()
    g = memo.cached(store=tmp_path / "store", memory=False)(double)
    assert g(1) == 2
    g.cache.stats()
    [entry] = g.cache.entries()
    assert entry.created < now - 9 * 86400
    assert entry.used >= int(now)


def test_read_only_store_counts_nothing(tmp_path):
    """A store that takes no writes serves hits and is not asked to count them."""
    memo.cached(store=tmp_path / "store")(double)(1)
    f = memo.cached(store=cas.open(tmp_path / "store", writable=False))(double)
    assert f(1) == 2
    f.cache._caller.record_hits()
    assert cas.open(tmp_path / "store").functions()[0].hits == 0


def test_error_while_fingerprinting_costs_only_the_cache(tmp_path, monkeypatch):
    """A function that cannot be read runs; one that is refused says so."""
    f = memo.cached(store=tmp_path / "store")(double)
    monkeypatch.setattr(f.cache._caller, "code", {"pin": "minor", "nonsense": 1})
    with pytest.warns(memo.CacheWarning, match="ran without its cache: TypeError"):
        assert f(1) == 2
    captured = [1]
    with pytest.raises(memo.UnstableFunction, match="captured"):
        memo.cached(store=tmp_path / "store")(lambda: captured)()


SCRIPT = """
import memo
class Box:
    def __init__(self, x): self.x = x
@memo.cached
def box(x):
    print("computes")
    return Box(x)
if __name__ == "__main__":
    print(box(3).x, type(box(3)) is Box)
"""
IMPORTER = """
class Box:
    "Another class of that name."
import script
print(script.box(3).x, type(script.box(3)) is script.Box)
"""


def _run(folder, *command) -> str:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), *sys.path])}
    ended = subprocess.run(
        [sys.executable, "-W", "error", *command],
        capture_output=True, text=True, cwd=folder, env=environment, timeout=60,
    )  # fmt: skip
    assert ended.stderr == ""
    return ended.stdout


def test_classes_of_a_script_come_back_as_its_own(tmp_path):
    """A script, `-m`, and an importer with a class of the same name share results, each with the right class."""
    (tmp_path / "script.py").write_text(SCRIPT)
    (tmp_path / "importer.py").write_text(IMPORTER)
    assert _run(tmp_path, "script.py") == "computes\n3 True\n"
    assert _run(tmp_path, "script.py") == "3 True\n"
    assert _run(tmp_path, "-m", "script") == "3 True\n"
    assert _run(tmp_path, "importer.py") == "3 True\n"


def test_classes_of_a_module_come_back_where_it_is_the_script(tmp_path):
    """What an importer stored is, where the module runs as a script, of the script's own class."""
    (tmp_path / "script.py").write_text(SCRIPT)
    (tmp_path / "importer.py").write_text(IMPORTER)
    assert _run(tmp_path, "importer.py") == "computes\n3 True\n"
    assert _run(tmp_path, "script.py") == "3 True\n"


def test_class_of_another_script_is_not_guessed(tmp_path):
    """An instance of a class of a script that does not run here is refused, not taken for another class."""
    writer = "from memo.codecs import pickle\nclass Box: pass\nparts, _ = pickle.encode(Box(), None)\n"
    writer += "open('body', 'wb').write(b''.join(parts))\n"
    reader = "import memo\nfrom memo.codecs import pickle\nclass Box: pass\n"
    reader += (
        "try:\n    pickle.decode(open('body', 'rb').read(), None)\nexcept memo.CodecError as e: print(e.message)\n"
    )
    (tmp_path / "writer.py").write_text(
        writer.replace(
            "open('body', 'wb').write(b''.join(parts))",
            textwrap.dedent("with open('body', 'wb') as file: file.write(b''.join(parts))"),
        )
    )
    (tmp_path / "reader.py").write_text(
        reader.replace("open('body', 'rb').read()", "__import__('pathlib').Path('body').read_bytes()")
    )
    assert _run(tmp_path, "writer.py") == ""
    assert "Box of the script 'writer', which is not what runs here" in _run(tmp_path, "reader.py")


def test_class_of_main_is_found_in_main(monkeypatch):
    """An instance of a class of `__main__` comes back as one, and one that has gone from it is refused."""
    from memo.codecs import pickle as codec

    main = sys.modules["__main__"]
    box = type("Box", (), {"__module__": "__main__"})
    monkeypatch.setattr(main, "Box", box, raising=False)
    parts, _ = codec.encode([box(), box, double], None)
    body = b"".join(parts)
    instance, kind, function = codec.decode(body, None)
    assert (type(instance), kind, function) == (box, box, double)
    monkeypatch.delattr(main, "Box")
    with pytest.raises(memo.CodecError, match="Box"):
        codec.decode(body, None)


SLOW_MODULE = """
import sys
sys.test_inside.set()
sys.test_go.wait(30)
"""


def test_fork_waits_for_imports_under_way(tmp_path, monkeypatch):
    """A fork waits until another thread is out of an import that this project began, and not for those of others."""
    (tmp_path / "slow_module_of_test.py").write_text(SLOW_MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    order: list[str] = []
    for name in ("memo.somewhere", "elsewhere"):
        sys.test_inside, sys.test_go = threading.Event(), threading.Event()
        sys.modules.pop("slow_module_of_test", None)
        space = {"__name__": name}
        thread = threading.Thread(target=lambda space=space: exec("import slow_module_of_test", space), daemon=True)
        thread.start()
        assert sys.test_inside.wait(30)
        if name == "elsewhere":
            wait_for_imports()
            order.append("did not wait")
            sys.test_go.set()
        else:
            waiter = threading.Thread(target=lambda: (wait_for_imports(), order.append("waited")), daemon=True)
            waiter.start()
            assert order == []
            sys.test_go.set()
            waiter.join(30)
        thread.join(30)
    assert order == ["waited", "did not wait"]


def test_damaged_hit_warns_once_and_computes(store):
    """A file that goes between its check and its reading is a miss, said aloud."""
    import numpy as np

    f = memo.cached(store=store)(lambda n: np.arange(n))
    f(100_000)
    [blob] = store.blobs()
    open_blob = store.open_blob
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        store.open_blob = lambda digest, always=False: (open_blob(digest, always), os.unlink(blob.path))[0]
        try:
            assert f(100_000).sum() == np.arange(100_000).sum()
        finally:
            del store.open_blob
    assert [memo.CacheWarning] == [each.category for each in caught]
    assert f(100_000)[-1] == 99_999
