"""Events of Python's own auditing: files, folders, processes, connections."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from memo.auditing.functions import FILES, PROCESS
from memo.auditing.places import Policy
from memo.fingerprint import boundary

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from memo.auditing.witnesses import Moment

_WRITING = os.O_WRONLY | os.O_RDWR
# What belongs to the machine, to Python and to packages.
_SYSTEM = ("/proc/", "/dev/", "/sys/", "/etc/", "/usr/share/")
_SETTINGS = tuple(os.path.expanduser(place) for place in ("~/.cache/", "~/.config/", "~/Library/Caches/"))
_DIRECT = Policy(only=frozenset({"pathlib", "io", "codecs", "os", "_io"}), packages=False)
_CONNECTING = Policy(never=frozenset({"multiprocessing", "asyncio", "concurrent"}))


def see_file(moment: Moment, given: Any, flags: int) -> None:
    """Note a file that is opened: for reading unless the call made it itself, for writing."""
    if not isinstance(given, str | bytes | os.PathLike):
        return  # a descriptor of what is open already
    full = os.path.abspath(os.fsdecode(given))
    place = None if _is_system(full) else moment.blame(FILES)
    if place is None or os.path.isdir(full):
        return
    if full.startswith(_SETTINGS) and moment.blame(_DIRECT) is None:
        return  # a library's own settings and caches
    exists = os.path.exists(full)
    for trace in moment.traces:
        trace.paths.setdefault(full, os.fsdecode(given))
        if flags & _WRITING:
            trace.see("written", full, place)
            if not exists or flags & (os.O_TRUNC | os.O_EXCL):
                trace.made.add(("file", full))
        # A library may try names that are not there; where the user's code does, it decides something.
        if flags & os.O_ACCMODE == os.O_WRONLY or _is_made(trace.made, full):
            continue
        if exists:
            trace.see("file", full, place)
        elif moment.blame(_DIRECT) is not None:
            trace.see("missing", full, place)


def _is_system(full: str) -> bool:
    inside = os.path.join(full, "")
    if full.startswith(_SYSTEM) or "__pycache__" in full or any(marker in inside for marker in boundary.INSTALLED):
        return True
    return boundary.origin_of_path(full) != boundary.PROJECT


def _is_made(made: set[tuple[str, str]], full: str) -> bool:
    """Tell what the call made itself: a file, or what stands in a folder that it made."""
    while True:
        if ("file", full) in made:
            return True
        above = os.path.dirname(full)
        if above == full:
            return False
        full = above


def _open(moment: Moment, arguments: tuple[Any, ...]) -> None:
    given, _, flags = arguments
    see_file(moment, given, flags or 0)


def _database(moment: Moment, arguments: tuple[Any, ...]) -> None:
    given = arguments[0]
    if given not in (":memory:", "", b":memory:", b""):
        path = os.fsdecode(given).removeprefix("file:").partition("?")[0]
        see_file(moment, path, os.O_RDONLY if os.path.exists(path) else os.O_RDWR)


def _library(moment: Moment, arguments: tuple[Any, ...]) -> None:
    given = arguments[0]
    if isinstance(given, str) and os.path.isfile(given):
        see_file(moment, given, os.O_RDONLY)


def _folder(moment: Moment, arguments: tuple[Any, ...]) -> None:
    given = arguments[0] if arguments and arguments[0] is not None else "."
    if isinstance(given, int):
        return
    full = os.path.abspath(os.fsdecode(given))
    place = None if _is_system(full) or full.startswith(_SETTINGS) else moment.blame(FILES)
    if place is not None:
        for trace in moment.traces:
            trace.paths.setdefault(full, os.fsdecode(given))
            if not _is_made(trace.made, full):
                trace.see("folder", full, place)


def _make_folder(moment: Moment, arguments: tuple[Any, ...]) -> None:
    full = os.path.abspath(os.fsdecode(arguments[0]))
    if not os.path.exists(full):
        for trace in moment.traces:
            trace.made.add(("file", full))


def _rename(moment: Moment, arguments: tuple[Any, ...]) -> None:
    old, new = (os.path.abspath(os.fsdecode(given)) for given in arguments[:2])
    for trace in moment.traces:
        if _is_made(trace.made, old):
            trace.made.add(("file", new))


def _command(moment: Moment, arguments: tuple[Any, ...]) -> None:
    given = next((given for given in arguments[1::-1] if given), "a process")
    words = [given] if isinstance(given, str | bytes | os.PathLike) else list(given)
    text = " ".join(os.fsdecode(word) for word in words)
    moment.see("process", text if len(text) <= _LONG else f"{text[:_LONG]}...", PROCESS)


_LONG = 60


def _fork(moment: Moment, _: tuple[Any, ...]) -> None:
    place = moment.blame(PROCESS)
    for trace in moment.traces:
        known = any(kind == "process" and at == place for (kind, _), at in trace.seen.items())
        if place is not None and not known:
            trace.see("process", "a copy of this process", place)


def _connect(moment: Moment, arguments: tuple[Any, ...]) -> None:
    address = arguments[1]
    name = ":".join(map(str, address[:2])) if isinstance(address, tuple) else str(address)
    place = moment.blame(_CONNECTING)
    for trace in moment.traces:
        # The name of the host was asked for just before, at the same place.
        known = any(kind == "connection" and at == place for (kind, _), at in trace.seen.items())
        if place is not None and not known:
            trace.see("connection", name, place)


def _ask_for_host(moment: Moment, arguments: tuple[Any, ...]) -> None:
    host, port = (os.fsdecode(part) if isinstance(part, bytes) else part for part in arguments[:2])
    if host:
        moment.see("connection", f"{host}:{port}" if port else str(host), _CONNECTING)


WATCHED: dict[str, Callable[[Moment, tuple[Any, ...]], None]] = {
    "open": _open,
    "sqlite3.connect": _database,
    "ctypes.dlopen": _library,
    "os.listdir": _folder,
    "os.scandir": _folder,
    "os.mkdir": _make_folder,
    "os.rename": _rename,
    "subprocess.Popen": _command,
    "os.system": _command,
    "os.posix_spawn": _command,
    "os.fork": _fork,
    "os.forkpty": _fork,
    "socket.connect": _connect,
    "socket.getaddrinfo": _ask_for_host,
}
