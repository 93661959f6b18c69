"""The arguments of a call, stored beside its result so that the call can be made again.

Owns where they are: in a blob that the entry needs, so that gc keeps it (I4), named in the entry's provenance. They are
stored only as the signature has them, never as the function left them.
"""

from __future__ import annotations

import cas
from memo.codecs import by_name, choose

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from cas import Entry, Store
    from memo.codecs import Write

# The name in the provenance; its text is the codec and the digest of the blob.
NOTE = "arguments"


def write_arguments(names: tuple[str, ...], values: list[Any], write: Write) -> dict[str, str]:
    """Store the arguments of a call, and return what the provenance is to say of them.

    Raises:
        CodecError: One of them cannot be stored exactly.
    """
    given = dict(zip(names, values, strict=True))
    codec = choose(given)
    parts, _ = codec.encode(given, write)
    return {NOTE: f"{codec.name} {write(parts).hex()}"}


def read_arguments(store: Store, entry: Entry) -> dict[str, Any]:
    """Return the arguments with which a result was computed, by parameter; `*rest` and `**options` keep their stars.

    Raises:
        cas.NotFoundError: They were not stored.
        CodecError: They cannot be read.
    """
    noted: Mapping[str, str] = entry.provenance
    codec, _, digest = noted.get(NOTE, "").partition(" ")
    if not digest:
        raise cas.NotFoundError(
            f"entry {entry.key.hex()[:12]} has a result without its arguments",
            "they are stored by @memo.cached(store_args=True), for calls that are computed from then on, and whose "
            "function does not change them",
        )
    found: Any = by_name(codec).decode(store.open_blob(bytes.fromhex(digest)), store.open_blob)
    return dict(found)


def find_entry(store: Store, which: Entry | str) -> Entry:
    """Return an entry given as itself, or by the start of its key in hexadecimal.

    Raises:
        cas.NotFoundError: There is none.
        cas.InvalidInputError: There are several, or it is no key.
    """
    if isinstance(which, cas.Entry):
        return store.entry(which.key)
    if not isinstance(which, str):
        raise cas.InvalidInputError(
            f"expected an entry or the start of its key in hexadecimal, found {which!r}",
            "f.cache.entries() yields the entries, f.cache.key(...) returns the key of a call",
        )
    keys = store.find(which) if len(which) >= 4 else []
    if not keys:
        raise cas.NotFoundError(f"no entry has a key that starts with {which!r}", "`cas ls` lists what there is")
    if len(keys) > 1:
        raise cas.InvalidInputError(f"{len(keys)} entries have keys that start with {which!r}", "give more of the key")
    return store.entry(keys[0])
