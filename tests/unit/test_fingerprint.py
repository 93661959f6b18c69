"""The fingerprint of live functions: what makes it stale, what is state, what is refused."""

from __future__ import annotations

import functools
import importlib
import linecache
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from memo.errors import UnstableFunction
from memo.fingerprint import fingerprint

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Return a function that writes modules and imports them afresh."""
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.syspath_prepend(str(tmp_path))
    names: set[str] = set()

    def write(name: str, text: str):
        (tmp_path / f"{name}.py").write_text(text)
        names.add(name)
        sys.modules.pop(name, None)
        importlib.invalidate_caches()
        return importlib.import_module(name)

    yield write
    for name in names:
        sys.modules.pop(name, None)


def same(module, name: str = "root", **options) -> bytes:
    """Return the digest of a module's function."""
    return fingerprint(getattr(module, name), **options).digest


# What makes it stale


def test_a_monkeypatched_helper_is_seen_at_once(project):
    """Replacing a helper makes the fingerprint stale, and putting it back restores it."""
    study = project(
        "study", "def helper(x): return x\ndef middle(x): return helper(x)\ndef root(x): return middle(x)\n"
    )
    before = fingerprint(study.root)
    original, study.helper = study.helper, lambda x: -x
    assert not before.is_current()
    assert same(study) != before.digest
    study.helper = original
    assert before.is_current()
    assert same(study) == before.digest


def test_replaced_code_is_seen(project):
    """A new `__code__`, as editors of live sessions set it, makes the fingerprint stale."""
    study = project("study", "def helper(x): return x\ndef other(x): return -x\ndef root(x): return helper(x)\n")
    before = fingerprint(study.root)
    study.helper.__code__ = study.other.__code__
    assert not before.is_current()
    assert same(study) != before.digest


@pytest.mark.parametrize(
    ("attribute", "value"), [("__defaults__", (4,)), ("__kwdefaults__", {"k": 4})], ids=["positional", "keyword"]
)
def test_changed_defaults_are_seen(project, attribute, value):
    """New defaults of a helper make the fingerprint stale."""
    study = project("study", "def helper(x=3, *, k=3): return x + k\ndef root(x): return helper(x)\n")
    before = fingerprint(study.root)
    setattr(study.helper, attribute, value)
    assert not before.is_current()
    assert same(study) != before.digest


def test_more_defaults_than_parameters_are_no_obstacle(project):
    """Generated wrappers may carry defaults that no parameter takes."""
    study = project("study", "def root(*args): return args\n")
    before = same(study)
    study.root.__defaults__ = (1, 2)
    assert same(study) != before


def test_a_keyword_default_changed_in_place_is_seen(project):
    """A keyword default set in its dictionary makes the fingerprint stale."""
    study = project("study", "def root(x, *, k=3): return x + k\n")
    before = fingerprint(study.root)
    study.root.__kwdefaults__["k"] = 4
    assert not before.is_current()


@pytest.mark.parametrize(("first", "second"), [(1, True), (1, 1.0), (0.0, -0.0)])
def test_an_equal_constant_of_another_type_is_seen(project, first, second):
    """Values that compare equal and differ in type or bits are different constants."""
    study = project("study", f"K = {first!r}\ndef root(x): return K\n")
    before = fingerprint(study.root)
    study.K = second
    assert not before.is_current()
    assert same(study) != before.digest


@pytest.mark.parametrize(
    ("text", "change"),
    [
        ("[1, 2]", lambda k: k.append(3)),
        ("[[1], 2]", lambda k: k[0].append(3)),
        ("{'a': 1}", lambda k: k.update(a=2)),
        ("{'a': [1]}", lambda k: k["a"].append(2)),
        ("{1, 2}", lambda k: k.add(3)),
        ("([1],)", lambda k: k[0].append(3)),
        ("bytearray(b'a')", lambda k: k.append(3)),
        ("__import__('numpy').zeros(3)", lambda k: k.__setitem__(1, 5.0)),
        ("{'f': len, 'k': [1]}", lambda k: k["k"].append(2)),
    ],
)
def test_a_constant_changed_in_place_is_seen(project, text, change):
    """A mutable constant that something else changes makes the fingerprint stale."""
    study = project("study", f"K = {text}\ndef root(x): return K\n")
    before = fingerprint(study.root)
    assert before.is_current()
    change(study.K)
    assert not before.is_current()
    assert same(study) != before.digest


