"""`cas import --from neurotools`: whole trees that the original wrote, and trees made as it would have."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import shutil
import subprocess
import sys
import zlib
from base64 import b64decode, urlsafe_b64encode
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import cas
import memo
from cas.cli import main
from cas.form import unpack
from memo.neurotools.originals.files import Unreadable, read_original
from memo.neurotools.originals.names import locate_original
from tests.cli.test_process import AT_ONCE, on_terminal, piped
from tests.deposits import assert_intact

DATA = Path(__file__).parents[1] / "data" / "neurotools"
SEEDLAB = (DATA / "seedlab.py").read_text()
NPY, PICKLE, MAT = DATA / "root_npy", DATA / "root_pickle", DATA / "root_mat"

CALLS = """
import numpy as np
import seedlab
same = lambda one, other: type(one) is type(other) and np.array_equal(one, other)
assert same(power(10), seedlab.power(10))
assert same(power(exponent=3, n=10), seedlab.power(10, 3))
assert label("mouse") == "mouse mouse mouse "
assert label("rat", flag=False) == "rat rat rat "
assert ratio(1, 3) == 1 / 3
assert same(spectrum("/data/s1.dat", 7), seedlab.spectrum("/data/s1.dat", 7))
print([f.cache.stats().misses for f in (power, label, ratio, spectrum)])
print([f.cache.stats().hits for f in (power, label, ratio, spectrum)])
"""


@pytest.fixture
def project(tmp_path, monkeypatch) -> Path:
    """Go to a folder with the module whose functions the original cached."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "seedlab.py").write_text(SEEDLAB)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    monkeypatch.setenv("CAS_STORE", str(tmp_path / "store"))
    yield folder
    for name in ("seedlab", "lab", "helper"):
        sys.modules.pop(name, None)


def bring(folder: Path, *options: str) -> tuple[int, dict, str]:
    """Import a tree in this process; return exit code, report and messages."""
    result = CliRunner().invoke(main, ["import", "--from", "neurotools", str(folder), "--json", *options])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, json.loads(result.stdout), result.stderr


def python(code: str) -> list[str]:
    """Run code in the project and return the lines it prints."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def digests(folder: Path) -> dict[str, str]:
    """Return every file below a folder with the digest of its bytes."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def write_original(root: Path, function, result, *args, method="npy", **kwargs) -> Path:
    """Write a file as the original did for a call, and return its path."""
    path = Path(locate_original(root / "__neurotools_cache__", function, method, *args, **kwargs))
    path.parent.mkdir(parents=True, exist_ok=True)
    both = np.empty(2, object)
    both[0], both[1] = (args, tuple(kwargs.items())), result
    if method == "npy":
        np.save(path, both, allow_pickle=True)
    elif method == "pickle":
        path.write_bytes(pickle.dumps(tuple(both)))
    else:
        from scipy.io import savemat

        savemat(path, {"varargout": both})
    return path


def lab(project: Path, source: str):
    """Write the module `lab` and import it."""
    import importlib

    (project / "lab.py").write_text(source)
    for name in ("lab", "helper"):
        sys.modules.pop(name, None)
    importlib.invalidate_caches()
    sys.path.insert(0, str(project))
    try:
        return importlib.import_module("lab")
    finally:
        sys.path.remove(str(project))


@pytest.mark.parametrize("tree", [NPY, PICKLE])
def test_served_by_memo_cached(project, tree):
    """Every entry of a tree is imported, and functions with @memo.cached serve them without computing."""
    before = digests(tree)
    code, report, _ = bring(tree, "--trust")
    assert code == 0
    assert [(one["function"], one["made"], one["kept"], one["aside"]) for one in report["imported"]] == [
        ("seedlab.label", 2, 0, None),
        ("seedlab.power", 3, 0, None),
        ("seedlab.ratio", 2, 0, None),
        ("seedlab.spectrum", 2, 0, None),
    ]
    assert report["unread"] == []
    assert digests(tree) == before
    cached = "import memo, seedlab\npower, label, ratio, spectrum = map(memo.cached, " + (
        "(seedlab.power, seedlab.label, seedlab.ratio, seedlab.spectrum))\n"
    )
    assert python(cached + CALLS) == ["[0, 0, 0, 0]", "[2, 2, 1, 1]"]
    assert_intact(cas.open())


