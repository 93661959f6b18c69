"""Code under tools, and code that is not Python: debuggers, coverage, cloudpickle, C extensions, ctypes."""

from __future__ import annotations

import bdb
import ctypes
import os
import pickle
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import cloudpickle
import msgpack
import pytest

from memo.fingerprint import code, fingerprint
from tests.projects import digest_of

ROOT = Path(__file__).parent.parent.parent
SOURCE = (
    "class Model:\n    def fit(self, x):\n        total = 0\n        for i in range(x): total += helper(i)\n"
    "        return total\ndef helper(x): return x * 2\ndef root(x): return Model().fit(x) if x else [y for y in [x]]\n"
)


def fresh_digest(function) -> bytes:
    """Return the digest of a function whose code is looked at anew."""
    code._locals.clear()
    return fingerprint(function).digest


class Stepper(bdb.Bdb):
    """A debugger that steps through everything, with a break point."""

    def user_line(self, frame):
        """Go on to the next line."""
        self.set_step()


def test_a_debugger_leaves_the_fingerprint(project):
    """Stepped through, traced by line and opcode, and with a break point set, the code is the same."""
    study = project("study", SOURCE)
    before = fingerprint(study.root)
    found = set()
    previous = sys.gettrace()
    debugger = Stepper()
    try:
        assert debugger.set_break(study.__file__, 4) is None
        assert debugger.runcall(study.root, 3) == 6
        found.add(debugger.runcall(fresh_digest, study.root))

        def trace(frame, event, argument):
            frame.f_trace_opcodes = True
            return trace

        sys.settrace(trace)
        assert study.root(3) == 6
        found.add(fresh_digest(study.root))
        sys.setprofile(lambda *_: None)
        found.add(fresh_digest(study.root))
    finally:
        sys.setprofile(None)
        sys.settrace(previous)
    found.add(fresh_digest(study.root))
    assert found == {before.digest}
    assert before.is_current()


ASKING = "import study\nfrom memo.fingerprint import fingerprint\n{}\nprint(fingerprint(study.root).digest.hex())\n"
HOT = "for _ in range(5000): study.root(3)"
MONITORED = """
import sys
monitoring = getattr(sys, "monitoring", None)
if monitoring:
    monitoring.use_tool_id(3, "a tool")
    for event in (monitoring.events.LINE, monitoring.events.INSTRUCTION, monitoring.events.PY_START):
        monitoring.register_callback(3, event, lambda *_: None)
    monitoring.set_events(3, monitoring.events.LINE | monitoring.events.INSTRUCTION | monitoring.events.PY_START)
else:
    sys.settrace(lambda *_: None)
for _ in range(50): study.root(3)
"""


def printed(arguments: list[str], folder: Path, **environment: str) -> list[str]:
    """Return the words that a fresh process prints."""
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(folder)]), **environment}
    done = subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def run(arguments: list[str], folder: Path, **environment: str) -> str:
    """Return the last word that a fresh process prints."""
    return printed(arguments, folder, **environment)[-1]


def test_coverage_monitoring_and_heat_leave_the_fingerprint(tmp_path):
    """Under `coverage run` with either of its cores, monitored, optimized by heat, or stepped by pdb: one digest."""
    (tmp_path / "study.py").write_text(SOURCE)
    for name, extra in (("cold", ""), ("hot", HOT), ("monitored", MONITORED)):
        (tmp_path / f"{name}.py").write_text(ASKING.format(extra))
    measured = ["-m", "coverage", "run", "--branch", "--source=.", "hot.py"]
    newest = "sysmon" if sys.version_info >= (3, 12) else "ctrace"
    found = {
        run(["cold.py"], tmp_path),
        run(["hot.py"], tmp_path),
        run(["monitored.py"], tmp_path),
        run(measured, tmp_path, COVERAGE_CORE="ctrace"),
        run(measured, tmp_path, COVERAGE_CORE="pytrace"),
        run([*measured[:3], "--source=.", "hot.py"], tmp_path, COVERAGE_CORE=newest),
        run(["-m", "trace", "--count", "--coverdir", "counts", "cold.py"], tmp_path),
        run(["-m", "cProfile", "-o", "profile", "hot.py"], tmp_path),
        run(["-X", "dev", "-W", "ignore", "cold.py"], tmp_path),
        run(["-X", "no_debug_ranges", "cold.py"], tmp_path),
    }
    assert len(found) == 1


CARRIED = """
import cloudpickle
from memo.fingerprint import fingerprint
RATE = 3
class Model:
    rate = 2
    def fit(self, x): return helper(x) * self.rate
def helper(x): return x * RATE
def make(k):
    def scale(x): return helper(x) * k
    return scale
def root(x): return Model().fit(x) + make(2)(x)
with open("sent", "wb") as file:
    for function in (root, helper, make(2), make(3), Model().fit, lambda x: helper(x)):
        cloudpickle.dump(function, file)
        print(fingerprint(function).digest.hex(), function(2))
"""
RECEIVING = """
import pickle
from memo.fingerprint import fingerprint
with open("sent", "rb") as file:
    for _ in range(6):
        function = pickle.load(file)
        print(fingerprint(function).digest.hex(), function(2))
"""