def test_an_attribute_of_a_module_is_seen(project):
    """A constant of another module, read through the module, makes the fingerprint stale."""
    other = project("other", "RATE = 1\n")
    study = project("study", "import other\ndef root(x): return other.RATE * x\n")
    before = fingerprint(study.root)
    other.RATE = 2
    assert not before.is_current()


@pytest.mark.parametrize("change", ["method", "attribute", "added"])
def test_a_changed_class_is_seen(project, change):
    """A method replaced, an attribute set, an override added: each makes the fingerprint stale."""
    study = project(
        "study",
        "class Base:\n    rate = 1\n    def fit(self, x): return x * self.rate\n"
        "class Model(Base): pass\ndef root(x): return Model().fit(x)\n",
    )
    before = fingerprint(study.root)
    if change == "method":
        study.Base.fit = lambda self, x: x
    elif change == "attribute":
        study.Base.rate = 2
    else:
        study.Model.fit = lambda self, x: -x
    assert not before.is_current()
    assert same(study) != before.digest


@pytest.mark.parametrize("slots", ["", "    __slots__ = ('k',)\n"], ids=["dict", "slots"])
def test_a_changed_instance_is_seen(project, slots):
    """An attribute set on an object that the code uses makes the fingerprint stale."""
    study = project(
        "study",
        f"class Filter:\n{slots}    def __init__(self, k): self.k = k\n    def __call__(self, x): return self.k * x\n"
        "FILTER = Filter(2)\ndef root(x): return FILTER(x)\n",
    )
    before = fingerprint(study.root)
    study.FILTER.k = 3
    assert not before.is_current()
    assert same(study) != before.digest


def test_a_builtin_shadowed_later_is_seen(project):
    """A global that comes to stand before a builtin makes the fingerprint stale."""
    study = project("study", "def root(x): return len(x)\n")
    before = fingerprint(study.root)
    study.len = lambda x: 3
    assert not before.is_current()
    assert same(study) != before.digest


def test_a_patched_library_function_is_followed(project, monkeypatch):
    """The project's own function in a library's place is a dependency like any other."""
    study = project("study", "import math\ndef root(x): return math.sqrt(x)\ndef fake(x): return x\n")
    before = fingerprint(study.root)
    monkeypatch.setattr("math.sqrt", study.fake)
    assert not before.is_current()
    assert any(found.name == "study.fake" for found in fingerprint(study.root).manifest)


def test_an_edit_on_disk_after_import_does_not_count(project, tmp_path):
    """The code that runs is hashed, not the text that has come to stand in its file."""
    study = project("study", "def root(x): return x + 1\n")
    (tmp_path / "study.py").write_text("def root(x): return x + 2\n")
    stale = same(study)
    fresh = same(project("study", "def root(x): return x + 2\n"))
    assert stale != fresh


def test_hot_and_traced_code_is_the_same_code(project):
    """Specialised bytecode and a tracer change nothing."""
    study = project("study", "def helper(x): return x * 2\ndef root(x): return sum(helper(i) for i in range(x))\n")
    cold = same(study)
    for _ in range(200):
        study.root(50)
    sys.modules["memo.code"]._locals.clear()
    assert same(study) == cold
    previous = sys.gettrace()
    sys.settrace(lambda *_: None)
    try:
        study.root(3)
        sys.modules["memo.code"]._locals.clear()
        traced = same(study)
    finally:
        sys.settrace(previous)
    assert traced == cold


