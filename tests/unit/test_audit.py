"""Which of the user's functions ran and are not in the fingerprint, and that declaring them mends it."""

from __future__ import annotations

import functools
import subprocess
import sys
import threading

import pytest

import memo
from memo.auditing import audit, run_audited

# What static analysis cannot see: names put together at run time, and code loaded by its path.
HIDDEN = """
import asyncio, functools, importlib, importlib.util, os, sys, threading
from concurrent.futures import ThreadPoolExecutor
FILTERS = {}
def register(name):
    def keep(function):
        FILTERS[name] = function
        return function
    return keep
def pick(word):
    return getattr(sys.modules["hidden"], "_".join(word))
def double(x): return helped(x)
def helped(x): return x * 2
def unused(x): return x
KEY = {"by": [lambda x: -x]}
ODD = lambda a, b: a + b * 2
def make(k):
    def scaled(x): return x * k
    return scaled
TRIPLE = make(3)
class Model:
    @property
    def gain(self): return 5
    @staticmethod
    def still(x): return x + 1
    @classmethod
    def of(cls, x): return x + 2
    def apply(self, x): return x + self.gain
def numbers(n):
    for i in range(n):
        yield i
async def later(x):
    await asyncio.sleep(0)
    return x + 1
def in_thread(out): out.append(1)
def residual(p, *rest): return (p - 3) ** 2
def nested(x):
    def inside(v): return v + 1
    return [inside(v) for v in map(lambda v: v * 2, [x])]
"""
STUDY = """
import asyncio, functools, importlib, importlib.util, sys, threading
from concurrent.futures import ThreadPoolExecutor
def hidden(name):
    return getattr(sys.modules["hid" + "den"[:0] + "den"], "".join(reversed(name)))
def by_name(x): return hidden("elbuod")(x)
def by_key(x): return sorted([1, 3, 2], key=hidden("YEK")["by"][0])
def by_reduce(x): return functools.reduce(hidden("DDO"), [1, 2, 3])
def by_closure(x): return hidden("ELPIRT")(x)
def by_method(x): return getattr(hidden("ledoM")(), "".join(["ap", "ply"]))(x)
def by_static(x): return getattr(hidden("ledoM"), "".join(["st", "ill"]))(x)
def by_class(x): return getattr(hidden("ledoM"), "".join(["o", "f"]))(x)
def by_generator(x): return list(hidden("srebmun")(3))
def by_coroutine(x): return asyncio.run(hidden("retal")(x))
def by_thread(x):
    out = []
    worker = threading.Thread(target=hidden("daerht_ni"), args=(out,))
    worker.start(); worker.join()
    return out
def by_pool(x):
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(hidden("elbuod"), [1, 2]))
def by_optimizer(x):
    from scipy.optimize import minimize
    return float(minimize(hidden("laudiser"), [0.0]).x[0]) > 2
def by_path(x, path):
    spec = importlib.util.spec_from_file_location("loaded", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return getattr(module, "".join(["ma", "in"]))(x)
def by_nested(x): return hidden("detsen")(x)
def plainly(x):
    return sorted([x, x + 1], key=known)[0]
def known(x): return [known_too(x) for _ in range(2)]
def known_too(x): return -x
"""
CASES = {
    "by_name": (4, {"double", "helped"}, ["double"]),
    "by_key": ([3, 2, 1], {"<lambda>"}, ["KEY['by'][0]"]),
    "by_reduce": (11, {"<lambda>"}, ["ODD"]),
    "by_closure": (6, {"make.<locals>.scaled"}, ["TRIPLE"]),
    "by_method": (7, {"Model.apply", "Model.gain"}, ["Model.apply", "Model.gain.fget"]),
    "by_static": (3, {"Model.still"}, ["Model.still"]),
    "by_class": (4, {"Model.of"}, ["Model.of"]),
    "by_generator": ([0, 1, 2], {"numbers"}, ["numbers"]),
    "by_coroutine": (3, {"later"}, ["later"]),
    "by_thread": ([1], {"in_thread"}, ["in_thread"]),
    "by_pool": ([2, 4], {"double", "helped"}, ["double"]),
    "by_nested": ([5], {"nested"}, ["nested"]),
    "by_optimizer": (True, {"residual"}, ["residual"]),
}


