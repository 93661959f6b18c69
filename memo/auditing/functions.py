"""Python functions that an audit watches by name: those of the library that read what no argument tells.

Also owns which functions are the user's.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from memo.auditing.places import GENERATED, Policy, whose
from memo.fingerprint import boundary
from memo.fingerprint.bytecode import BODY_OF_FUNCTION

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from memo.auditing.witnesses import Moment

    Act = Callable[[Moment], None]

EVERY_VARIABLE = "(all of them)"
_ENVIRONMENT = Policy(
    # `_collections_abc` calls itself `collections.abc`.
    only=frozenset({"os", "collections", "posixpath", "ntpath", "genericpath", "pathlib"}),
    packages=False,
)
RANDOM = Policy(
    never=frozenset(
        {"tempfile", "multiprocessing", "concurrent", "asyncio", "ssl", "socket", "email", "http", "hmac", "subprocess"}
    )
)
PROCESS = Policy(never=frozenset({"platform", "ctypes", "uuid", "webbrowser"}))
FILES = Policy(
    never=frozenset(
        {
            "linecache",
            "tokenize",
            "traceback",
            "warnings",
            "inspect",
            "importlib",
            "pkgutil",
            "multiprocessing",
            "zoneinfo",
            "mimetypes",
            "locale",
            "gettext",
            "ssl",
            "ctypes",
            "platform",
        }
    )
)
# Where a person's folder is, asked by a path that begins with `~`: the file that is found is seen itself.
_HOME = frozenset({"HOME", "USERPROFILE"})


def is_users(frame: FrameType) -> bool:
    """Tell whether a function of the user's begins to run, or text that their code hands to `exec` or `eval`."""
    code = frame.f_code
    on_disk = os.path.isabs(code.co_filename)
    if not code.co_flags & BODY_OF_FUNCTION and (on_disk or code.co_name != "<module>"):
        return False  # a module that is imported, or the body of a class
    origin = whose(code, frame.f_globals)
    if origin == GENERATED:
        # Libraries write functions too: what counts is whether the user's code called it by itself.
        above = frame.f_back
        tool = str(frame.f_globals.get("__name__")).startswith("namedtuple_")
        return not tool and above is not None and whose(above.f_code, above.f_globals) == boundary.PROJECT
    return origin == boundary.PROJECT


def _read_variable(moment: Moment) -> None:
    key = moment.frame.f_locals["key"]
    name = os.fsdecode(key) if isinstance(key, bytes) else str(key)
    above = moment.frame.f_back
    while above is not None and above.f_globals.get("__name__") in ("os", "collections.abc"):
        above = above.f_back
    of_a_path = above is not None and above.f_globals.get("__name__") in ("posixpath", "ntpath")
    if not (of_a_path and name in _HOME):
        moment.see("variable", name, _ENVIRONMENT)


def _read_variables(moment: Moment) -> None:
    moment.see("variable", EVERY_VARIABLE, _ENVIRONMENT)


def _set_variable(moment: Moment) -> None:
    for trace in moment.traces:
        trace.made.add(("variable", str(moment.frame.f_locals["key"])))


def _seed(moment: Moment) -> None:
    """Tell a seed from none: `random.seed(3)` settles what follows, `random.Random()` asks the machine."""
    held = moment.frame.f_locals
    if held["a"] is None:
        moment.see("entropy", "random.seed() or random.Random() without a seed", RANDOM)


def _start_thread(moment: Moment) -> None:
    moment.adopt(moment.frame.f_locals["self"])


def _start_process(moment: Moment) -> None:
    moment.see("process", "a process of multiprocessing", PROCESS)


def _give_to_pool(moment: Moment) -> None:
    if type(moment.frame.f_locals["self"]).__name__ != "ThreadPool":
        moment.see("process", "a pool of processes", PROCESS)


def _open_hdf5(moment: Moment) -> None:
    from memo.auditing.events import see_file  # noqa: PLC0415 - the two know each other

    held = moment.frame.f_locals
    mode = held.get("mode") or "r"
    flags = {"r": os.O_RDONLY, "a": os.O_RDWR, "r+": os.O_RDWR}.get(mode, os.O_RDWR | os.O_TRUNC)
    if isinstance(held.get("name"), str | bytes | os.PathLike):
        see_file(moment, held["name"], flags)


def _open_parquet(name: str, flags: int) -> Act:
    def see(moment: Moment) -> None:
        from memo.auditing.events import see_file  # noqa: PLC0415 - the two know each other

        see_file(moment, moment.frame.f_locals[name], flags)

    return see


WATCHED: dict[tuple[object, str], Act] = {
    ("os", "_Environ.__getitem__"): _read_variable,
    ("os", "_Environ.__iter__"): _read_variables,
    ("os", "_Environ.__setitem__"): _set_variable,
    ("random", "Random.seed"): _seed,
    ("threading", "Thread.start"): _start_thread,
    ("multiprocessing.process", "BaseProcess.start"): _start_process,
    ("multiprocessing.pool", "Pool._check_running"): _give_to_pool,
    ("concurrent.futures.process", "ProcessPoolExecutor.submit"): _give_to_pool,
    ("h5py._hl.files", "File.__init__"): _open_hdf5,
    ("pandas.io.parquet", "PyArrowImpl.write"): _open_parquet("path", os.O_WRONLY | os.O_TRUNC),
    ("pyarrow.parquet.core", "ParquetFile.__init__"): _open_parquet("source", os.O_RDONLY),
    ("pyarrow.parquet.core", "ParquetWriter.__init__"): _open_parquet("where", os.O_WRONLY | os.O_TRUNC),
    ("pyarrow.parquet.core", "read_table"): _open_parquet("source", os.O_RDONLY),
}