# State is not code

STATEFUL = {
    "memo dict": "MEMO = {}\ndef root(x):\n    if x not in MEMO: MEMO[x] = x + 1\n    return MEMO[x]\n",
    "class counter": "class Model:\n    n = 0\n    def fit(self, x):\n        Model.n += 1\n        return x\n"
    "def root(x): return Model().fit(x)\n",
    "class counter through cls": "class Model:\n    n = 0\n    @classmethod\n    def fit(cls, x):\n        cls.n += 1\n"
    "        return x\ndef root(x): return Model.fit(x)\n",
    "class list": "class Model:\n    seen = []\n    def fit(self, x):\n        self.seen.append(x)\n        return x\n"
    "def root(x): return Model().fit(x)\n",
    "global rebound": "N = 0\ndef root(x):\n    global N\n    N += 1\n    return x\n",
    "mutable default": "def helper(x, seen=[]):\n    seen.append(x)\n    return x\ndef root(x): return helper(x)\n",
    "lazy instance": "class Model:\n    def fit(self, x):\n        self.last = x\n        return x\n"
    "MODEL = Model()\ndef root(x): return MODEL.fit(x)\n",
    "helper's closure": "def make():\n    seen = {}\n    def helper(x):\n        seen[x] = 1\n        return x\n"
    "    return helper\n"
    "helper = make()\ndef root(x): return helper(x)\n",
    "memo of objects": "class P: pass\nMEMO = {}\ndef root(x):\n    MEMO[x] = P()\n    return x\n",
    "module attribute": "import study\nN = 0\ndef root(x):\n    study.N = x\n    return study.N\n",
    "function attribute": "def helper(x):\n    helper.calls = x\n    return x\nhelper.calls = 0\n"
    "def root(x): return helper(x) + helper.calls\n",
}


@pytest.mark.parametrize("name", STATEFUL)
def test_state_of_the_running_program_is_not_code(project, name):
    """What reachable code changes itself leaves the fingerprint, which stays current as the program runs."""
    study = project("study", STATEFUL[name])
    before = fingerprint(study.root)
    assert study.root(5) == 5 or name == "memo dict" or name == "function attribute"
    assert same(study) == before.digest
    study.root(6)
    assert same(study) == before.digest


def test_state_is_named_in_the_manifest(project):
    """A variable left out of the fingerprint is listed as state."""
    study = project("study", STATEFUL["memo dict"])
    assert [found.name for found in fingerprint(study.root).manifest if found.kind == "state"] == ["study.MEMO"]


def test_a_local_of_the_same_name_is_not_state(project):
    """A local list that is changed does not take a global of its name out of the fingerprint."""
    text = "K = [1]\ndef helper(x):\n    K = []\n    K.append(x)\n    return K\ndef root(x): return helper(x), K\n"
    before = same(project("study", text))
    assert same(project("study", text.replace("[1]", "[2]"))) != before


def test_state_of_one_class_is_not_state_of_another(project):
    """An attribute that one class's methods change still counts on another class of the same attribute."""
    text = (
        "class Counter:\n    def __init__(self): self.n = 0\n    def step(self): self.n += 1\n"
        "class Model:\n    def __init__(self): self.n = 2\n    def fit(self, x): return self.n * x\n"
        "COUNTER, MODEL = Counter(), Model()\n"
        "def root(x):\n    COUNTER.step()\n    return MODEL.fit(x)\n"
    )
    before = same(project("study", text))
    assert same(project("study", text.replace("self.n = 0", "self.n = 1"))) != before  # its __init__ is code
    study = project("study", text)
    study.MODEL.n = 3
    assert same(study) != before
    study = project("study", text)
    study.COUNTER.n = 3
    assert same(study) == before


# Closures


def closure_over(value):
    """Return a function that captured a value."""

    def inner(x):
        return value, x

    return inner


