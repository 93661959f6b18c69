"""Where code is typed or started makes no difference: notebooks, consoles, `exec`, scripts, packages, workers."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from memo.fingerprint import fingerprint

ROOT = Path(__file__).parent.parent.parent


def run(arguments: list[str], folder: Path, typed: str = "") -> list[str]:
    """Return the words that a fresh process prints, fed with what someone types."""
    env = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(folder)]),
        "IPYTHONDIR": str(folder / "ipython"),
        "PYTHONHASHSEED": "random",
    }
    done = subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=env, input=typed, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


NOTEBOOK = """
import sys
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
if "files" in sys.argv:  # the names that a Jupyter kernel gives to cells
    shell.compile.get_code_name = lambda raw, code, number: f"/tmp/ipykernel_1/{abs(hash(code))}.py"
for cell in open("cells").read().split("# %%"):
    if not shell.run_cell(cell, store_history=True).success:
        raise SystemExit(1)
"""
HELPER = "def helper(x):\n    return x + 1\n"
CELLS = [
    "import memo\n",
    HELPER,
    "RATE = 10\n",
    "@memo.cached\ndef root(x):\n    print('ran')\n    return helper(x) * RATE\n",
    "print(root(1))\n",
    HELPER + "print(root(1))\n",
    "# The helper, as it was.\n\n\n" + HELPER + "print(root(1))\n",
    HELPER.replace("+ 1", "+ 2") + "print(root(1))\n",
    HELPER + "print(root(1))\n",
    "RATE = 20\nprint(root(1))\n",
    "RATE = 10\nprint(root(1))\n",
    "helper = lambda x: x + 3\nprint(root(1))\n",
]
PRINTED = ["ran", "20", "20", "20", "ran", "30", "20", "ran", "40", "20", "ran", "40"]


@pytest.mark.parametrize("names", ["inputs", "files"])
def test_cells_of_a_real_notebook(tmp_path, names):
    """Redefined cells compute again, put back they do not; the next kernel finds every result of this one."""
    (tmp_path / "cells").write_text("# %%".join(CELLS))
    (tmp_path / "kernel.py").write_text(NOTEBOOK)
    assert run(["kernel.py", names], tmp_path) == PRINTED
    assert run(["kernel.py", names], tmp_path) == [word for word in PRINTED if word != "ran"]


def test_autoreload_of_an_edited_module_is_seen(tmp_path):
    """IPython's autoreload puts new code into live functions; the next cell computes, and back it does not."""
    edit = (
        "import time, os, pathlib\nfile = pathlib.Path('tools.py')\nfile.write_text(file.read_text().replace({}, {}))\n"
    )
    later = "os.utime(file, (time.time() + {0}, time.time() + {0}))\n"
    cells = [
        "%load_ext autoreload\n%autoreload 2\nimport memo\nfrom tools import helper\n",
        "@memo.cached\ndef root(x):\n    print('ran')\n    return helper(x)\n",
        "print(root(1))\n",
        edit.format("'+ 1'", "'+ 2'") + later.format(10),
        "print(root(1))\n",
        edit.format("'+ 2'", "'+ 1'") + later.format(20),
        "print(root(1))\n",
    ]
    (tmp_path / "tools.py").write_text("def helper(x):\n    return x + 1\n")
    (tmp_path / "cells").write_text("# %%".join(cells))
    (tmp_path / "kernel.py").write_text(NOTEBOOK)
    assert run(["kernel.py"], tmp_path) == ["ran", "2", "ran", "3", "2"]


def test_a_console_that_is_typed_into(tmp_path):
    """In a console without text, redefined functions compute again; the next console finds the results."""
    typed = "\n".join(CELLS).replace("\nprint", "\n\nprint").replace("RATE\n", "RATE\n\n")
    assert run(["-i", "-q"], tmp_path, typed) == PRINTED
    assert run(["-i", "-q"], tmp_path, typed) == [word for word in PRINTED if word != "ran"]


def test_code_of_interact_is_told_by_what_it_does():
    """`code.InteractiveInterpreter`, which debuggers and servers embed, is a console like any other."""
    import code

    interpreter = code.InteractiveInterpreter({"__name__": "__main__"})
    for line in ("def helper(x): return x + 1\n", "def root(x): return helper(x)\n"):
        assert not interpreter.runsource(line)
    before = fingerprint(interpreter.locals["root"])
    assert not interpreter.runsource("def helper(x): return x + 1\n")
    assert not before.is_current()
    assert fingerprint(interpreter.locals["root"]).digest == before.digest
    assert not interpreter.runsource("def helper(x): return x + 2\n")
    assert fingerprint(interpreter.locals["root"]).digest != before.digest