def test_served_where_the_module_is_decorated(project):
    """A module whose functions carry @memo.cached already asks for the same keys, under its own options."""
    decorated = "import memo\n" + SEEDLAB.replace("def power", '@memo.cached(version="2")\ndef power')
    (project / "seedlab.py").write_text(decorated)
    _, report, _ = bring(NPY, "--trust")
    aside = {one["function"]: one["aside"] for one in report["imported"]}
    # The decorator's line is part of the source that the original's code is made of.
    assert aside["seedlab.power"] == "the code of power has changed since"
    assert aside["seedlab.label"] is None


def test_served_by_disk_cacher(project, tmp_path):
    """`disk_cacher` serves what was imported into its store, without trusting the tree itself."""
    place = tmp_path / "cache"
    code, _, _ = bring(NPY, "--trust", "--store", str(place / "__neurotools_cache__" / ".store"))
    assert code == 0
    cached = (
        "import seedlab\nfrom memo.neurotools import disk_cacher\n"
        f"cacher = disk_cacher({str(place)!r})\n"
        "power, label, ratio, spectrum = map(cacher, "
        "(seedlab.power, seedlab.label, seedlab.ratio, seedlab.spectrum))\n"
    )
    assert python(cached + CALLS) == ["[0, 0, 0, 0]", "[2, 2, 1, 1]"]


def test_nothing_runs_without_trust(project, tmp_path):
    """Without --trust no pickle is read and no module imported: what is there is counted, with the hint."""
    module = lab(project, "def f(n):\n    return n\n")

    class Bomb:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "exploded"),)

    write_original(tmp_path, module.f, Bomb(), 1)
    write_original(tmp_path, module.f, Bomb(), 2, method="pickle")
    (project / "lab.py").write_text(f"import os\nos.mkdir({str(tmp_path / 'imported')!r})\n")
    sys.modules.pop("lab")
    code, report, _ = bring(tmp_path / "__neurotools_cache__")
    assert code == 1
    assert report["imported"] == []
    (unread,) = report["unread"]
    assert (unread["function"], len(unread["files"])) == ("lab.f", 2)
    assert unread["reason"] == "a pickle, and pickles run code as they are read"
    assert "--trust" in unread["hint"]
    assert not (tmp_path / "exploded").exists()
    assert not (tmp_path / "imported").exists()
    assert cas.open().count() == 0


def test_wrecks_are_told_by_reason(project, tmp_path):
    """What cannot be read is counted by function and reason: empty, truncated, foreign, or of a class that is gone."""
    module = lab(project, "def f(n):\n    return n\n")
    files = [write_original(tmp_path, module.f, {"n": n}, n) for n in range(5)]
    files[0].write_bytes(b"")
    files[1].write_bytes(files[1].read_bytes()[:-5])
    np.save(files[2], np.arange(3.0))
    files[3].write_bytes(files[3].read_bytes().replace(b"numpy", b"nompy"))
    (files[4].parent / "notes.txt").write_text("mine")
    code, report, _ = bring(tmp_path, "--trust")
    assert code == 1
    assert [(one["function"], one["made"]) for one in report["imported"]] == [("lab.f", 1)]
    reasons = {one["files"][0]: one["reason"] for one in report["unread"]}
    assert reasons[str(files[0])] == "0 bytes: the original failed while it wrote the file"
    assert reasons[str(files[1])] == "truncated"
    assert reasons[str(files[2])].startswith("not a file of the original: ")
    assert "No module named 'nompy'" in reasons[str(files[3])]
    assert reasons[str(files[4].parent / "notes.txt")].startswith("not a file of the original: its name")
    assert len(report["unread"]) == 5


def test_whole_fixture_for_a_person(project, tmp_path):
    """The report names what was read and what was not, the 0-byte wrecks of the mat method among them."""
    outcome = piped("import", "--from", "neurotools", str(DATA), "--trust")
    assert outcome.returncode == 1
    lines = [" ".join(line.split()) for line in outcome.stdout.splitlines()]
    assert lines[0] == "FUNCTION CODE NEW THERE SERVED"
    assert "seedlab.power vKiPzcEd3YL74Q 3 3 yes" in lines
    assert any(
        line.startswith("seedlab.power 3 0 bytes: the original failed while it wrote the file") for line in lines
    )
    assert lines[-1] == "imported 9 entries; 9 entries stood there already"
    assert outcome.stderr.startswith("9 files not read\nhint: ")


def test_progress(project):
    """On a terminal the files that have been read are counted."""
    code, seen = on_terminal("import", "--from", "neurotools", str(NPY), "--trust", width=200, code=AT_ONCE)
    assert code == 0
    assert "reading files" in seen