@pytest.mark.parametrize(
    "value", [[1], {1: 2}, {1}, bytearray(b"a"), np.zeros(2)], ids=lambda value: type(value).__name__
)
def test_a_closure_over_a_mutable_value_is_refused_by_name(value):
    """Capturing a container that can change raises UnstableFunction with the variable's name and a hint."""
    with pytest.raises(UnstableFunction, match="'value'") as caught:
        fingerprint(closure_over(value))
    assert "allow_mutable_bindings" in caught.value.hint


def test_a_closure_that_counts_is_refused():
    """A captured variable that the function rebinds is refused as well."""
    count = 0

    def root(x):
        nonlocal count
        count += 1
        return x + count

    with pytest.raises(UnstableFunction, match="'count'"):
        fingerprint(root)


def test_an_allowed_mutable_binding_counts_by_its_value():
    """With `allow_mutable_bindings` a captured list is part of the fingerprint, and a change in it is seen."""
    value = [1]
    before = fingerprint(closure_over(value), allow_mutable_bindings=True)
    assert before.digest == fingerprint(closure_over([1]), allow_mutable_bindings=True).digest
    value.append(2)
    assert not before.is_current()
    assert fingerprint(closure_over(value), allow_mutable_bindings=True).digest != before.digest


@pytest.mark.parametrize(("first", "second"), [(1, 2), (1, 1.0), (1, True), ((1,), (2,)), ("a", b"a"), (None, 0)])
def test_closures_differ_by_what_they_captured(first, second):
    """Two closures of one factory share a fingerprint only if they captured the same."""
    assert fingerprint(closure_over(first)).digest != fingerprint(closure_over(second)).digest
    assert fingerprint(closure_over(first)).digest == fingerprint(closure_over(first)).digest


def test_a_rebound_cell_is_seen():
    """A captured variable that someone else rebinds makes the fingerprint stale."""
    value = 1

    def root(x):
        return x + value

    before = fingerprint(root)
    value = 2
    assert not before.is_current()
    assert fingerprint(root).digest != before.digest


# Identity


def test_functions_of_one_name_differ(project):
    """Two functions of one qualified name and different bodies, in one file, are two."""
    study = project("study", "def root(x): return x + 1\nfirst = root\ndef root(x): return x + 2\n")
    assert same(study, "first") != same(study, "root")


def test_roots_join_in_order(project):
    """Classes and functions of arguments join; swapping two functions, or repeating one, is another fingerprint."""
    study = project(
        "study",
        "def root(f, g, x): return f(g(x.fit()))\none, two = (lambda x: x + 1), (lambda x: x + 2)\n"
        "class Model:\n    def fit(self): return 1\n    def plot(self): return 2\n",
    )
    base = fingerprint(study.root)
    assert base.with_roots([]) is base
    assert base.with_roots([np.ndarray, int, np.sin, len]) is base
    swapped = [base.with_roots(roots).digest for roots in [(study.one, study.two), (study.two, study.one)]]
    repeated = [
        base.with_roots(roots).digest
        for roots in [(study.one, study.one, study.two), (study.one, study.two, study.two)]
    ]
    assert len({base.digest, *swapped, *repeated}) == 5
    joined = base.with_roots([study.Model])
    assert base.with_roots([study.Model]) is joined
    names = {found.name for found in joined.manifest}
    assert "study.Model.fit" in names
    assert "study.Model.plot" not in names
    study.Model.fit = lambda self: 2
    assert not joined.is_current()
    assert base.is_current()


def test_version_and_depends_count(project, tmp_path):
    """`version=` and everything in `depends=` are part of the fingerprint; a changed file makes it stale."""
    study = project("study", "def root(x): return x\ndef hidden(x): return x\n")
    data = tmp_path / "table.csv"
    data.write_text("1,2\n")
    plain = same(study)
    assert same(study, version=1) != plain
    assert same(study, version=1) != same(study, version=2)
    assert same(study, depends=[study.hidden]) != plain
    declared = fingerprint(study.root, depends=[data])
    assert declared.is_current()
    data.write_text("1,3,4\n")
    assert not declared.is_current()
    assert same(study, depends=[data]) != declared.digest
    assert same(study, depends=[study]) != plain


