"""The same fingerprint in every process: scripts, workers, notebooks, hash seeds, reloads."""

from __future__ import annotations

import importlib
import linecache
import os
import subprocess
import sys
from pathlib import Path

from memo.fingerprint import fingerprint
from tests.projects import digest_of

ROOT = Path(__file__).parent.parent.parent


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


def test_every_process_finds_the_digest_of(tmp_path):
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
import memo.fingerprint.code
class Folder:
    def get(self, key):
        path = os.path.join("kept", key.hex())
        return open(path, "rb").read() if os.path.exists(path) else None
    def put(self, key, value):
        open(os.path.join("kept", key.hex()), "wb").write(value)
memo.fingerprint.code.table_cache = Folder()
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


def test_a_spawned_worker_finds_the_digest_of(tmp_path):
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


def test_a_reload_without_change_is_the_digest_of(project):
    """Reloading a module makes new functions of the same code."""
    study = project("study", SCRIPT)
    before = digest_of(study)
    assert digest_of(importlib.reload(study)) == before


def test_bytecode_files_do_not_matter(tmp_path):
    """A process that loads the compiled file finds what the one that compiled it found."""
    (tmp_path / "study.py").write_text(SCRIPT)
    imported = "import study; from memo.fingerprint import fingerprint as f; print(f(study.root).digest.hex())"
    found = [run(["-c", imported], tmp_path, PYTHONDONTWRITEBYTECODE="") for _ in range(2)]
    assert list((tmp_path / "__pycache__").iterdir())
    assert found[0] == found[1]


FILLING = """
TABLE = {"a": 1}
class Model:
    def __init__(self, k): self.k = k
    def fit(self, x):
        self.k += x
        TABLE[x] = self.k
        return self.k
MODEL = Model(3)
def root(x): return MODEL.fit(x)
"""
ASKING = "import sys, study; from memo.fingerprint import fingerprint as f; {}; print(f(study.root).digest.hex())"


def test_state_starts_from_the_same_in_every_process(tmp_path):
    """A process that ran the code before it asked finds what another found that did not; an edit is another start."""
    (tmp_path / "study.py").write_text(FILLING)
    found = {
        run(["-c", ASKING.format("0")], tmp_path, PYTHONHASHSEED="1"),
        run(["-c", ASKING.format("study.root(5)")], tmp_path, PYTHONHASHSEED="2"),
    }
    (tmp_path / "study.py").write_text(FILLING.replace("Model(3)", "Model(4)"))
    found.add(run(["-c", ASKING.format("0")], tmp_path))
    (tmp_path / "study.py").write_text(FILLING.replace('"a": 1', '"a": 2'))
    found.add(run(["-c", ASKING.format("0")], tmp_path))
    assert len(found) == 3


DESCRIBED = """
class Shown:
    def __init__(self, make): self.make = make
    def __get__(self, instance, owner): return "a class" if instance is None else self.make(instance)
class Chain:
    @Shown
    def __doc__(self): return "chain of " + str(self.parts)
    def __init__(self, *parts): self.parts = parts
def root(x): return Chain(x).__doc__
"""


def test_docstring_that_is_made_by_a_descriptor(tmp_path):
    """A class whose `__doc__` is an object has one digest in every process, and another when what it says changes."""
    (tmp_path / "study.py").write_text(DESCRIBED)
    imported = "import study; from memo.fingerprint import fingerprint as f; print(f(study.root).digest.hex())"
    found = {run(["-c", imported], tmp_path, PYTHONHASHSEED=seed) for seed in "123"}
    assert len(found) == 1
    (tmp_path / "study.py").write_text(DESCRIBED.replace("chain of", "row of"))
    assert run(["-c", imported], tmp_path) not in found


TYPED = """
from dataclasses import dataclass
class Unit: pass
metres = Unit()
@dataclass
class Track:
    length: metres = 1
def root(x): return Track(x).length
"""


def test_field_whose_type_is_an_object(tmp_path):
    """A dataclass whose annotation is an instance has one digest in every process."""
    (tmp_path / "study.py").write_text(TYPED)
    imported = "import study; from memo.fingerprint import fingerprint as f; print(f(study.root).digest.hex())"
    assert len({run(["-c", imported], tmp_path, PYTHONHASHSEED=seed) for seed in "123"}) == 1
