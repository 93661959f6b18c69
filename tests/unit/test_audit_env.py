"""What a call reads beside its arguments: files, variables, random states, clocks, processes, connections."""

from __future__ import annotations

import os
import random
import socket
import sqlite3
import sys
import threading
from multiprocessing.pool import ThreadPool

import numpy as np
import pytest

from memo.auditing import audit

HEAD = """
import csv, ctypes, datetime, glob, json, os, pathlib, random, secrets, socket, sqlite3, subprocess, sys, tempfile
import threading, time, uuid
import numpy as np
from concurrent.futures import ProcessPoolExecutor
"""


@pytest.fixture
def call(project, tmp_path, monkeypatch):
    """Return a function that audits one call of a function with the given lines, in a folder with a file in it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "table.csv").write_text("a,b\n1,2\n")
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "data.npy").write_bytes(b"")
    np.save(tmp_path / "inner" / "data.npy", np.arange(3))
    count = iter(range(100))

    def run(lines, *values, **options):
        body = "\n".join(f"    {line}" for line in lines.splitlines())
        module = project(f"calls{next(count)}", f"{HEAD}\ndef root(*args):\n{body}\n")
        return audit(module.root, **options)(*values)

    return run


READING = {
    "open('table.csv').close()": "table.csv",
    "pathlib.Path('table.csv').read_text()": "table.csv",
    "np.load('inner/data.npy')": "inner/data.npy",
    "np.load('inner/data.npy', mmap_mode='r')": "inner/data.npy",
    "np.fromfile('table.csv', dtype='u1')": "table.csv",
    "os.close(os.open('table.csv', os.O_RDONLY))": "table.csv",
    "open('table.csv', 'r+').close()": "table.csv",
    "with open('table.csv') as f: list(csv.reader(f))": "table.csv",
    "threading.Thread(target=np.load, args=('inner/data.npy',)).run()": "inner/data.npy",
    "t = threading.Thread(target=np.load, args=('inner/data.npy',)); t.start(); t.join()": "inner/data.npy",
    "exec(open('table.csv').read().replace('a,b', '1'))": "table.csv",
    "sqlite3.connect('table.csv').close()": "table.csv",
}


@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.parametrize("lines", READING)
def test_a_file_that_is_read_is_found(call, lines):
    """However Python opens it, the file is told as it was given, and once declared it is not told."""
    found = call(lines)
    (finding,) = found.files
    assert finding.name == READING[lines]
    assert READING[lines] in found.depends
    assert f'"{READING[lines]}"' in str(found)
    for declared in (READING[lines], os.path.abspath(READING[lines])):
        assert call(lines, depends=[declared]).files == ()


@pytest.mark.parametrize(
    "lines",
    [
        "import timeit, colorsys, this_is_local",
        "np.linalg.inv(np.eye(2))",
        "open('new.txt', 'w').close(); open('new.txt').close()",
        "os.mkdir('fresh'); open('fresh/a', 'w').close(); open('fresh/a').close(); os.listdir('fresh')",
        "open('part', 'w').close(); os.rename('part', 'whole'); open('whole').close()",
        "with tempfile.TemporaryDirectory() as d: open(d + '/x', 'w').close(); open(d + '/x').close()",
        "with tempfile.NamedTemporaryFile() as f: f.write(b'1'); f.seek(0); f.read(); open(f.name).close()",
        "open('/proc/self/status').close(); open(os.devnull).close()",
        "open(np.__file__).close(); open(os.__file__).close()",
        "import warnings; warnings.formatwarning('x', UserWarning, __file__, 3)",
        "import inspect; inspect.getsource(sys.modules[root.__module__])",
        "import importlib.metadata as m; m.version('numpy')",
        "np.load",
    ],
)
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_files_that_are_not_input_are_left_out(call, tmp_path, lines):
    """What Python and packages open for themselves, and what the call wrote itself, is no finding."""
    (tmp_path / "this_is_local.py").write_text("import json\n")
    with open(os.devnull) as _:
        found = call(lines)
    sys.modules.pop("this_is_local", None)
    assert found.files == ()
    assert found.clean
    assert all(os.path.exists(finding.name) for finding in found.written)


def test_a_file_that_an_argument_names(call, tmp_path):
    """Its contents cannot be declared once for all calls, and the report says what to do instead."""
    for lines, value in (
        ("open(args[0]).close()", "table.csv"),
        ("open(args[0] / 'data.npy').close()", tmp_path / "inner"),
        ("open(f'{args[0][0]}.csv').close()", ["table"]),
    ):
        found = call(lines, value)
        (finding,) = found.files
        assert finding.kind == "named file"
        assert found.depends == []
        assert "pass memo.File(path), or read it outside" in str(found)


def test_a_missing_file_decides_too(call):
    """Where the user's own code asks for a file that is not there, its absence is a finding."""
    found = call("try: open('maybe.json')\nexcept OSError: return 0")
    assert [(finding.kind, finding.name) for finding in found.files] == [("missing", "maybe.json")]
    assert found.depends == []
    assert not found.clean