@pytest.mark.parametrize("counted", [False, True])
def test_docstrings_count_if_asked(project, counted):
    """With `docstrings=True` an edited docstring is a change."""
    first = same(project("study", 'def root(x):\n    """Alpha."""\n'), docstrings=counted)
    second = same(project("study", 'def root(x):\n    """Beta."""\n'), docstrings=counted)
    assert (first != second) is counted


def test_pins_choose_how_much_of_a_version_counts():
    """The manifest carries the full version; the key as much as the pin says."""

    def root(x):
        return np.sin(x)

    found = fingerprint(root)
    assert [i.origin for i in found.manifest if i.kind == "package"] == [f"numpy=={np.__version__}"]
    digests = {fingerprint(root, pin=pin).digest for pin in ("minor", "exact", "none")}
    assert len(digests) == 3
    assert fingerprint(root, pin={"numpy": "exact"}).digest == fingerprint(root, pin="exact").digest


def test_any_callable_has_a_fingerprint():
    """Builtins, classes, partials, ufuncs and bound methods of builtins are named, not refused."""
    callables = [len, int, functools.partial(int, base=2), functools.partial(int, base=3), np.sin, np.cos, "a".join]
    found = [fingerprint(function) for function in callables]
    assert len({one.digest for one in found}) == len(callables)
    assert all(one.is_current() for one in found)


def test_a_chain_of_3000_functions_does_not_overflow(project):
    """The walk keeps its own stack."""
    count = 3000
    text = "".join(f"def f{i}(x): return f{i + 1}(x)\n" for i in range(count))
    study = project("study", text + f"def f{count}(x): return x + 1\n")
    before = fingerprint(study.f0)
    assert before.is_current()
    assert len([found for found in before.manifest if found.kind == "function"]) == count + 1
    study.f3000.__defaults__ = (1,)
    assert not before.is_current()


# Other processes

SCRIPT = """
import sys
KINDS = {"alpha", "beta", "gamma", "delta"}
CHOICES = frozenset(("a", "b", "c"))
def helper(x): return x in {"one", "two", "three", "four"} or x in KINDS or x in CHOICES
class Model:
    names = {"a", "b", "c"}
    def fit(self, x, *, k={"p": 1}): return [helper(y) for y in x]
def root(x): return Model().fit(x)
if __name__ == "__main__":
    from memo.fingerprint import fingerprint
    print(fingerprint(root).digest.hex())
"""


def run(arguments: list[str], folder: Path, **environment: str) -> str:
    """Return what a fresh process prints."""
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(folder)]), **environment}
    return subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=env, check=True, capture_output=True, text=True
    ).stdout.strip()


def test_every_process_finds_the_same(tmp_path):
    """Script, `-m`, import, other folders and other hash seeds agree."""
    (tmp_path / "here").mkdir()
    (tmp_path / "there").mkdir()
    for folder in ("here", "there"):
        (tmp_path / folder / "study.py").write_text(SCRIPT)
    imported = "import study; from memo.fingerprint import fingerprint as f; print(f(study.root).digest.hex())"
    found = {
        run(["study.py"], tmp_path / "here", PYTHONHASHSEED="1"),
        run(["-m", "study"], tmp_path / "there", PYTHONHASHSEED="2"),
        run(["-c", imported], tmp_path / "here", PYTHONHASHSEED="3"),
        run([str(tmp_path / "there" / "study.py")], tmp_path, PYTHONHASHSEED="4"),
    }
    assert len(found) == 1
    assert len(found.pop()) == 64


def test_python_without_asserts_is_other_code(tmp_path):
    """`-O` drops asserts, and the code that runs is another."""
    (tmp_path / "study.py").write_text(SCRIPT.replace("def root(x): ", "def root(x):\n    assert x\n    "))
    assert run(["study.py"], tmp_path) != run(["-O", "study.py"], tmp_path)


