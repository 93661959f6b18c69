"""Under which call a result of the original is filed.

Where the present function has the code that the original's folder is named after, under the very key that a call of it
asks for. Else under a version of its own, whose fingerprint is a digest of the original's names for function, code and
parameters: there it can be listed and shown, and adopted from.
Keeps promise 1: a result is served only for the arguments that its own file says, checked against the file's name.
"""

from __future__ import annotations

import os
from importlib import import_module
from inspect import unwrap
from typing import TYPE_CHECKING, Any, NamedTuple

import cas
from cas.digest import digest
from cas.location import places
from cas.manifest import Ingredient, Manifest
from memo.caller import Caller
from memo.canonical import encode_arguments
from memo.decorator import cached
from memo.errors import MemoError
from memo.handle import Cache
from memo.neurotools.hashing import base64hash10bytes
from memo.neurotools.names import file_string_to_signature
from memo.neurotools.originals.files import Unreadable
from memo.neurotools.originals.names import original_signature
from memo.neurotools.originals.trust import provenance_of, trusted_as
from memo.neurotools.originals.written import sanitize
from memo.neurotools.source import function_signature
from memo.neurotools.tiers import STORE
from memo.signature import Parameters, compile_wrapper
from memo.version import Version

if TYPE_CHECKING:
    from collections.abc import Callable

    from cas import FunctionRecord, Store
    from memo.neurotools.originals.files import Original

_UNTRUSTED = "the present code is looked at only with --trust"
_MAT = "a .mat file changes the types of what it holds"
_OTHER_ARGUMENTS = "its arguments are not those of its name: the function changed them, or the file was renamed"


class Code(NamedTuple):
    """What the original calls one state of a function's code: the folders that its files stand in."""

    module: str
    name: str
    code: str

    @property
    def function(self) -> str:
        """`module.name`, as people say it."""
        return f"{self.module}.{self.name}"


class Filed(NamedTuple):
    """Where a result goes.

    Attributes:
        call: The call that it is the result of.
        aside: Why calls of the present function are not served with it; empty if they are.
        notes: What its provenance is to say of that.
        codec: The codec that the function asks for.
        compress: The compression that it asks for.
    """

    call: cas.Call
    aside: str
    notes: dict[str, str]
    codec: Any = "auto"
    compress: str | None = None