def test_dry_run_leaves_no_trace(project, tmp_path):
    """A dry run reports what would be, and makes neither store nor file."""
    before = digests(project)
    code, report, _ = bring(NPY, "--trust", "--dry-run")
    assert (code, sum(one["made"] for one in report["imported"])) == (0, 9)
    assert not os.path.exists(tmp_path / "store")
    assert {name: body for name, body in digests(project).items() if "__pycache__" not in name} == before
    bring(NPY / "__neurotools_cache__" / "seedlab" / "power", "--trust")
    _, report, _ = bring(NPY, "--trust", "--dry-run")
    assert [(one["made"], one["kept"]) for one in report["imported"]] == [(2, 0), (0, 3), (2, 0), (2, 0)]
    assert cas.open().count() == 3


def test_no_tree_there(project, tmp_path):
    """A folder without files of the original is an error that says what to name."""
    result = CliRunner().invoke(main, ["import", "--from", "neurotools", str(project)])
    assert result.exit_code == 3
    assert "no files of neurotools in" in result.stderr
    assert "__neurotools_cache__" in result.stderr


@pytest.mark.parametrize("part", ["", "__neurotools_cache__", "__neurotools_cache__/seedlab/power"])
def test_any_folder_of_the_tree(project, part):
    """A folder above the cache, the cache itself, and one below it lead to the same modules."""
    _, report, _ = bring(NPY / part, "--trust")
    assert ("seedlab.power", 3, None) in [(one["function"], one["made"], one["aside"]) for one in report["imported"]]


def test_cache_of_another_identifier(project, tmp_path):
    """A cache that was told another name is given itself."""
    shutil.copytree(NPY / "__neurotools_cache__", tmp_path / "mine")
    _, report, _ = bring(tmp_path / "mine", "--trust")
    assert all(one["aside"] is None for one in report["imported"])
    assert sum(one["made"] for one in report["imported"]) == 9


def test_code_that_changed(project):
    """Results of other code are filed under a version of their own: listed, shown, adopted, but not served."""
    (project / "seedlab.py").write_text(SEEDLAB.replace("**exponent", " ** exponent"))
    code, report, _ = bring(NPY, "--trust")
    assert code == 0
    aside = {one["function"]: one["aside"] for one in report["imported"]}
    assert aside["seedlab.power"] == "the code of power has changed since"
    store = cas.open()
    entries = list(store.entries("seedlab", "power", "created"))
    version = f"seedlab.power@{entries[0].function.fingerprint.hex()[:12]}"
    assert {entry.function.parameters for entry in entries} == {("n", "exponent")}
    assert "neurotools called this code vKiPzcEd3YL74Q" in piped("show", version).stdout
    assert piped("ls", "power").stdout.count("float64[10]") == 2
    assert piped("get", entries[0].key.hex(), "-o", "out.npy").returncode == 0
    assert np.load("out.npy").dtype == np.float64
    adopting = (
        "import memo, seedlab\nf = memo.cached(seedlab.power)\nf(10)\nprint(f.cache.stats().misses)\n"
        f"print(f.cache.adopt({version.partition('@')[2]!r}).made)\n"
        "assert f(10, 3).tolist() == [n ** 3 for n in range(10)]\nprint(f.cache.stats().misses)"
    )
    assert python(adopting) == ["1", "2", "1"]


def test_module_that_is_gone(project):
    """Without the module, entries are filed by the arguments that their names say."""
    (project / "seedlab.py").unlink()
    code, report, _ = bring(NPY, "--trust")
    assert code == 0
    assert all(one["aside"].startswith("importing seedlab raised ModuleNotFoundError") for one in report["imported"])
    store = cas.open()
    assert {entry.function.parameters for entry in store.entries("seedlab", "power")} == {("exponent", "n")}
    parameters = {entry.function.parameters for entry in store.entries("seedlab", "spectrum")}
    assert parameters == {("bands", "channel", "path", "rate")}
    rows = json.loads(piped("ls", "power", "--json", "--sort", "created").stdout)
    assert sorted((row["arguments"]["exponent"], row["arguments"]["n"]) for row in rows) == [(2, 5), (2, 10), (3, 10)]
    assert_intact(store)