@pytest.mark.parametrize("receiver", ["console", "script"])
def test_what_cloudpickle_carries_to_another_process_is_the_same(tmp_path, receiver):
    """Functions, closures and objects that a script sends by value keep their digest where they arrive."""
    (tmp_path / "study.py").write_text(CARRIED)
    (tmp_path / "worker.py").write_text(RECEIVING)
    sent = printed(["study.py"], tmp_path)
    assert len(set(sent[::2])) == 6
    assert printed(["-c", RECEIVING] if receiver == "console" else ["worker.py"], tmp_path) == sent


def test_a_function_pickled_twice_keeps_its_digest(project):
    """Sent on by value from where it was received, a function is still the same."""
    study = project("study", SOURCE)
    cloudpickle.register_pickle_by_value(study)
    try:
        once = pickle.loads(cloudpickle.dumps(study.root))
        twice = pickle.loads(cloudpickle.dumps(once))
    finally:
        cloudpickle.unregister_pickle_by_value(study)
    assert once is not study.root
    assert fingerprint(once).digest == fingerprint(twice).digest == digest_of(study)


EXTENSION = """
#define PY_SSIZE_T_CLEAN
#include <Python.h>
static PyObject *step(PyObject *self, PyObject *x) { return PyNumber_Add(x, PyLong_FromLong(%d)); }
static PyMethodDef methods[] = {{"step", step, METH_O, "Add."}, {NULL, NULL, 0, NULL}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "native", NULL, -1, methods};
PyMODINIT_FUNC PyInit_native(void) { return PyModule_Create(&module); }
"""
COMPILER = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
HEADERS = sysconfig.get_paths()["include"]
CAN_COMPILE = COMPILER and (Path(HEADERS) / "Python.h").exists()


def compile_native(folder: Path, added: int) -> None:
    """Build an extension module that adds a number, from C."""
    (folder / "native.c").write_text(EXTENSION % added)
    target = folder / f"native{sysconfig.get_config_var('EXT_SUFFIX')}"
    flags = ["-shared", "-fPIC", *(["-undefined", "dynamic_lookup"] if sys.platform == "darwin" else [])]
    subprocess.run([COMPILER, *flags, f"-I{HEADERS}", str(folder / "native.c"), "-o", str(target)], check=True)


def ask_with(folder: Path, source: str) -> str:
    """Return the digest that a process finds for `study.root` in a folder."""
    (folder / "study.py").write_text(source)
    (folder / "ask.py").write_text(ASKING.format(""))
    return run(["ask.py"], folder)


USES = ["native.step(x)", "step(x)", "sorted([x], key=native.step)", "TABLE['a'](x)"]


@pytest.mark.parametrize("use", USES if CAN_COMPILE else [])
def test_an_extension_of_the_project_counts_by_its_file(tmp_path, use):
    """Rebuilt from other C, an extension module is other code, however it is reached; from the same C it is not."""
    source = f"import native\nfrom native import step\nTABLE = {{'a': step}}\ndef root(x): return {use}\n"
    found = []
    for name, added in (("one", 1), ("again", 1), ("two", 2)):
        folder = tmp_path / name
        folder.mkdir()
        compile_native(folder, added)
        found.append(ask_with(folder, source))
    assert found[0] == found[1]
    assert found[0] != found[2]


@pytest.mark.parametrize(
    "use", ["packing._cmsgpack.Packer().pack(x)", "Packer()", "unpackb(x)", "packing._cmsgpack.unpackb(x)"]
)
def test_somebody_elses_extension_in_the_project_is_the_projects(tmp_path, use):
    """A Cython module copied into the project counts by its bytes, its functions and classes alike."""
    library = Path(msgpack.__file__).parent
    source = f"import packing._cmsgpack\nfrom packing._cmsgpack import Packer, unpackb\ndef root(x): return {use}\n"
    found = []
    for name, more in (("one", b""), ("again", b""), ("two", b"\0")):
        folder = tmp_path / name
        shutil.copytree(library, folder / "packing")
        [compiled] = (folder / "packing").glob("_cmsgpack*[.]so")
        compiled.write_bytes(compiled.read_bytes() + more)
        found.append(ask_with(folder, source))
    assert found[0] == found[1]
    assert found[0] != found[2]


def test_functions_behind_ctypes_count(project):
    """A callback made for C is followed to the function that it calls."""
    source = (
        "import ctypes\ndef helper(a): return a + 1\n"
        "CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int)(helper)\ndef root(x): return CALLBACK(x)\n"
    )
    study = project("study", source)
    assert study.root(1) == 2
    assert issubclass(type(study.CALLBACK), ctypes._CFuncPtr)
    before = digest_of(study)
    assert digest_of(project("study", source.replace("a + 1", "a + 2"))) != before
    assert digest_of(project("study", source)) == before