KEPT = """
import os, sys
import memo.code
class Folder:
    def get(self, key):
        path = os.path.join("kept", key.hex())
        return open(path, "rb").read() if os.path.exists(path) else None
    def put(self, key, value):
        open(os.path.join("kept", key.hex()), "wb").write(value)
memo.code.table_cache = Folder()
import study
from memo.fingerprint import fingerprint
print(fingerprint(study.root).digest.hex())
print(sorted({"ast", "numpy", "inspect", "dataclasses", "typing", "logging", "importlib.metadata"} & set(sys.modules)))
"""


def test_a_second_process_loads_nothing_heavy(tmp_path):
    """With the tables kept, a process parses nothing; damaged or dropped tables change nothing (I8)."""
    (tmp_path / "study.py").write_text(SCRIPT)
    kept = tmp_path / "kept"
    kept.mkdir()
    path = os.pathsep.join([str(ROOT), *(place for place in sys.path if place.endswith("site-packages"))])
    first, _ = run(["-S", "-c", KEPT], tmp_path, PYTHONPATH=path).splitlines()
    second, loaded = run(["-S", "-c", KEPT], tmp_path, PYTHONPATH=path).splitlines()
    assert second == first
    assert loaded == "[]"
    for table in kept.iterdir():
        table.write_bytes(b"damage")
    third, _ = run(["-S", "-c", KEPT], tmp_path, PYTHONPATH=path).splitlines()
    assert third == first


SPAWNING = SCRIPT.replace(
    "    print(fingerprint(root).digest.hex())",
    "    import multiprocessing\n    print(fingerprint(root).digest.hex())\n"
    "    with multiprocessing.get_context('spawn').Pool(1) as pool: print(pool.apply(ask))",
).replace(
    "class Model",
    "def ask():\n    from memo.fingerprint import fingerprint\n    return fingerprint(root).digest.hex()\nclass Model",
)


def test_a_spawned_worker_finds_the_same(tmp_path):
    """A worker that imports the script under another name has the script's fingerprint."""
    (tmp_path / "study.py").write_text(SPAWNING)
    here, there = run(["study.py"], tmp_path).splitlines()
    assert here == there


def test_cells_of_a_notebook_follow_each_other(monkeypatch):
    """A helper in another cell counts; running its cell again unchanged is the same, changed it is another."""
    space: dict[str, object] = {"__name__": "__main__"}

    def cell(number: int, text: str) -> None:
        name = f"<cell {number}>"
        monkeypatch.setitem(linecache.cache, name, (len(text), None, text.splitlines(keepends=True), name))
        exec(compile(text, name, "exec"), space)

    cell(1, "def helper(x):\n    return x + 1\n")
    cell(2, "def root(x): return helper(x)\n")
    before = fingerprint(space["root"])
    cell(3, "# again\ndef helper(x):\n    return x + 1\n")
    assert not before.is_current()
    assert fingerprint(space["root"]).digest == before.digest
    cell(4, "def helper(x):\n    return x + 2\n")
    assert fingerprint(space["root"]).digest != before.digest


def test_a_reload_without_change_is_the_same(project):
    """Reloading a module makes new functions of the same code."""
    study = project("study", SCRIPT)
    before = same(study)
    assert same(importlib.reload(study)) == before


def test_bytecode_files_do_not_matter(tmp_path):
    """A process that loads the compiled file finds what the one that compiled it found."""
    (tmp_path / "study.py").write_text(SCRIPT)
    imported = "import study; from memo.fingerprint import fingerprint as f; print(f(study.root).digest.hex())"
    found = [run(["-c", imported], tmp_path, PYTHONDONTWRITEBYTECODE="") for _ in range(2)]
    assert list((tmp_path / "__pycache__").iterdir())
    assert found[0] == found[1]