STUDY = """
import memo, sys
RATE = 10
class Model:
    def fit(self, x): return helper(x) * RATE
def helper(x): return x + 1
@memo.cached
def root(x):
    print('ran', flush=True)
    return Model().fit(x)
def ask(x): return root.cache.key(x), root(x)
if __name__ == "__main__":
    print(*ask(1))
"""
WORKING = STUDY.replace(
    "    print(*ask(1))",
    "    import multiprocessing\n    context = multiprocessing.get_context(sys.argv[1])\n    print(*ask(1))\n"
    "    with context.Pool(1) as pool: print(*pool.apply(ask, (1,)))",
)


def test_every_way_to_start_shares_the_results(tmp_path):
    """A script, `-m`, an import, `runpy`, a path, `exec`, and a compiled file: one computation, one key."""
    (tmp_path / "study.py").write_text(STUDY)
    compiled = "import py_compile; py_compile.compile('study.py', 'bare/study.pyc')"
    ways = [
        ["study.py"],
        ["-m", "study"],
        [str(tmp_path / "study.py")],
        ["-c", "import study; print(*study.ask(1))"],
        ["-c", "import runpy; runpy.run_path('study.py', run_name='__main__')"],
        ["-c", "import runpy; runpy.run_module('study', run_name='__main__', alter_sys=True)"],
        ["-c", "import runpy; print(*runpy.run_module('study')['ask'](1))"],
        ["-X", "frozen_modules=off", "-B", "study.py"],
    ]
    printed = [run(way, tmp_path) for way in ways]
    assert printed[0][0] == "ran"
    assert printed == [printed[0], *[printed[0][1:]] * (len(ways) - 1)]
    assert printed[0][2] == "20"
    (tmp_path / "bare").mkdir()
    assert run(["-c", compiled], tmp_path) == []
    (tmp_path / "study.py").unlink()
    bare = run(["-c", "import sys; sys.path.insert(0, 'bare'); import study; print(*study.ask(1))"], tmp_path)
    assert bare[-1] == "20"
    assert bare[-2] != printed[0][1]  # no text explains it


def test_a_package_that_is_run_is_the_package_that_is_imported(tmp_path):
    """Functions and classes of `pkg/__main__.py` have one key under `python -m pkg`, as a folder, and imported."""
    (tmp_path / "pkg").mkdir()
    (tmp_path / "pkg" / "__init__.py").write_text("")
    (tmp_path / "pkg" / "__main__.py").write_text(STUDY)
    first = run(["-m", "pkg"], tmp_path)
    assert first[0] == "ran"
    assert run(["-c", "import pkg.__main__ as main; print(*main.ask(1))"], tmp_path) == first[1:]


@pytest.mark.parametrize("method", ["spawn", "forkserver", "fork"])
@pytest.mark.parametrize("way", ["script", "module"])
def test_workers_share_the_results_of_their_parent(tmp_path, method, way):
    """A worker finds what its parent stored, however both were started."""
    (tmp_path / "work.py").write_text(WORKING)
    arguments = ["work.py"] if way == "script" else ["-m", "work"]
    ran, key, value, of_worker, again = run([*arguments, method], tmp_path)
    assert (ran, value, again) == ("ran", "20", "20")
    assert key == of_worker


@pytest.mark.parametrize("has_text", [True, False])
def test_functions_made_by_exec(monkeypatch, has_text):
    """Code from `exec` counts by its text if `linecache` has it, else by its bytecode; either way an edit is seen."""
    import linecache

    def make(body):
        source = f"def helper(x): return {body}\ndef root(x): return helper(x)\n"
        name = "<made for a test>"
        if has_text:
            lines = source.splitlines(keepends=True)
            monkeypatch.setitem(linecache.cache, name, (len(source), None, lines, name))
        space = {"__name__": "made"}
        exec(compile(source, name, "exec"), space)
        return fingerprint(space["root"]).digest

    assert make("x + 1") == make("x + 1")
    assert len({make(body) for body in ("x + 1", "x + 2", "x + 1.0", "x + True")}) == 4
    assert (make("x + 1") == make("(x  +  1)")) is True


def test_functions_of_code_objects_with_replaced_parts():
    """`code.replace`, as tools use it, makes another function if it changes what the code does, and none if not."""

    def root(x, y=2):
        return x + y * 10

    before = fingerprint(root).digest
    code = root.__code__
    root.__code__ = code.replace(co_filename="elsewhere.py", co_firstlineno=99)
    moved = fingerprint(root).digest
    root.__code__ = code.replace(co_consts=tuple(11 if const == 10 else const for const in code.co_consts))
    assert root(1) == 23
    assert fingerprint(root).digest not in (before, moved)
