"""Entries, function records, pointers and figures as the bytes of objects, and back.

Every one of them carries a check over all its bits and the name that it belongs to, so that neither a flipped bit nor
an object under another's name is ever served.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from blake3 import blake3

from cas.entry import Entry, FunctionRecord
from cas.errors import CasError
from cas.form import to_json, unpack
from cas.objects.layout import blob, hash_of, is_entry
from cas.objects.sealed import seal, unseal

if TYPE_CHECKING:
    from collections.abc import Mapping

_FAULTS = (KeyError, TypeError, ValueError, AttributeError)


class Kept(NamedTuple):
    """An entry as it stands in its object.

    Attributes:
        entry: The entry; its function has no manifest, and its `used` is the time of storing.
        inline: The root blob, if it stands in the entry.
    """

    entry: Entry
    inline: bytes | None


def write_entry(entry: Entry, inline: bytes | None) -> bytes:
    """Return the object of an entry: first what a person looks for, last what only a program needs."""
    function = entry.function
    values: dict[str, Any] = {
        "function": function.name,
        "arguments": _readable(entry),
        "result": entry.summary,
        "codec": entry.codec,
        "file": None if entry.inline else blob(entry.digest),
        "cost": entry.cost,
        "size": entry.size,
        "stored": _iso(entry.created),
        "provenance": dict(sorted(entry.provenance.items())),
        "blobs": [digest.hex() for digest in entry.blobs],
        "digest": entry.digest.hex(),
        "created": entry.created,
        "used": entry.used,
        "key": entry.key.hex(),
        "fingerprint": function.fingerprint.hex(),
        "module": function.module,
        "qualname": function.qualname,
        "parameters": list(function.parameters),
        "signature": _text(entry.signature),
        "inline": None if inline is None else _text(inline),
    }
    return seal(values)


def read_entry(data: bytes) -> Kept | None:
    """Return what an object of an entry holds; None if it is damaged."""
    values = unseal(data)
    if values is None:
        return None
    try:
        inline = None if values["inline"] is None else b64decode(values["inline"], validate=True)
        digest = _digest(values["digest"])
        if inline is not None and blake3(inline).digest() != digest:
            return None
        entry = Entry(
            key=_digest(values["key"]),
            function=_function(values),
            signature=b64decode(values["signature"], validate=True),
            codec=_words(values["codec"])[0],
            digest=digest,
            inline=inline is not None,
            size=int(_number(values["size"])),
            blobs=tuple(map(_digest, values["blobs"])),
            summary=_words(values["result"])[0],
            cost=_number(values["cost"]),
            created=_time(values["created"]),
            used=_time(values["used"]),
            provenance=_provenance(values["provenance"]),
        )
    except _FAULTS:
        return None
    return Kept(entry, inline)


def write_function(record: FunctionRecord) -> bytes:
    """Return the object of a function record."""
    values = {
        "function": record.name,
        "parameters": list(record.parameters),
        "stored": _iso(record.created),
        "fingerprint": record.fingerprint.hex(),
        "module": record.module,
        "qualname": record.qualname,
        "created": record.created,
        "manifest": _text(record.manifest),
    }
    return seal(values)


def read_function(data: bytes) -> FunctionRecord | None:
    """Return the function record of an object; None if it is damaged."""
    values = unseal(data)
    if values is None:
        return None
    try:
        manifest, created = b64decode(values["manifest"], validate=True), _time(values["created"])
        return replace(_function(values), manifest=manifest, created=created)
    except _FAULTS:
        return None


def write_pointer(key: bytes, name: str) -> bytes:
    """Return the object that leads from a call key to the name of its entry."""
    return f"{name}\n{_check(key, name.encode())}\n".encode()


def read_pointer(key: bytes, data: bytes) -> str | None:
    """Return the name of the entry that a key leads to; None if the pointer is damaged."""
    name, _, check = data.partition(b"\n")
    if check != f"{_check(key, name)}\n".encode():
        return None
    try:
        text = name.decode()
    except UnicodeDecodeError:
        return None
    return text if is_entry(text) and key.hex().startswith(hash_of(text)) else None


def write_remembered(name: bytes, body: bytes) -> bytes:
    """Return the object of a small memory."""
    return blake3(name + body).digest() + body


def read_remembered(name: bytes, data: bytes) -> bytes | None:
    """Return what was remembered; None if it is damaged."""
    body = data[32:]
    return body if blake3(name + body).digest() == data[:32] else None


def write_values(values: Mapping[str, Any]) -> bytes:
    """Return the object of a few named values."""
    return seal(values)


def read_values(data: bytes | None) -> dict[str, Any]:
    """Return a few named values; none if there is no object, or a damaged one."""
    return (unseal(data) if data is not None else None) or {}


# What is read was written by anyone: a check that fits says that no bit has changed, not that it means something.


def _function(values: Mapping[str, Any]) -> FunctionRecord:
    module, qualname, *parameters = _words(values["module"], values["qualname"], *_list(values["parameters"]))
    return FunctionRecord(_digest(values["fingerprint"]), module, qualname, tuple(parameters))


def _digest(text: str) -> bytes:
    digest = bytes.fromhex(text)
    if len(digest) != 32:
        raise ValueError(text)
    return digest


def _words(*values: object) -> list[str]:
    words = [value for value in values if isinstance(value, str)]
    if len(words) != len(values):
        raise TypeError(values)
    return words


def _list(value: object) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError(value)
    return value


def _provenance(values: dict[str, Any]) -> dict[str, str]:
    return dict(zip(values, _words(*values.values()), strict=True))


def _number(value: object) -> float:
    # Up to what a float counts exactly, which leaves out infinity too; a NaN is not in any range.
    if type(value) not in (int, float) or not 0 <= value < 1 << 53:  # type: ignore[operator]
        raise ValueError(value)
    return value  # type: ignore[return-value]


def _time(value: object) -> float:
    # Before 1970 too: files that came from elsewhere have such times.
    if type(value) not in (int, float) or not abs(value) < 1 << 53:  # type: ignore[arg-type]
        raise ValueError(value)
    return value  # type: ignore[return-value]


def _check(key: bytes, name: bytes) -> str:
    return blake3(key + name).hexdigest(length=16)


def _readable(entry: Entry) -> dict[str, Any] | None:
    """Return the arguments for a person; None if they cannot be decoded."""
    try:
        values = unpack(entry.signature)
        return {name: to_json(value) for name, value in zip(entry.function.parameters, values, strict=True)}
    except (CasError, ValueError, TypeError, RecursionError):
        return None


def _iso(seconds: float) -> str:
    try:
        return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    except (ValueError, OverflowError, OSError):
        return "?"


def _text(data: bytes) -> str:
    return b64encode(data).decode("ascii")