def test_listed_folders_are_found(call):
    """Which files there are is input as well."""
    for lines in ("os.listdir('inner')", "glob.glob('inner/*')", "list(pathlib.Path('inner').iterdir())"):
        (finding,) = call(lines).files
        assert (finding.kind, finding.name) == ("folder", "inner")


def test_written_files_are_told_and_harmless(call):
    """A hit does not write again: worth saying, and no danger to the result."""
    found = call("open('out.txt', 'w').close(); np.save('out.npy', np.eye(2)); open('table.csv', 'a').close()")
    assert {finding.name for finding in found.written} == {"out.txt", "out.npy", "table.csv"}
    assert found.files == ()
    assert found.clean
    assert "a hit does not write again" in str(found)


@pytest.mark.parametrize(
    "lines",
    [
        "os.environ['MY_DATA']",
        "os.environ.get('MY_DATA')",
        "os.getenv('MY_DATA', '')",
        "'MY_DATA' in os.environ",
        "os.path.expandvars('$MY_DATA/x')",
        "os.environb[b'MY_DATA']",
        "os.environ.setdefault('MY_DATA', 'x')",
    ],
)
def test_environment_variables_that_the_users_code_reads(call, monkeypatch, lines):
    """Every way of asking for a variable is seen, with the line that asked."""
    monkeypatch.setenv("MY_DATA", "/data")
    found = call(lines)
    (finding,) = found.environment
    assert finding.name == "MY_DATA"
    assert finding.place.by.endswith(".root")
    assert "/data" not in str(found)


def test_the_whole_environment(call):
    """Reading all variables is told as that."""
    for lines in ("dict(os.environ)", "os.environ.copy()", "{**os.environ}"):
        assert [finding.name for finding in call(lines).environment] == ["(all of them)"]


@pytest.mark.parametrize(
    "lines",
    [
        "os.environ['MY_OWN'] = 'x'; os.environ['MY_OWN']; del os.environ['MY_OWN']",
        "tempfile._candidate_tempdir_list(); os.path.expanduser('~/x'); pathlib.Path.home()",
        "subprocess.list2cmdline(['a'])",
        "import locale; locale.getlocale()",
    ],
)
def test_variables_that_are_not_input(call, lines):
    """What the call set itself, what Python's library reads for itself, and where home is, is no finding."""
    assert call(lines).environment == ()


RANDOM = {
    "random.random()": "random",
    "random.gauss(0, 1)": "random",
    "random.shuffle([1, 2])": "random",
    "np.random.normal(size=2)": "numpy.random",
    "np.random.seed(3); np.random.rand(1)": "numpy.random",
    "from scipy import stats; stats.norm.rvs(size=2)": "numpy.random",
    "np.random.default_rng()": "fresh random numbers of the machine",
    "np.random.RandomState()": "fresh random numbers of the machine",
    "os.urandom(2)": "fresh random numbers of the machine",
    "secrets.token_hex()": "fresh random numbers of the machine",
    "uuid.uuid4()": "fresh random numbers of the machine",
    "random.SystemRandom().random()": "fresh random numbers of the machine",
    "np.random.RandomState(None)": "fresh random numbers of the machine",
    "random.Random()": "random.seed() or random.Random() without a seed",
    "random.seed()": "random.seed() or random.Random() without a seed",
}


@pytest.mark.parametrize("lines", RANDOM)
def test_random_numbers_that_no_argument_determines(call, lines):
    """Global states and fresh entropy are found, with the function that used them."""
    found = call(lines)
    (finding,) = found.random
    assert finding.name == RANDOM[lines]
    assert finding.place.by.endswith(".root")
    assert "default_rng(seed)" in str(found) or "make the generator from it" in str(found)


@pytest.mark.parametrize(
    "lines",
    [
        "np.random.default_rng(3).normal()",
        "np.random.RandomState(3).normal()",
        "np.random.RandomState(\n    seed=args[0],\n).normal()",
        "random.Random(3).random()",
        "random.seed(3); random.random()",
        "np.random.default_rng(args[0]).normal(); np.random.get_state(); random.getstate()",
        "tempfile.TemporaryDirectory().cleanup()",
        "hash('x'); sorted({1, 2})",
    ],
)
def test_seeded_random_numbers_are_fine(call, lines):
    """Generators made from a seed give the same numbers each time."""
    assert call(lines, 3).random == ()


