"""From what a person types to the one function, the one version of it, or the one entry that it means.

Pure reading; an ambiguous name is an error that lists the choices, never a guess.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cas.alias import parse_alias
from cas.errors import ConflictError, InvalidInputError, NotFoundError

if TYPE_CHECKING:
    from cas.entry import Entry, FunctionRecord
    from cas.store import Store

# Shorter prefixes of a call key are more likely a slip than a choice.
SHORTEST_PREFIX = 4
_CHOICES = 8
_VERSIONS_HINT = "`cas ls FUNCTION --versions` shows the code of each version"
_HEXADECIMAL = frozenset("0123456789abcdef")


def find_function(store: Store, text: str) -> list[FunctionRecord]:
    """Return the versions, newest first, of the function that `text` names.

    Args:
        store: The store to look in.
        text: `module.qualname`, `module:qualname`, or the end of one from a dot on, such as `multitaper`.

    Raises:
        NotFoundError: No function of that name has a record.
        ConflictError: Several functions end in it.
    """
    records = store.records()
    exact = [r for r in records if text in (r.name, f"{r.module}:{r.qualname}")]
    found = exact or [r for r in records if r.name.endswith(f".{text}")]
    names = sorted({f"{r.module}:{r.qualname}" for r in found})
    if len(names) > 1:
        raise ConflictError(
            f"{text!r} stands for {len(names)} functions: {_some(names)}", "give more of the name, as written here"
        )
    if not found:
        raise NotFoundError(f"no function {text!r} in {store.location}", _similar(text, {r.name for r in records}))
    return found


def find_version(store: Store, text: str) -> FunctionRecord:
    """Return the version of a function that `text` names.

    Args:
        store: The store to look in.
        text: A function as `find_function` takes it, `@`, and the first characters of the version's fingerprint in
            hexadecimal, at least four.

    Raises:
        InvalidInputError: There is no `@`, or what follows cannot be the start of a fingerprint.
        NotFoundError: There is no such function, or no such version of it.
        ConflictError: Several functions or versions fit.
    """
    name, at, code = text.strip().rpartition("@")
    if not at:
        raise InvalidInputError(f"expected a version, FUNCTION@CODE, found {text!r}", _VERSIONS_HINT)
    versions = find_function(store, name)
    prefix = code.lower()
    if set(prefix) - _HEXADECIMAL or not SHORTEST_PREFIX <= len(prefix) <= 64:
        raise InvalidInputError(
            f"expected {SHORTEST_PREFIX} or more hexadecimal characters of a version's code, found {code!r}",
            f"there are {_versions(versions)}",
        )
    found = [record for record in versions if record.fingerprint.hex().startswith(prefix)]
    if not found:
        raise NotFoundError(f"no version {prefix!r} of {versions[0].name}", f"there are {_versions(versions)}")
    if len(found) > 1:
        raise ConflictError(
            f"{prefix!r} stands for several versions of {versions[0].name}: {_versions(found, 16)}",
            "give more characters of the code",
        )
    return found[0]


def names_version(text: str) -> bool:
    """Tell whether `text` is meant as `FUNCTION@CODE`; an alias may hold an `@` as well."""
    return "@" in text and not _key_of_alias(text)


def find_entry(store: Store, text: str) -> Entry:
    """Return the entry that `text` names.

    Args:
        store: The store to look in.
        text: The first characters of its call key in hexadecimal, at least four, or its alias.

    Raises:
        InvalidInputError: The text can be neither.
        NotFoundError: There is no such entry.
        ConflictError: Several keys start with it.
    """
    prefix = text.strip().lower()
    if set(prefix) - _HEXADECIMAL:
        prefix = _key_of_alias(text)
    if not SHORTEST_PREFIX <= len(prefix) <= 64:
        raise InvalidInputError(
            f"expected an entry, found {text!r}",
            f"give at least {SHORTEST_PREFIX} characters of its key, as `cas ls FUNCTION` shows it, or its alias",
        )
    keys = store.find(prefix)
    if not keys:
        raise NotFoundError(f"no entry {prefix!r} in {store.location}", "`cas ls FUNCTION` lists what there is")
    if len(keys) > 1:
        raise ConflictError(
            f"{prefix!r} stands for several entries: {_some([key.hex()[:16] for key in keys])}",
            "give more characters of the key",
        )
    return store.entry(keys[0])


def _key_of_alias(text: str) -> str:
    try:
        return parse_alias(text).hash
    except InvalidInputError:
        return ""


def _versions(records: list[FunctionRecord], length: int = 8) -> str:
    return _some([record.fingerprint.hex()[:length] for record in records])


def _some(names: list[str]) -> str:
    more = len(names) - _CHOICES
    return ", ".join(names[:_CHOICES]) + (f" and {more} more" if more > 0 else "")


def _similar(text: str, names: set[str]) -> str:
    from difflib import get_close_matches  # noqa: PLC0415 - only to help after a slip

    last = {name.rpartition(".")[2]: name for name in names}
    close = get_close_matches(text, names, 3) or [
        last[match] for match in get_close_matches(text.rpartition(".")[2], last, 3)
    ]
    if close:
        return f"did you mean {' or '.join(close)}?"
    return "`cas ls` lists the functions that have results"