def test_lists_stay_lists_where_the_module_is_gone(project, tmp_path):
    """Of arguments that the name has as tuples, the file itself says what they were."""
    module = lab(project, "def f(x, y):\n    return x\n")
    write_original(tmp_path, module.f, 1, [1, 2], y=(1, 2))
    sys.modules.pop("lab")
    (project / "lab.py").unlink()
    bring(tmp_path, "--trust")
    (entry,) = cas.open().entries("lab", "f")
    assert entry.function.parameters == ("x", "y")
    assert unpack(entry.signature) == [[1, 2], (1, 2)]


def test_arguments_that_cannot_be_told_apart(project, tmp_path):
    """Where nobody can tell which argument is whose, they are filed in the order in which they were given."""
    module = lab(project, "def f(x, y):\n    return x\n")
    write_original(tmp_path, module.f, 1, [1, 2], (1, 2))
    sys.modules.pop("lab")
    (project / "lab.py").unlink()
    bring(tmp_path, "--trust")
    (entry,) = cas.open().entries("lab", "f")
    assert entry.function.parameters == ("*args", "**kwargs")
    assert unpack(entry.signature) == [([1, 2], (1, 2)), {}]


def test_names_that_were_cut(project, tmp_path):
    """A name that lost its arguments is recovered from the file, also where the module is gone."""
    module = lab(project, "def f(text, n=1):\n    return n\n")
    text = "".join(map(chr, np.random.default_rng(1).integers(0x4E00, 0x9FFF, 300)))
    path = write_original(tmp_path, module.f, 3, text, n=3)
    assert len(path.name) < 80
    _, report, _ = bring(tmp_path, "--trust")
    assert report["imported"][0]["aside"] is None
    cached = memo.cached(module.f)
    assert (cached(text, 3), cached.cache.stats().misses) == (3, 0)
    sys.modules.pop("lab")
    (project / "lab.py").unlink()
    bring(tmp_path, "--trust")
    rows = json.loads(piped("ls", "lab.f", "--json").stdout)
    assert {"args": [text], "kwargs": {"n": 3}} in [row["arguments"] for row in rows]


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("1 / 0", "importing seedlab raised ZeroDivisionError: division by zero"),
        ("raise SystemExit(3)", "importing seedlab raised SystemExit: 3"),
        ("power = 3", "seedlab has no function power now"),
        (
            "def power(n):\n    yield n",
            "power cannot be cached: expected a function that returns its result, found a generator function: "
            "seedlab.power",
        ),
    ],
)
def test_module_that_does_not_import(project, source, reason):
    """A module that fails, or has no such function any more, does not keep results from being imported."""
    (project / "seedlab.py").write_text(source)
    _, report, _ = bring(NPY / "__neurotools_cache__", "--trust")
    assert {one["function"]: one["aside"] for one in report["imported"]}["seedlab.power"] == reason
    assert cas.open().count() == 9


def test_lossy_names_do_not_mix_calls(project, tmp_path):
    """The original filed a list and a tuple under one name; its result is served only to the call it was made for."""
    module = lab(project, "def f(x):\n    return type(x).__name__\n")
    write_original(tmp_path, module.f, "list", [1, 2])
    _, report, _ = bring(tmp_path, "--trust")
    assert [(one["made"], one["aside"]) for one in report["imported"]] == [(1, None)]
    cached = memo.cached(module.f)
    assert (cached([1, 2]), cached.cache.stats().misses) == ("list", 0)
    assert (cached((1, 2)), cached.cache.stats().misses) == ("tuple", 1)


def test_what_a_module_prints_is_no_data(project, tmp_path):
    """What a module prints as it is imported goes to stderr, apart from the report."""
    (project / "seedlab.py").write_text('print("hello")\n' + SEEDLAB)
    outcome = piped("import", "--from", "neurotools", str(NPY), "--trust", "--json")
    assert (outcome.returncode, outcome.stderr) == (0, "hello\n")
    assert len(json.loads(outcome.stdout)["imported"]) == 4


def test_arguments_that_were_changed(project, tmp_path):
    """A file whose arguments are not those of its name is kept, and never served."""
    module = lab(project, "def f(x):\n    x.append(9)\n    return len(x)\n")
    path = write_original(tmp_path, module.f, 3, [1, 2, 9])
    path.rename(locate_original(tmp_path / "__neurotools_cache__", module.f, "npy", [1, 2]))
    _, report, _ = bring(tmp_path, "--trust")
    (one,) = report["imported"]
    assert (one["made"], one["aside"][:40]) == (1, "its arguments are not those of its name:")
    cached = memo.cached(module.f)
    assert not cached.cache.contains([1, 2])
    assert not cached.cache.contains([1, 2, 9])
    (entry,) = cas.open().entries("lab", "f")
    assert entry.summary == "3"
    assert piped("ls", "lab.f").stdout.splitlines()[1].split()[1:3] == ["(1,", "2)"]