class Filing:
    """How the results of one state of a function's code are filed.

    Args:
        code: What the original calls it.
        folder: The folder of its files.
        store: Where they go.
        trust: Import the module of the function, to see whether its code is the same now.
    """

    def __init__(self, code: Code, folder: str, store: Store, trust: bool) -> None:
        self.code = code
        self._function: Any = None
        self._caller: Caller | None = None
        self._present = ""
        self._elsewhere = ""
        self._versions: dict[tuple[str, ...], tuple[Version, FunctionRecord]] = {}
        self._aside = (self._find(store) or self._trusted_as(folder, store)) if trust else _UNTRUSTED

    def file(self, path: str, original: Original) -> Filed:
        """Return where a result goes.

        Raises:
            Unreadable: Neither the file nor its name says which call it was.
            UnstableArgument: An argument has no canonical form.
        """
        values = self._bind(path, original)
        if values is None:
            aside = _MAT if original.args is None else _OTHER_ARGUMENTS
            return self._file_aside(*self._named(path, original), self._aside or aside)
        if self._aside or self._caller is None:
            return self._file_aside(Parameters(self._function).names, values, self._aside)
        caller = self._caller
        version, signature = _bound(caller.function, caller.parameters, caller.sign, original)
        call = cas.Call(version.key(signature), version.record(caller.keys.names), signature)
        notes = provenance_of(self.code.code, self._present)
        return Filed(call, self._elsewhere, notes, caller.policy.codec, caller.policy.compress)

    def _find(self, store: Store) -> str:
        """Find the present function; return why calls of it are not served with these results, if they are not."""
        module, name, _ = self.code
        if module == "__main__":
            return "it was defined in a script or a notebook"
        try:
            found = getattr(import_module(module), name, None)
            self._function = unwrap(found) if callable(found) else None
            current = function_signature(self._function) if callable(found) else ""
        except (Exception, SystemExit) as error:  # noqa: BLE001 - the user's code, which may raise anything
            return f"importing {module} raised {type(error).__name__}: {error}"
        if not current:
            return f"{module} has no function {name} now"
        handle = getattr(found, "cache", None)
        try:
            handle = handle if isinstance(handle, Cache) else cached(self._function, store=store).cache
            given = handle._caller  # noqa: SLF001 - the importer is another face of the handle
            # Its own store stays unopened: what is filed is filed in `store`.
            self._caller = Caller(given.keys, store, False, "stamp", given.code, given.policy)
            self._present = self._caller.current().fingerprint.digest.hex()
        except MemoError as error:
            return f"{name} cannot be cached: {error.message}"
        own = _own_store(found, given)
        if own and own != store.location:
            self._elsewhere = f"{name} keeps its results elsewhere: import with --store {own}"
        return "" if current == ".".join(self.code) else f"the code of {name} has changed since"

    def _trusted_as(self, folder: str, store: Store) -> str:
        """Return why the results are not those of the present code, if they were first trusted as those of another."""
        known = trusted_as(folder, self.code.code, store.entries(self.code.module, self.code.name))
        return "" if known <= {self._present} else f"what {self.code.name} calls has changed since it was first trusted"

    def _bind(self, path: str, original: Original) -> list[Any] | None:
        """Return the values of a call of the present function; None if the file's name is of another call."""
        if self._function is None or original.args is None:
            return None
        try:
            values: list[Any] = _bound(self._function, Parameters(self._function), list, original)
            signature = original_signature(self._function, *original.args, **original.kwargs)
        except Exception:  # noqa: BLE001 - other parameters; or the arguments' classes, which may raise anything
            return None
        return values if base64hash10bytes(repr(signature)) == _hash_of(path) else None

    def _named(self, path: str, original: Original) -> tuple[tuple[str, ...], list[Any]]:
        """Return parameters and values as a file's name has them, each in the form in which the file has it."""
        as_given = ("*args", "**kwargs"), [original.args, original.kwargs]
        try:
            pairs, rest = file_string_to_signature(path)
        except ValueError as error:  # it was too long, and was cut
            if original.args is None:
                raise Unreadable(path, "its arguments were cut off its name", "they are not in the file") from error
            return as_given
        given: dict[str, Any] = {}
        for value in original.args or ():
            text = repr(sanitize(value))
            if repr(given.setdefault(text, value)) != repr(value):
                return as_given  # which is whose cannot be told, as of a list and a tuple of the same elements
        named = {name: given.get(repr(value), value) for name, value in pairs} | (original.kwargs or {})
        if rest is not None:
            named["*args"] = rest if type(rest) is tuple else (rest,)  # one alone stands without its tuple
        return tuple(named), list(named.values())

    def _file_aside(self, names: tuple[str, ...], values: list[Any], aside: str) -> Filed:
        """File a result under a version of the original's code."""
        version, record = self._versions.setdefault(names, _version(self.code, names))
        signature, _ = encode_arguments(values, names)
        return Filed(cas.Call(version.key(signature), record, signature), aside, {})


def _bound(function: Any, parameters: Parameters, serve: Callable[[list[Any]], Any], original: Original) -> Any:
    """Return what `serve` makes of the values of a call."""
    return compile_wrapper(function, parameters, serve, serve)(*original.args, **original.kwargs)


def _own_store(function: Any, caller: Caller) -> str:
    """Return where a function keeps its results, as far as that can be told without opening it."""
    root, given = getattr(function, "cache_root", None), caller._given  # noqa: SLF001 - see above
    if isinstance(root, str):
        return os.path.join(root, STORE)
    named = places(None) if given is None else given
    return named[0] if isinstance(named, list) and len(named) == 1 and isinstance(named[0], str) else ""


def _hash_of(path: str) -> str:
    return os.path.basename(path).partition(".")[0]


class _OriginalCode(NamedTuple):
    """Stands for the fingerprint of code that the original names and nobody has kept: a key needs its digest alone."""

    digest: bytes


def _version(code: Code, names: tuple[str, ...]) -> tuple[Version, FunctionRecord]:
    """Return the version under which results of the original's code are listed."""
    title = "\n".join(("neurotools", *code, *names))
    fingerprint = digest(title.encode())
    note = f"neurotools called this code {code.code}; its lines were not kept"
    manifest = Manifest(
        (Ingredient("root", code.function, "neurotools", fingerprint), Ingredient("note", note, "", b""))
    )
    record = cas.FunctionRecord(fingerprint, code.module, code.name, names, manifest.pack())
    return Version(_OriginalCode(fingerprint), 0), record  # type: ignore[arg-type]
