"""Manifests that the tests compare and list, laid out as `memo` does it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgpack
from blake3 import blake3

import cas
from cas.manifest import Ingredient, Manifest

if TYPE_CHECKING:
    from collections.abc import Sequence

    Row = Sequence[object]

_WITHOUT_SOURCE = ("root", "package", "python", "table", "class", "state", "note")

ROOT = ("root", "m.run", "m.run", ("f", "function m.run"))
RUN = ("function", "m.run", "def run(x):\n    return helper(x)", ("g:helper", "function m.helper"))
HELPER = ("function", "m.helper", "def helper(x):\n    return x * RATE", ("g:RATE", "value m.RATE"))
RATE = ("value", "m.RATE", "250.0")


def manifest(*rows: Row) -> Manifest:
    """Return a manifest of rows: kind, name, what its digest is made of, and links to others by kind and name.

    The third is the source of what has one, and the origin of packages, whose names count as well.
    """
    places = {f"{kind} {name}": place for place, (kind, name, *_) in enumerate(rows)}
    found = []
    for kind, name, text, *links in rows:
        targets = tuple((label, places[to]) for label, to in links)
        origin = text if kind in ("package", "python") else "project"
        source = None if kind in _WITHOUT_SOURCE else text
        counts = f"{kind} {name} {text}" if kind in ("package", "python") else f"{kind} {text}"
        digest = b"" if kind == "note" else blake3(counts.encode()).digest()
        found.append(Ingredient(kind, name, origin, digest, source, targets))
    return Manifest(found)


def version(code: str, made: Manifest | bytes, qualname: str = "run") -> cas.FunctionRecord:
    """Return a version whose code in hexadecimal starts with the given characters."""
    packed = made if isinstance(made, bytes) else made.pack()
    return cas.FunctionRecord(bytes.fromhex(code.ljust(64, "0")), "m", qualname, ("x",), packed)


def put_version(store: cas.Store, record: cas.FunctionRecord, *numbers: int) -> list[bytes]:
    """Store a result of a version for each number, and return the call keys."""
    keys = [blake3(record.fingerprint + bytes([number])).digest() for number in numbers]
    for key, number in zip(keys, numbers, strict=True):
        with store.deposit(cas.Call(key, record, msgpack.packb([number])), 0.5) as deposit:
            deposit.commit(cas.Result("tree/1", (b"\1",), "int", {}))
    return keys