def test_defaults_that_were_others(project, tmp_path):
    """A call that left out an argument is filed with the default of its time, as its name has it."""
    old = lab(project, "def f(x, n=2):\n    return x * n\n")
    write_original(tmp_path, old.f, 6, 3)
    lab(project, "def f(x, n=5):\n    return x * n\n")
    bring(tmp_path, "--trust")
    (row,) = json.loads(piped("ls", "lab.f", "--json").stdout)
    assert row["arguments"] == {"n": 2, "x": 3}


def test_subroutine_that_changed_since(project, tmp_path):
    """The tree is taken for results of the present code once; when a subroutine changes later, it is not again."""
    (project / "helper.py").write_text("GAIN = 2\ndef scale(x):\n    return x * GAIN\n")
    source = "import helper\ndef f(x):\n    return helper.scale(x)\n"
    module = lab(project, source)
    write_original(tmp_path, module.f, 6, 3)
    assert json.loads(piped("import", "--from", "neurotools", str(tmp_path), "--trust", "--json").stdout) == {
        "imported": [
            {
                "function": "lab.f",
                "code": Path(locate_original("/", module.f, "npy", 3)).parent.name,
                "made": 1,
                "kept": 0,
                "aside": None,
            }
        ],
        "unread": [],
    }
    (project / "helper.py").write_text("GAIN = 7\ndef scale(x):\n    return x * GAIN\n")
    report = json.loads(piped("import", "--from", "neurotools", str(tmp_path), "--trust", "--json").stdout)
    assert report["imported"][0]["aside"] == "what f calls has changed since it was first trusted"
    assert python("import memo, lab\nf = memo.cached(lab.f)\nprint(f(3), f.cache.stats().misses)") == ["21 1"]


def test_values_come_back_exactly(project, tmp_path):
    """Results of every kind come back with the type and the bits that the original pickled."""
    module = lab(project, "def f(n):\n    return n\n")
    values = [
        np.float32(1.5), (1, [2.0, None]), {"a": np.arange(3, dtype="<i2"), 2: {3}}, "µ", b"\0", 1 + 2j, True,
        np.ma.masked_array([1, 2], [True, False]), np.array(["a", None], object), slice(1, 2),
        np.datetime64("2020-01-01"),
    ]  # fmt: skip
    for n, value in enumerate(values):
        write_original(tmp_path, module.f, value, n, method=("npy", "pickle")[n % 2])
    code, report, _ = bring(tmp_path, "--trust")
    assert (code, report["imported"][0]["made"]) == (0, len(values))
    cached = memo.cached(module.f)
    for n, value in enumerate(values):
        found = cached(n)
        assert type(found) is type(value)
        assert pickle.dumps(found) == pickle.dumps(value) or repr(found) == repr(value)
    assert cached.cache.stats().misses == 0


def test_age_and_origin_are_kept(project, tmp_path):
    """An entry is as old as its file, says where it came from, and claims no cost that nobody knows."""
    module = lab(project, "def f(n):\n    return n\n")
    path = write_original(tmp_path, module.f, 4, 4)
    os.utime(path, (1e9, 1e9))
    bring(tmp_path, "--trust")
    (entry,) = cas.open().entries()
    assert (entry.created, entry.cost) == (1e9, 0.0)
    assert entry.provenance["imported from"] == f"neurotools {path}"


def test_mat_files_are_kept_aside(project, tmp_path):
    """A .mat file of the original that can be read needs no trust, and is not served, since it changes types."""
    module = lab(project, "def f(n):\n    return n\n")
    write_original(tmp_path, module.f, np.arange(3.0), 3, method="mat")
    code, report, _ = bring(tmp_path)
    assert code == 0
    assert report["imported"][0]["aside"] == "the present code is looked at only with --trust"
    (entry,) = cas.open().entries()
    assert (entry.function.parameters, entry.summary) == (("n",), "float64[1, 3]")
    cas.open().forget([entry.key])
    _, report, _ = bring(tmp_path, "--trust")
    assert report["imported"][0]["aside"] == "a .mat file changes the types of what it holds"
    assert not memo.cached(module.f).cache.contains(3)