@pytest.fixture
def study(project):
    """Return a module whose functions find others by names put together at run time, and those others."""
    project("hidden", HIDDEN)
    return project("study", STUDY)


def looked_up(path: str) -> object:
    """Return something of the hidden module."""
    return eval(path, vars(sys.modules["hidden"]))


@pytest.mark.parametrize("name", CASES)
def test_what_ran_unseen_is_named_and_can_be_declared(study, name):
    """Each hidden function is reported once, with what to write; declared, it is reported no more."""
    value, names, pastes = CASES[name]
    found = audit(getattr(study, name))(2)
    assert found.value == value
    assert {finding.name for finding in found.functions} == {f"hidden.{name}" for name in names}
    assert [finding.paste for finding in found.functions if finding.paste] == [f"hidden.{paste}" for paste in pastes]
    assert found.depends == [looked_up(paste) for paste in pastes]
    assert not found
    assert f"@memo.cached(depends=[{', '.join(f'hidden.{paste}' for paste in pastes)}])" in str(found)
    again = audit(memo.cached(getattr(study, name), depends=found.depends))(2)
    assert again.value == value
    assert again.functions == ()
    assert again.clean


def test_what_the_fingerprint_knows_is_not_reported(study):
    """Helpers that the code names, at any depth and inside comprehensions, are declared by being named."""
    found = audit(study.plainly)(1)
    assert found.value == 2
    assert found.findings == ()
    assert found
    assert str(found) == "audit of study.plainly: nothing undeclared; 3 functions of yours ran"


def test_a_function_is_told_with_its_line_and_its_caller(study):
    """A reader finds the function and the line that called it."""
    (finding,) = audit(study.by_static)(1).functions
    assert (finding.name, finding.place.line) == ("hidden.Model.still", 24)
    assert finding.function is looked_up("Model.still")
    assert str(finding.caller) == "study.py:11 in by_static"


def test_the_report_names_what_to_declare(study):
    """The functions to write down are listed, and those that come with them are counted."""
    assert str(audit(study.by_name)(2)).splitlines()[2:] == [
        "functions of yours that ran and are not in the fingerprint",
        "  hidden.double  hidden.py:12  called from study.py:6 in by_name",
        "  and 1 more that come with it",
        "  -> @memo.cached(depends=[hidden.double])",
    ]


def test_code_loaded_by_its_path_is_declared_by_its_path(study, tmp_path):
    """A module that no import finds again is declared as a file, and counts by what stands in it."""
    plugin = tmp_path / "plugin.py"
    plugin.write_text("TABLE = [len(w) for w in ['a']]\ndef main(x): return deeper(x)\ndef deeper(x): return x + 40\n")
    found = audit(study.by_path)(2, str(plugin))
    assert found.value == 42
    assert {finding.name for finding in found.functions} == {"loaded.main", "loaded.deeper"}
    assert found.depends == [str(plugin)]
    assert 'depends=[Path(__file__).parent / "plugin.py"]' in str(found)
    assert audit(study.by_path, depends=found.depends)(2, str(plugin)).clean


def test_a_module_that_the_call_reloads(study, project):
    """The same code loaded anew is still the code that counts."""
    module = project("reloads", "import importlib, hidden\ndef root(x): return importlib.reload(hidden).double(x)\n")
    module.root.__globals__["unused"] = module.hidden.double
    found = audit(module.root, depends=[module.hidden.double])(4)
    assert found.value == 8
    assert found.functions == ()


TEXTS = """
def made(x): return eval("x + " + str(x))
def plain(x): return eval("x + 1")
def grown(x):
    space = {}
    exec("def f(x): return " + str(x), space)
    return space["f"](x)
"""


def test_text_run_by_exec_is_told_as_such(project):
    """Text that the program makes is reported as text; text that stands in the code is not."""
    module = project("texts", TEXTS)
    found = audit(module.made)(1)
    assert found.value == 2
    assert [finding.kind for finding in found.functions] == ["text"]
    assert "text that was run by exec or eval" in str(found)
    assert audit(module.plain)(1).findings == ()
    grown = audit(module.grown)(5)
    assert grown.value == 5
    assert {finding.kind for finding in grown.functions} == {"text"}
    assert grown.depends == []


