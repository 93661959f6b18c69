"""What the original left for a function at the locations of its cacher, found and checked call by call.

Keeps promise 1: a file's own arguments must be those of the call, bit by bit, since the original's names are lossy; and
the code must be what it was when its folder was first trusted, since the original did not look at subroutines.
Keeps I7: nothing is unpickled unless the cacher was told to trust.
"""

from __future__ import annotations

import os
from collections import namedtuple
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import cas
from memo.codecs import codec_for
from memo.errors import warn
from memo.neurotools.names import get_cache_path
from memo.neurotools.originals import trust
from memo.neurotools.originals.files import Original, Unreadable, has_originals, is_original, read_original
from memo.neurotools.originals.names import locate_original
from memo.neurotools.views import METHODS
from memo.provenance import provenance
from memo.signature import compile_wrapper

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cas import Entry, Store
    from memo.caller import Caller

# The original's .mat files keep neither the types of arguments nor those of results, so none is certain to be right.
_READABLE = ("npy", "pickle")


class Signed(namedtuple("Signed", "version signature key values")):
    """One call: the version of its code, its arguments in canonical form, its call key, its arguments."""

    __slots__ = ()


class Found(NamedTuple):
    """A result of the original, and the file it stands in."""

    path: str
    result: Any


class Inherited:
    """What the original left for one function.

    Args:
        caller: The function's.
        roots: The folders of its cacher, fast to slow.
        method: The ending of its files.
        trust: Unpickle them.
    """

    def __init__(self, caller: Caller, roots: tuple[str, ...], method: str, trust: bool) -> None:
        self._caller = caller
        self._roots = roots
        self._method = method
        self._trust = trust
        self._bind: Any = compile_wrapper(caller.function, caller.parameters, list, list)
        self._folders: dict[str, bool] = {}
        self._said: set[str] = set()
        self._trusted_as: dict[str, set[str]] = {}

    def find(self, call: Signed, path: str) -> Found | None:
        """Return what the original kept of a call; None if nothing that is certain to be its result.

        Args:
            call: The call.
            path: Where its view stands at the first location; empty if nowhere.
        """
        if self._method not in _READABLE:
            return None
        for candidate in self._candidates(call.values, path, self._method):
            if not is_original(candidate):
                continue
            if not self._trust:
                self._say_untrusted(candidate)
                return None
            if self._is_same_code(os.path.dirname(candidate)):
                found = self._read(call, candidate)
                if found is not None:
                    return found
        return None

    def _read(self, call: Signed, path: str) -> Found | None:
        """Return the result in a file, if the file is of this very call, whatever its name says."""
        with suppress(Unreadable):
            original = read_original(path, trust=True)
            its = self.sign(original)
            if its is not None and its.key == call.key:
                return Found(path, original.result)
        return None

    def sign(self, original: Original) -> Signed | None:
        """Return the call of the present function that a file is of; None if the function takes no such call."""
        try:
            values = self._bind(*original.args, **original.kwargs)
            version, signature = self._caller.sign(values)
        except Exception:  # noqa: BLE001 - other parameters; or the classes of its arguments, which may raise anything
            return None
        return Signed(version, signature, version.key(signature), values)

    def deposit(self, call: Signed, store: Store, found: Found) -> None:
        """Store a result of the original under the present call key; what computing it cost is not known.

        Raises:
            CodecError: No codec takes it.
            cas.errors.CasError: The store does not take it.
        """
        policy = self._caller.policy
        codec = codec_for(found.result, policy.codec, policy.compress)
        record = call.version.record(self._caller.keys.names)
        with store.deposit(cas.Call(call.key, record, call.signature), 0.0) as deposit:
            parts, summary = codec.encode(found.result, deposit.write)
            present = call.version.fingerprint.digest.hex()
            notes = provenance() | {"imported from": f"neurotools {found.path}"}
            notes |= trust.provenance_of(_code_of(os.path.dirname(found.path)), present)
            deposit.commit(cas.Result(codec.name, parts, summary, notes), os.path.getmtime(found.path))

    def remove(self, call: Signed, path: str) -> None:
        """Remove the files of a call that the original left, by their names; with trust only those of this very call.

        Raises:
            OSError: One cannot be removed.
        """
        for method in METHODS:
            for candidate in self._candidates(call.values, path, method):
                if is_original(candidate):
                    told = self._trust and method in _READABLE
                    if not told or self._read(call, candidate) is not None:
                        os.unlink(candidate)

    def _candidates(self, values: list[Any], path: str, method: str) -> Iterator[str]:
        """Yield where the original may have kept a call: under our name, and under its own, at each location."""
        first = self._roots[0]
        if path:
            yield from (f"{root}{path.removeprefix(first).removesuffix(self._method)}{method}" for root in self._roots)
        folder = get_cache_path("", self._caller.function)
        roots = [root for root in self._roots if self._has_any(root + folder)]
        if roots:
            with suppress(TypeError, ValueError):
                location = partial(locate_original, "", self._caller.function, method)
                name = self._caller.forward(location, values)
                yield from (root + name for root in roots if root + name != path)

    def _has_any(self, folder: str) -> bool:
        if folder not in self._folders:
            self._folders[folder] = has_originals(folder)
        return self._folders[folder]

    def _is_same_code(self, folder: str) -> bool:
        """Return whether the code is what it was when the files of a folder were first trusted."""
        present = self._caller.current().fingerprint.digest.hex()
        if folder not in self._trusted_as:
            self._trusted_as[folder] = self._first_trusted(folder) or {present}
        if self._trusted_as[folder] == {present}:
            return True
        self._say(
            "code",
            f"{self._caller.name}: expected the code that the files of neurotools in {folder} were first trusted with, "
            f"found other code; they are left alone, and its calls are computed",
            f"if they are results of the present code, write {present} into {os.path.join(folder, trust.NOTE)}",
        )
        return False

    def _first_trusted(self, folder: str) -> set[str]:
        """Return the code that a folder was first trusted with, which is now if it never was; none if nobody can note.

        Then it holds for this process, and for what is stored from now on.
        """
        present = self._caller.current().fingerprint
        entries: Iterable[Entry] = ()
        with suppress(cas.CasError):  # a store that is not there, or fails, says so when it is asked for the result
            entries = self._caller.open().entries(present.module, present.qualname)
        known = trust.trusted_as(folder, _code_of(folder), entries)
        if known:
            return known
        with suppress(OSError):
            trust.note(folder, present.digest.hex())
        return trust.trusted_as(folder, _code_of(folder), ())

    def _say_untrusted(self, path: str) -> None:
        self._say(
            "trust",
            f"{self._caller.name}: there are files of neurotools in {os.path.dirname(path)}, which hold pickles, and "
            "pickles run code as they are read; they are left alone, and its calls are computed",
            "if you or people you trust wrote them, bring them in once by `cas import --from neurotools DIR --trust`, "
            "or say trust=True: by `disk_cacher = functools.partial(disk_cacher, trust=True)` where the decorator "
            "stands in the lines of the function, since with other lines it is other code",
        )

    def _say(self, topic: str, message: str, hint: str) -> None:
        if topic not in self._said:
            self._said.add(topic)
            warn(message, hint)


def _code_of(folder: str) -> str:
    """Return what the original calls the code of the files in a folder."""
    return os.path.basename(folder.rstrip("/"))