def test_results_kept_elsewhere(project, tmp_path):
    """If the function keeps its results in another store, the report says where to import to."""
    source = "import memo\n@memo.cached(store={!r})\ndef f(n):\n    return n\n".format(str(tmp_path / "own"))
    module = lab(project, source)
    write_original(tmp_path, module.f, 4, 4)
    _, report, _ = bring(tmp_path, "--trust")
    own = str(tmp_path / "own")
    assert report["imported"][0]["aside"] == f"f keeps its results elsewhere: import with --store {own}"
    assert not os.path.exists(own)
    _, report, _ = bring(tmp_path, "--trust", "--store", own)
    assert (report["imported"][0]["made"], report["imported"][0]["aside"]) == (1, None)
    assert (module.f(4), module.f.cache.stats().misses) == (4, 0)


def test_module_that_uses_disk_cacher(project, tmp_path):
    """Of a function with `disk_cacher`, the report says where its store is, and from there it is served."""
    place = tmp_path / "cache"
    module = lab(
        project, f"from memo.neurotools import disk_cacher\n@disk_cacher({str(place)!r})\ndef f(n):\n    return [n]\n"
    )
    write_original(place, module.f, [4], 4)
    before = digests(place)
    _, report, _ = bring(place, "--trust", "--dry-run")
    own = str(place / "__neurotools_cache__" / ".store")
    assert report["imported"][0]["aside"] == f"f keeps its results elsewhere: import with --store {own}"
    assert digests(place) == before
    _, report, _ = bring(place, "--trust", "--store", own)
    assert (report["imported"][0]["made"], report["imported"][0]["aside"]) == (1, None)
    assert python("import lab\nprint(lab.f(4), lab.f.cache.stats().misses)") == ["[4] 0"]


def test_varargs_and_options(project, tmp_path):
    """Calls with *rest and **options are served, and listed by name where the module is gone."""
    module = lab(project, "def f(a, *rest, **options):\n    return a\n")
    write_original(tmp_path, module.f, 1, 1, 2, (3, 4), unit="mV")
    bring(tmp_path, "--trust")
    cached = memo.cached(module.f)
    assert (cached(1, 2, (3, 4), unit="mV"), cached.cache.stats().misses) == (1, 0)
    (project / "lab.py").unlink()
    sys.modules.pop("lab")
    bring(tmp_path, "--trust")
    parameters = {entry.function.parameters for entry in cas.open().entries("lab", "f")}
    assert parameters == {("a", "*rest", "**options"), ("a", "unit", "*args")}


def test_one_extra_argument(project, tmp_path):
    """The original wrote a tuple of one as its element: a single extra argument is found where the module is gone."""
    module = lab(project, "def f(a, *rest):\n    return a\n")
    write_original(tmp_path, module.f, 1, 1, 5)
    write_original(tmp_path, module.f, 1, 2, "ab")
    sys.modules.pop("lab")
    (project / "lab.py").unlink()
    bring(tmp_path, "--trust")
    found = [unpack(entry.signature) for entry in cas.open().entries("lab", "f")]
    assert sorted(found) == [[1, (5,)], [2, ("ab",)]]


def test_reading_one_file():
    """`read_original` gives arguments and result as they were pickled, and says why it does not."""
    path = next(NPY.rglob("mOdhUMwua9frgQ*"))
    original = read_original(str(path), trust=True)
    assert (original.args, original.kwargs, original.result.tolist()) == ((5, 2), {}, [0.0, 1.0, 4.0, 9.0, 16.0])
    with pytest.raises(Unreadable) as refused:
        read_original(str(path))
    assert refused.value.reason.startswith("a pickle")
    again = pickle.loads(pickle.dumps(refused.value))
    assert (again.path, again.reason, again.hint) == (str(path), refused.value.reason, refused.value.hint)
    with pytest.raises(Unreadable, match=r"expected one of \.npy, \.pickle, \.mat"):
        read_original(str(DATA / "golden.json"))


def test_names_here_are_as_the_original_made_them():
    """The helper of these tests writes the very names that the fixture has."""
    text = "((('exponent', 2), ('n', 5)), None)"
    key = urlsafe_b64encode(zlib.compress(text.encode())).decode()
    path = next(NPY.rglob("mOdhUMwua9frgQ*"))
    assert path.name == f"mOdhUMwua9frgQ.{key}.npy"
    assert zlib.decompress(b64decode(path.name.split(".")[1], b"-_")).decode() == text