MADE = """
from collections import namedtuple
from dataclasses import dataclass
Point = namedtuple("Point", "x y")
@dataclass
class Pair:
    a: int
    b: int = 2
def root(x):
    from scipy import stats
    return Point(x, 1), Pair(x), repr(Pair(x)), Pair(1) == Pair(1), float(stats.norm.pdf(x))
"""


def test_what_libraries_write_at_run_time_is_theirs(project):
    """Named tuples, dataclasses and scipy's own generated functions are not reported."""
    module = project("made", MADE)
    found = audit(module.root)(1)
    assert found.value[0] == (1, 1)
    assert found.findings == ()


def test_importing_inside_the_call_is_noted(project, tmp_path):
    """What an import runs is not the call's doing, but said."""
    (tmp_path / "late.py").write_text("def build(): return 7\nVALUE = build()\n")
    module = project("early", "import importlib\ndef root(x): return importlib.import_module('la' + x).VALUE\n")
    found = audit(module.root)("te")
    sys.modules.pop("late")
    assert found.value == 7
    assert found.clean
    assert found.notes == ("imported during the call, and run by that: late",)


def test_a_cached_function_is_audited_with_its_own_options(study, store):
    """The call computes although its result is stored, nothing is stored, and what it declares is declared."""
    cached = memo.cached(study.by_name, store=store)
    assert cached(2) == 4
    entries = len(list(cached.cache.entries()))
    found = audit(cached)(2)
    assert found.value == 4
    assert [finding.paste for finding in found.functions] == ["hidden.double", ""]
    assert audit(cached)(x=3).value == 6
    assert len(list(cached.cache.entries())) == entries
    cached.cache._caller.code["depends"] = found.depends
    assert audit(cached)(2).clean


def test_methods_and_partials_can_be_audited(project, store):
    """A bound method takes its object along, cached or not, and so does a partial its arguments."""
    module = project("methods", "class Model:\n    def __init__(self, k): self.k = k\n"
                     "    def fit(self, x): return x * self.k\n")  # fmt: skip
    assert audit(module.Model(3).fit)(2).value == 6
    assert audit(functools.partial(module.Model.fit, module.Model(4)))(2).value == 8
    module.Model.fit = memo.cached(module.Model.fit, store=store)
    found = audit(module.Model(5).fit)(x=2)
    assert found.value == 10
    assert found.clean


def test_cached_functions_inside_belong_to_both(study, project, tmp_path):
    """A cached function that calls another runs it or gets it from the store; if it runs, its findings are both's."""
    outer = project("outer", "def root(x): return inner(x) + 1\ninner = None\n")
    outer.inner = memo.cached(study.by_static, store=tmp_path / "fresh")
    found = audit(outer.root)(4)
    assert found.value == 6
    assert [finding.name for finding in found.findings] == ["hidden.Model.still"]
    assert audit(outer.root)(4).clean  # the inner result came from the store


def test_what_storing_runs_is_not_the_calls(project, tmp_path):
    """Methods of the user's that the store calls, as to pickle a result, have no part in what is computed."""
    project("shapes", "class Shape:\n    def __getstate__(self): return {'side': 1}\n")
    text = "import sys\ndef made(x): return getattr(sys.modules['shapes'], ''.join(['Sh', 'ape']))()\n"
    module = project("drawing", text + "inner = None\ndef root(x): return type(inner(x)).__name__\n")
    module.inner = memo.cached(module.made, store=tmp_path / "fresh")
    found = audit(module.root)(1)
    assert found.value == "Shape"
    assert module.inner.cache.contains(1)
    assert found.findings == ()


def test_an_audit_inside_an_audit_sees_its_own_part(study, project):
    """The inner call is in both reports, the rest of the outer one in its own."""
    inner = []
    outer = project("outer", "def root(x): return run(x) + by(x)\nrun = by = None\n")
    outer.run = lambda x: inner.append(audit(study.by_static)(x)) or inner[0].value
    outer.by = study.by_class
    found = audit(outer.root)(1)
    assert found.value == 5
    assert [finding.name for finding in inner[0].functions] == ["hidden.Model.still"]
    assert {"hidden.Model.still", "hidden.Model.of"} <= {finding.name for finding in found.functions}
    assert sys.getprofile() is None
    assert threading.getprofile() is None


