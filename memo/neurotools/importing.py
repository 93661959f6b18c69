"""`cas import --from neurotools`: a whole tree that the original wrote, brought into a store.

Owns how its files are found, and what is reported of them; `originals.filing` says under which call a result is filed.
Nothing of the tree is changed. Without trust nothing is unpickled and no module is imported (I7).
"""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack, contextmanager, redirect_stdout, suppress
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, NamedTuple

import cas
from cas.importing import Brought, Report, Unread
from memo.codecs import codec_for
from memo.errors import MemoError
from memo.neurotools.originals.files import FOREIGN, METHODS, Unreadable, read_original
from memo.neurotools.originals.filing import Code, Filed, Filing
from memo.provenance import provenance

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cas import Store
    from cas.progress import Progress

IDENTIFIER = "__neurotools_cache__"
"""The folder below which the original keeps everything, unless it was told another name."""

_FOREIGN_NAME = f"{FOREIGN}: its name or its place is another"
_LEFT_HINT = "it is left as it is"


class _Tally:
    """What has been seen of a tree so far."""

    def __init__(self) -> None:
        self.made: dict[tuple[Code, str], int] = {}
        self.kept: dict[tuple[Code, str], int] = {}
        self.unread: dict[tuple[str, str, str], list[str]] = {}

    def read(self, code: Code, aside: str, is_new: bool) -> None:
        """Count a file that was read."""
        for counts, one in ((self.made, is_new), (self.kept, not is_new)):
            counts[code, aside] = counts.get((code, aside), 0) + one

    def leave(self, function: str, reason: str, hint: str, path: str) -> None:
        """Count a file that was not read."""
        self.unread.setdefault((function, reason, hint), []).append(path)

    def report(self) -> Report:
        """Return all of it, in the order of names."""
        brought = [
            Brought(code.function, code.code, self.made[code, aside], self.kept[code, aside], aside)
            for code, aside in self.made
        ]
        unread = [
            Unread(function, reason, tuple(sorted(files)), hint)
            for (function, reason, hint), files in self.unread.items()
        ]
        return Report(tuple(sorted(brought)), tuple(sorted(unread)))


class _Run(NamedTuple):
    """One import: where it goes, and what has been counted."""

    store: Store
    trust: bool
    dry_run: bool
    tally: _Tally
    seen: set[bytes]

    def take(self, filing: Filing, path: str) -> None:
        """Read one file and file its result, or count why not."""
        code = filing.code
        try:
            original = read_original(path, self.trust)
            filed = filing.file(path, original)
            is_new = filed.call.key not in self.seen and self.store.created(filed.call.key) is None
            if is_new and not self.dry_run:
                self._deposit(filed, original.result, path)
            self.seen.add(filed.call.key)
            self.tally.read(code, filed.aside, is_new)
        except Unreadable as error:
            self.tally.leave(code.function, error.reason, error.hint, path)
        except MemoError as error:  # an argument without a canonical form, a result that no codec takes
            self.tally.leave(code.function, error.message, error.hint, path)

    def _deposit(self, filed: Filed, result: object, path: str) -> None:
        """Store one result; what computing it cost is not known, and counts as nothing."""
        codec = codec_for(result, filed.codec, filed.compress)
        with self.store.deposit(filed.call, 0.0) as deposit:
            parts, summary = codec.encode(result, deposit.write)
            notes = {**provenance(), "imported from": f"neurotools {path}", **filed.notes}
            deposit.commit(cas.Result(codec.name, parts, summary, notes), os.path.getmtime(path))


def import_tree(
    folder: str, store: Store | None, *, trust: bool, dry_run: bool, progress: Progress | None = None
) -> Report:
    """Bring what the original neurotools cached into a store; see `cas.importing.Importer`.

    Args:
        folder: What was given to the original as the location of its cache, or a folder above or below that; a cache
            of another identifier than the usual is given itself.
        store: Where it goes; None in a dry run before there is a store.
        trust: Unpickle, and import the modules of the functions from the current folder.
        dry_run: Store nothing.
        progress: Told how many files have been read.

    Raises:
        NotFoundError: There is no such folder, or no file of the original is in it.
    """
    folder = os.path.abspath(os.path.expanduser(folder))
    tally = _Tally()
    codes = _find(folder, tally)
    total, done = sum(map(len, codes.values())), 0
    with ExitStack() as stack:
        stack.enter_context(_importable())
        if store is None:
            store = cas.open(stack.enter_context(TemporaryDirectory()))
            stack.callback(store.close)
        run = _Run(store, trust, dry_run, tally, set())
        for code in sorted(codes):
            paths = sorted(codes[code])
            filing = Filing(code, os.path.dirname(paths[0]), store, trust)
            for path in paths:
                run.take(filing, path)
                done += 1
                if progress is not None:
                    progress("reading files", done, total)
    return tally.report()


def _find(folder: str, tally: _Tally) -> dict[Code, list[str]]:
    """Return the files of a tree by the code that wrote them, and count those that are none of the original."""
    codes: dict[Code, list[str]] = {}
    for root, start in _roots(folder):
        for path in _files(start):
            code = _code_of(os.path.relpath(path, root).split(os.sep))
            if code is None:
                tally.leave("?", _FOREIGN_NAME, _LEFT_HINT, path)
            else:
                codes.setdefault(code, []).append(path)
    if not codes:
        raise cas.NotFoundError(
            f"no files of neurotools in {folder}", f"name the folder that holds {IDENTIFIER}, or that folder itself"
        )
    return codes


def _roots(folder: str) -> Iterator[tuple[str, str]]:
    """Yield each cache in a folder, or around it, and where in it to begin; without any, the folder is one itself."""
    parts = folder.split(os.sep)
    if IDENTIFIER in parts:
        end = len(parts) - parts[::-1].index(IDENTIFIER)
        yield os.sep.join(parts[:end]), folder
        return
    found = False
    for place, folders, _ in os.walk(folder):
        if IDENTIFIER in folders:
            found = True
            folders.remove(IDENTIFIER)
            root = os.path.join(place, IDENTIFIER)
            yield root, root
    if not found:
        yield folder, folder


def _files(folder: str) -> Iterator[str]:
    for place, folders, names in os.walk(folder):
        # What memo keeps there has such names.
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield from (os.path.join(place, name) for name in names if not name.startswith("."))


def _code_of(parts: list[str]) -> Code | None:
    """Return the code whose folder a file stands in: `<module>/<name>/<code>/<hash>.<arguments>.<method>`."""
    if len(parts) < 4 or not parts[-1].endswith(METHODS) or parts[-1].count(".") < 2:
        return None
    return Code(".".join(parts[:-3]), parts[-3], parts[-2])


@contextmanager
def _importable() -> Iterator[None]:
    """Let modules be found in the current folder, as `python` does, and keep what they print off stdout."""
    here = os.getcwd()
    sys.path.insert(0, here)
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        with suppress(ValueError):
            sys.path.remove(here)
