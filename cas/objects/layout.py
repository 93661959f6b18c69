"""Where everything in a shared store stands: the names of its objects, and what can be read from a name alone.

Owns every name and the format version. Pure functions; knows nothing of buckets or of what an object holds.
"""

from __future__ import annotations

from functools import lru_cache

from cas.alias import CODE_LENGTH, HASH_LENGTH, alias
from cas.errors import CasError, InvalidInputError
from cas.filename import NAME_LIMIT, folder
from cas.form import unpack

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cas.entry import FunctionRecord

VERSION = "v1"
FORMAT = "FORMAT"
FORMAT_TEXT = "cas objects, format 1\n"
BLOBS = "v1/blobs/"
ENTRIES = "v1/entries/"
KEYS = "v1/keys/"
FUNCTIONS = "v1/functions/"
USED_KEYS = "v1/used/keys/"
USED_FUNCTIONS = "v1/used/functions/"
CACHE = "v1/cache/"
QUARANTINE = "quarantine/"
TEMPORARY = "temporary/"
LONGEST = 64 << 20
"""Bytes above which nothing but a blob is written or read: of what others wrote, no more comes into memory."""
_SUFFIX = ".json"
_HEX = frozenset("0123456789abcdef")
TOP = frozenset({FORMAT, VERSION, "quarantine", "temporary", "README", "README.md", "README.txt"})
"""What may stand at the root of a shared store."""


def blob(digest: bytes) -> str:
    """Return the name of a blob."""
    return _fanned(BLOBS, digest.hex())


def key(key: bytes) -> str:
    """Return the name of the object that leads from a call key to its entry."""
    return _fanned(KEYS, key.hex())


def used(key: bytes) -> str:
    """Return the name of the object that says when an entry was last used."""
    return _fanned(USED_KEYS, key.hex())


def remembered(digest: bytes) -> str:
    """Return the name of a small memory, given the digest of what it is called."""
    return _fanned(CACHE, digest.hex())


def function(record: FunctionRecord) -> str:
    """Return the name of a function record."""
    return f"{of_function(FUNCTIONS, record.module, record.qualname)}{record.fingerprint.hex()}{_SUFFIX}"


def figures(fingerprint: bytes) -> str:
    """Return the prefix of what processes say of the hits of a version."""
    return f"{USED_FUNCTIONS}{fingerprint.hex()}/"


def of_function(prefix: str, module: str | None, qualname: str | None) -> str:
    """Return the prefix of what belongs to one function, or to all."""
    if module is None or qualname is None:
        return prefix
    return f"{prefix}{_folders(module, qualname)}/"


@lru_cache(maxsize=1024)
def _folders(module: str, qualname: str) -> str:
    return f"{folder(module)}/{folder(qualname)}"


def entry(record: FunctionRecord, key: bytes, signature: bytes) -> str:
    """Return the name of a call's entry: its alias, if its arguments can be read, else without them."""
    names = [parameter.lstrip("*") for parameter in record.parameters]
    try:
        values = unpack(signature)
        path = alias(record.module, record.qualname, record.fingerprint, key, names, values)
    except (CasError, ValueError, TypeError, RecursionError):
        return short_entry(record, key)
    return f"{ENTRIES}{path}{_SUFFIX}"


def short_entry(record: FunctionRecord, key: bytes) -> str:
    """Return a name of a call's entry that does without the arguments."""
    code, start = record.fingerprint.hex()[:CODE_LENGTH], key.hex()[:HASH_LENGTH]
    return f"{of_function(ENTRIES, record.module, record.qualname)}{code}/{start}.{_SUFFIX}"


def is_entry(name: str) -> bool:
    """Return whether a name is one that an entry may have."""
    parts = name.removeprefix(ENTRIES).split("/")
    if not (name.startswith(ENTRIES) and len(parts) == 4 and name.endswith(_SUFFIX) and _is_hex(hash_of(name), 40)):
        return False
    # What another wrote may be any text; none of ours has a part that is hidden or leads elsewhere.
    return all(_is_part(part) for part in parts)


def hash_of(name: str) -> str:
    """Return what the name of an entry says of its key: the first 40 hexadecimal digits."""
    return name.rpartition("/")[2][:HASH_LENGTH]


def digest_of(name: str, prefix: str) -> bytes | None:
    """Return the digest or key that an object below `prefix` is named by; None if it is not named so."""
    fan, _, rest = name.removeprefix(prefix).partition("/")
    if not name.startswith(prefix) or rest[:2] != fan or not _is_hex(rest, 64):
        return None
    return bytes.fromhex(rest)


def is_function(name: str) -> bool:
    """Return whether a name is one that a function record may have."""
    parts = name.removeprefix(FUNCTIONS).split("/")
    return name.startswith(FUNCTIONS) and len(parts) == 3 and name.endswith(_SUFFIX)


def is_figures(name: str) -> bool:
    """Return whether a name is one under which a process says how often it was served."""
    fingerprint, _, token = name.removeprefix(USED_FUNCTIONS).partition("/")
    return name.startswith(USED_FUNCTIONS) and _is_hex(fingerprint, len(fingerprint)) and _is_hex(token, 32)


def is_same(name: str, other: str) -> bool:
    """Return whether two names may be of one object: a file system may take upper and lower case for one.

    Then what stands below `Spectrum` is found below `spectrum`, whichever of the two was made first.
    """
    return name == other or name.casefold() == other.casefold()


def taken_aside(name: str) -> bytes | None:
    """Return the digest of the blob that a sweep took aside under a temporary name; None if it is no such name."""
    _, _, digest = name.rpartition(".")
    return bytes.fromhex(digest) if name.startswith(TEMPORARY) and _is_hex(digest, 64) else None


def prefixes_of_keys(prefix: str) -> list[str]:
    """Return where the keys stand whose hexadecimal form starts with `prefix`.

    Raises:
        InvalidInputError: No key can start so.
    """
    if set(prefix) - _HEX:
        raise InvalidInputError(
            f"expected the start of a call key in hexadecimal, found {prefix!r}", "`cas ls` shows the keys"
        )
    return [f"{KEYS}{prefix[:2]}/"] if len(prefix) > 1 else [KEYS]


def _is_part(part: str) -> bool:
    return 0 < len(part.encode(errors="replace")) <= NAME_LIMIT and part[0] != "." and not set(part) & {"\0", "\\"}


def _fanned(prefix: str, name: str) -> str:
    return f"{prefix}{name[:2]}/{name}"


def _is_hex(text: str, length: int) -> bool:
    return len(text) == length and not set(text) - _HEX