def test_audits_in_two_threads_keep_apart(study):
    """Each audit sees its own thread and those started from it, not the other's."""
    found, ready = {}, threading.Barrier(2)

    def run(name):
        def call(x):
            ready.wait()
            value = getattr(study, name)(x)
            ready.wait()
            return value

        ready.wait()  # a thread that starts during an audit counts for it
        found[name] = audit(call)(1)

    threads = [threading.Thread(target=run, args=(name,)) for name in ("by_static", "by_class")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    names = {name: {finding.name for finding in found[name].functions} for name in found}
    assert names == {"by_static": {"hidden.Model.still"}, "by_class": {"hidden.Model.of"}}


def test_an_exception_passes_through_with_a_note(study, project):
    """The exception is the function's own, and carries what was found so far."""
    module = project("failing", "import study\ndef root(x):\n    study.by_static(x)\n    raise KeyError('mine')\n")
    with pytest.raises(KeyError, match="mine") as raised:
        audit(module.root)(1)
    (note,) = raised.value.__notes__
    assert "hidden.Model.still" in note
    assert sys.getprofile() is None
    with pytest.raises(TypeError, match="missing 1 required positional argument"):
        audit(module.root)()


def test_what_cannot_be_keyed_is_still_traced(study, project):
    """An argument without a canonical form is said, and the call is audited without it."""
    module = project("odd", "import study\ndef root(x): return study.by_static(1)\n")
    found = audit(module.root)(threading.Lock())
    assert found.value == 2
    assert "this call could not be cached: x: " in found.notes[0]
    assert len(found.functions) == 1


def test_the_functions_that_ran_are_counted(project):
    """A lambda is a function of the user's, a comprehension is not; and none is plural."""
    module = project("counted", "import math\nroot = lambda x: [n + 1 for n in x]\n")
    assert str(audit(module.root)([1])).endswith("; 1 function of yours ran")
    assert str(audit(functools.partial(len, "ab"))()).endswith("; 0 functions of yours ran")


def test_a_returned_generator_is_said_to_be_untraced(project, study):
    """What a generator of another function does later is not in the report, and the report says so."""
    module = project("returning", "from hidden import numbers\ndef root(x): return numbers(x)\n")
    found = audit(module.root)(2)
    assert list(found.value) == [0, 1]
    assert "generator" in found.notes[0]


def test_another_profiler_is_not_thrown_out(study):
    """Where tracing would end another profiler for good, the audit refuses and says why."""
    sys.setprofile(lambda *_: None)
    try:
        with pytest.raises(memo.MemoError, match="expected no other profiler") as refused:
            audit(study.plainly)(1)
    finally:
        sys.setprofile(None)
    assert "stop the profiler" in refused.value.hint


def test_a_profiler_inside_the_call_is_left_alone(study):
    """A function that profiles itself does so; the report says what it missed."""
    seen = []

    def root(x):
        sys.setprofile(lambda frame, event, _: seen.append(event))
        return study.plainly(x)

    try:
        found = audit(root, allow_mutable_bindings=True)(1)
        assert found.value == 2
        assert sys.getprofile() is not None
    finally:
        sys.setprofile(None)
    assert "call" in seen
    assert "a profiler of its own" in found.notes[-1]


def test_profilers_of_new_threads_come_back(study):
    """What was to profile new threads before the audit does so after it."""

    def profile(*_):
        pass

    threading.setprofile(profile)
    try:
        assert audit(study.plainly)(1).clean
        assert threading.getprofile() is profile
    finally:
        threading.setprofile(None)


def test_tracing_leaves_debuggers_alone(study):
    """A trace function, as coverage and debuggers set it, sees what it saw before."""
    lines = []

    def trace(frame, event, _):
        if frame.f_code.co_filename == study.__file__:
            lines.append(frame.f_code.co_name)
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        audit(study.plainly)(1)
    finally:
        sys.settrace(before)
    assert {"plainly", "known", "known_too"} <= set(lines)


CPROFILE = """
import cProfile, sys
from memo.auditing import audit
import memo
def root(x): return helper(x)
def helper(x): return x + 1
profile = cProfile.Profile()
profile.enable()
try:
    print(audit(root)(1).value)
except memo.MemoError as error:
    print(error)
profile.disable()
print(any("helper" in str(row.code) for row in profile.getstats()))
"""


def test_under_cprofile(tmp_path):
    """Here cProfile goes on profiling: beside the audit where Python lets both, instead of it where not."""
    (tmp_path / "run.py").write_text(CPROFILE)
    done = subprocess.run([sys.executable, "run.py"], cwd=tmp_path, check=True, capture_output=True, text=True)
    said, kept = done.stdout.splitlines()
    if sys.version_info >= (3, 12):
        assert (said, kept) == ("2", "True")
    else:
        assert "expected no other profiler" in said
    assert done.stderr == ""


def test_the_first_computed_call_of_a_process_is_told(study, store, capsys):
    """With MEMO_AUDIT set, each cached function tells once on stderr, and returns what it returns."""
    for name, first in (("by_static", "1 thing not declared"), ("plainly", "nothing undeclared")):
        caller = memo.cached(getattr(study, name), store=store).cache._caller
        version, _ = caller.sign([1])
        assert run_audited(caller, version, [1]) == 2
        told = capsys.readouterr().err
        assert told.startswith(f"audit of study.{name}: {first}")
        assert run_audited(caller, version, [3]) == 4
        assert capsys.readouterr().err == ""


def test_a_failing_call_is_not_told(project, store, capsys):
    """An exception passes as it is, and the next computed call is the one that is told."""
    module = project("failing", "def root(x): return 1 / x\n")
    caller = memo.cached(module.root, store=store).cache._caller
    version, _ = caller.sign([0])
    with pytest.raises(ZeroDivisionError) as raised:
        run_audited(caller, version, [0])
    assert not hasattr(raised.value, "__notes__")
    assert capsys.readouterr().err == ""
    assert run_audited(caller, version, [1]) == 1
    assert capsys.readouterr().err.startswith("audit of failing.root: nothing undeclared")


def test_under_a_profiler_the_call_runs_untold(study, store):
    """What cannot be audited is computed, and said aloud."""
    caller = memo.cached(study.plainly, store=store).cache._caller
    version, _ = caller.sign([1])
    sys.setprofile(lambda *_: None)
    try:
        with pytest.warns(memo.CacheWarning, match="was not audited"):
            assert run_audited(caller, version, [1]) == 2
    finally:
        sys.setprofile(None)


LATE = """
import sys, threading
from memo.auditing import audit
import plugin
waiting, told = threading.Event(), threading.Event()
def work():
    waiting.wait()
    getattr(sys.modules["plug" + "in"[:0] + "in"], "".join(reversed("ereh")))()
    told.set()
thread = threading.Thread(target=work)
thread.start()
def root(x):
    waiting.set()
    told.wait()
    return x
found = audit(root)(1)
thread.join()
print(found.value, [f"{finding.name}: {finding.caller}" for finding in found.functions])
"""


def test_threads_that_ran_before(tmp_path):
    """On Python 3.12 and later, what a thread of before does during the call is seen."""
    (tmp_path / "plugin.py").write_text("def here(): pass\n")
    (tmp_path / "run.py").write_text(LATE)
    done = subprocess.run([sys.executable, "run.py"], cwd=tmp_path, check=True, capture_output=True, text=True)
    seen = "['plugin.here: a thread that ran before the call']" if sys.version_info >= (3, 12) else "[]"
    assert done.stdout.strip() == f"1 {seen}"
    assert done.stderr == ""


@pytest.mark.parametrize("given", [3, property(len), None])
def test_what_is_no_function_is_refused(given):
    """The hint tells where the function of a property is."""
    with pytest.raises(memo.UnstableFunction, match="expected a function to audit, found") as caught:
        memo.audit(given)
    assert ".fget" in caught.value.hint