def test_the_random_states_are_as_the_call_left_them(call):
    """Watching draws nothing itself."""
    np.random.seed(5)
    random.seed(5)
    expected = np.random.rand(), np.random.rand(), random.random(), random.random()
    np.random.seed(5)
    random.seed(5)
    found = call("return np.random.rand(), random.random()")
    assert (found.value[0], np.random.rand(), found.value[1], random.random()) == expected


def test_clocks_that_the_users_code_reads(call):
    """Dates and times are input; timing is not."""
    found = call("time.time(); datetime.datetime.now(); datetime.date.today(); time.perf_counter(); time.monotonic()")
    assert [finding.name for finding in found.clock] == ["time.time", "datetime.now", "date.today"]
    assert call("import logging; logging.LogRecord('a', 1, 'b', 1, 'c', (), None); time.perf_counter()").clock == ()


@pytest.mark.parametrize(
    ("lines", "name"),
    [
        ("subprocess.run([sys.executable, '-c', ''])", f"{sys.executable} -c "),
        ("os.system('true')", "true"),
        ("os.waitpid(os.fork() or os._exit(0), 0)", "a copy of this process"),
        ("import multiprocessing as m; p = m.get_context('spawn').Process(target=print); p.start(); p.join()",
         "a process of multiprocessing"),
    ],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_processes_are_told_to_be_untraced(call, lines, name):
    """What a process does cannot be seen from here, and the report says that it ran."""
    found = call(lines)
    (finding,) = found.processes
    assert finding.name == name[:60] + "..." * (len(name) > 60)
    assert "was not traced" in str(found)


def test_pools_made_before_the_call(call):
    """Work given to a pool of processes is told; a pool of threads is not one."""
    pool = ThreadPool(1)
    try:
        assert call("args[0][0](int, ['1'])", [pool.map]).processes == ()
    finally:
        pool.close()
        pool.join()


def test_connections(call):
    """The host and port that were reached are told."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        found = call(f"socket.create_connection(('127.0.0.1', {port})).close()")
    assert [finding.name for finding in found.network] == [f"127.0.0.1:{port}"]
    assert "fetch outside" in str(found)


def test_databases_that_the_call_makes(call):
    """A database in memory, or one that was not there, is not input."""
    assert call("sqlite3.connect(':memory:').close()").files == ()
    assert call("sqlite3.connect('new.db').close(); sqlite3.connect('new.db').close()").files == ()
    assert issubclass(sqlite3.Error, Exception)


def test_parquet_files_are_seen(call, tmp_path):
    """What pyarrow opens in compiled code is told, but not what the call wrote itself."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"a": [1]}), tmp_path / "table.parquet")
    read = "import pandas, pyarrow.parquet as pq\npandas.read_parquet('table.parquet'); pq.ParquetFile('table.parquet')"
    (finding,) = call(read).findings
    assert (finding.kind, finding.name) == ("file", "table.parquet")
    made = "import pandas\npandas.DataFrame({'a': [1]}).to_parquet('new.parquet'); pandas.read_parquet('new.parquet')"
    (finding,) = call(made).findings
    assert (finding.kind, finding.name) == ("written", "new.parquet")


def test_files_of_hdf5(call, tmp_path):
    """The files of h5py are opened by compiled code; its own Python class says which."""
    import h5py

    with h5py.File(tmp_path / "table.h5", "w") as file:
        file["a"] = [1]
    found = call("import h5py\nh5py.File('table.h5').close(); h5py.File('new.h5', 'w').close()")
    assert [finding.name for finding in found.files] == ["table.h5"]


def test_what_packages_do_for_themselves(call, tmp_path, monkeypatch):
    """Variables that a package reads, and names of files that it tries in vain, are its own affair."""
    package = tmp_path / "lib" / "site-packages" / "atool"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(
        "import os, time\ndef use():\n    os.environ.get('ATOOL'), time.time()\n"
        "    try: open('not there')\n    except OSError: return open('table.csv').close()\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path / "lib" / "site-packages"))
    found = call("import atool; atool.use()")
    del sys.modules["atool"]
    assert [finding.name for finding in found.findings] == ["table.csv"]


def test_nothing_is_left_behind(call):
    """After the audit no thread is traced, and what happens is nobody's finding."""
    started = threading.Event()
    found = call("t = threading.Thread(target=args[0][0]); t.start(); args[0][1](); t.join()",
                 [started.set, started.wait])  # fmt: skip
    assert found.clean
    assert sys.getprofile() is None
    assert threading.getprofile() is None
    before = found.findings
    open("table.csv").close()
    assert found.findings == before
