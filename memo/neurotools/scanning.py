"""Which calls a folder of files has the results of: `scan_cachedir`.

Arguments come from the name of a file; from its entry where the name had no room; from a file of the original only with
trust, since it is unpickled (I7).
"""

from __future__ import annotations

import inspect
import os
from typing import TYPE_CHECKING, Any, NamedTuple

import cas
from memo.adopting.replay import find_named, replay
from memo.arguments import NOTE, read_arguments
from memo.errors import MemoError, warn
from memo.neurotools.arguments import argument_signature, bind
from memo.neurotools.encodings import find_mode
from memo.neurotools.hashing import base64hash10bytes
from memo.neurotools.names import file_string_to_signature
from memo.neurotools.originals.files import Unreadable, is_original, read_original
from memo.neurotools.text import write_text
from memo.neurotools.tiers import STORE, open_store
from memo.neurotools.views import Views

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cas import Entry, Store

    Scanned = tuple[dict[str, Any], Any]
    """The arguments by name, and those that `*rest` takes or None."""

_SHOWN = 5


def scan_cachedir(
    cachedir: str | os.PathLike[str], method: str = "npy", verbose: bool = False, *, trust: bool = False, **kw: Any
) -> dict[str, Scanned]:
    """Return the calls that a folder has results of: file name to arguments by name, and extra arguments or None.

    Arguments that a name had no room for come from the entry. A warning names the files whose arguments are not known.

    Args:
        cachedir: The folder of one state of a function's code: `f.lscache()[0]`.
        method: The ending of the files.
        verbose: Print what is found.
        trust: Unpickle the files of the original whose names had no room for the arguments. Those that were not given
            by name are known only while the function's module is loaded.
        **kw: Given to `file_string_to_signature`.
    """
    find_mode(kw.get("mode", "repr"))
    scan = _Scan(os.path.abspath(os.fspath(cachedir)), trust, kw)
    found: dict[str, Scanned] = {}
    lost = []
    for name in _names(cachedir):
        if name.startswith(".") or not name.endswith(f".{method}"):
            continue
        arguments = scan.arguments(name)
        if arguments is None:
            lost.append(name)
        else:
            found[name] = arguments
        if verbose:
            print(name, "?" if arguments is None else arguments)  # noqa: T201 - asked for
    if lost:
        shown = "\n  ".join([*lost[:_SHOWN], *([f"and {len(lost) - _SHOWN:,} more"] if len(lost) > _SHOWN else [])])
        warn(
            f"{len(lost):,} of {len(lost) + len(found):,} files in {cachedir} do not say what their arguments were:\n"
            f"  {shown}",
            "import the module of the function first; files of the original need trust=True, as they are unpickled",
        )
    return found


def _names(folder: str | os.PathLike[str]) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except FileNotFoundError:
        return []  # nothing was cached there so far


class _Scan(NamedTuple):
    """How the files of one folder are asked for their arguments."""

    folder: str
    trust: bool
    options: dict[str, Any]

    def arguments(self, name: str) -> Scanned | None:
        """Return the arguments of the call that a file is of; None if they are not known."""
        try:
            pairs, rest = file_string_to_signature(name, **self.options)
            return dict(pairs), rest
        except ValueError:
            pass  # it was too long for a name, or is none of these
        path = os.path.join(self.folder, name)
        if is_original(path):
            return self._of_original(path) if self.trust else None
        root = next((place for place in _above(self.folder) if os.path.isdir(os.path.join(place, STORE))), "")
        return self._of_entry(root, path) if root else None

    def _of_original(self, path: str) -> Scanned | None:
        try:
            args, kwargs, _ = read_original(path, trust=True)
            function = self._function()
            if function is None:
                return None if args else (dict(kwargs), None)
            pairs, rest = bind(function, args, kwargs)
        except (Unreadable, TypeError):
            return None
        return dict(pairs), rest or None

    def _function(self) -> Any:
        """Return the function that the folder belongs to, if its module is loaded; else None."""
        *parts, _ = self.folder.split(os.sep)
        names = (".".join(parts[start:]) for start in range(len(parts) - 1))
        return next((found for name in names if (found := find_named(name)) is not None), None)

    def _of_entry(self, root: str, path: str) -> Scanned | None:
        store = open_store(root, False)
        note = Views(root, store).note(path)
        try:
            return _stored(store, store.entry(note.key)) if note else self._by_hash(store, path)
        except cas.NotFoundError:
            return None

    def _by_hash(self, store: Store, path: str) -> Scanned | None:
        """Return the arguments of the entry whose arguments have the hash that a file's name begins with."""
        function = os.path.basename(os.path.dirname(self.folder))
        for record in store.records():
            if record.qualname.rpartition(".")[2] == function:
                for entry in store.entries(fingerprint=record.fingerprint):
                    found = _stored(store, entry)
                    if found is not None and _hash(found) == os.path.basename(path).partition(".")[0]:
                        return found
        return None


def _above(folder: str) -> Iterator[str]:
    while True:
        yield folder
        above = os.path.dirname(folder)
        if above == folder:
            return
        folder = above


def _stored(store: Store, entry: Entry) -> Scanned | None:
    """Return the arguments of an entry; None if they are not stored whole."""
    names = entry.function.parameters
    try:
        values, _ = replay(entry.signature, names)
        given = (
            read_arguments(store, entry) if NOTE in entry.provenance else dict(zip(names, values or (), strict=True))
        )
    except (ValueError, MemoError, cas.CasError):
        return None
    rest: tuple[Any, ...] = ()
    named: dict[str, Any] = {}
    for name, value in given.items():
        if name.startswith("**"):
            named |= value
        elif name.startswith("*"):
            rest = value
        else:
            named[name] = value
    return dict(sorted(named.items())), rest or None


class _Call:
    """Has the parameters that the arguments of a call fit, and nothing else of the function."""

    __signature__ = inspect.Signature(
        [
            inspect.Parameter("rest", inspect.Parameter.VAR_POSITIONAL),
            inspect.Parameter("named", inspect.Parameter.VAR_KEYWORD),
        ]
    )

    def __call__(self) -> None:
        """Nobody calls it."""


def _hash(found: Scanned) -> str:
    named, rest = found
    return base64hash10bytes(write_text(argument_signature(_Call(), *(rest or ()), **named)))
