"""A store with results in it, and a way to run commands on it."""

from __future__ import annotations

import json
import struct
from typing import TYPE_CHECKING, NamedTuple

import msgpack
import pytest
from blake3 import blake3
from click.testing import CliRunner

import cas
from cas.cli import main
from cas.npy import Header, write_header

if TYPE_CHECKING:
    from collections.abc import Callable

MULTITAPER = cas.FunctionRecord(
    blake3(b"multitaper 1").digest(), "analysis.spectra", "multitaper", ("signal", "rate", "tapers")
)
LOAD = cas.FunctionRecord(blake3(b"load 1").digest(), "recording", "load", ("path", "*channels", "**options"))
CHILD = 85
STORED = 84


class Outcome(NamedTuple):
    """What a command did."""

    code: int
    out: str
    err: str

    def rows(self) -> list[list[str]]:
        """Return the cells of a table, headings first."""
        return [line.split() for line in self.out.splitlines()]

    def json(self) -> object:
        """Return the printed JSON."""
        return json.loads(self.out)


def npy(*numbers: float) -> bytes:
    """Return an array of numbers as an `.npy` file."""
    return write_header(Header("<f8", False, (len(numbers),))) + struct.pack(f"<{len(numbers)}d", *numbers)


def tagged(code: int, *elements: object) -> list[object]:
    """Return a tagged array of a form, as msgpack packs it."""
    return [msgpack.ExtType(code, b""), *elements]


def deposit(
    store: cas.Store,
    function: cas.FunctionRecord,
    arguments: list[object],
    codec: str,
    body: bytes,
    *,
    cost: float = 0.0,
    summary: str = "result",
    child: bytes = b"",
) -> str:
    """Store one result and return its call key in hexadecimal."""
    signature = msgpack.packb(arguments)
    key = blake3(function.fingerprint + signature).digest()
    with store.deposit(cas.Call(key, function, signature), cost) as writing:
        if child:
            writing.write((child,))
        writing.commit(cas.Result(codec, (body,), summary, {"python": "3.11.4", "host": "lab"}))
    return key.hex()


@pytest.fixture
def run(store: cas.Store) -> Callable[..., Outcome]:
    """Return what runs a command on the store of the test."""

    def run(*arguments: str, **settings: str) -> Outcome:
        result = CliRunner().invoke(main, [*arguments, "--store", store.location], **settings)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Outcome(result.exit_code, result.stdout, result.stderr)

    return run


@pytest.fixture
def tapers(store: cas.Store) -> dict[int, str]:
    """Store ten results of `multitaper`, and return their keys by the argument `tapers`."""
    return {
        tapers: deposit(
            store,
            MULTITAPER,
            ["eeg", 250.0, tapers],
            "npy/1",
            npy(*range(tapers)),
            cost=0.5 * (tapers % 7),
            summary=f"float64[{tapers}]",
        )
        for tapers in range(1, 11)
    }


@pytest.fixture
def loaded(store: cas.Store) -> str:
    """Store a tree that holds plain values, a small array, and twice the same large one; return its key."""
    child = npy(*range(3000))
    digest = blake3(child).digest()
    value = {
        "name": "eeg",
        "time": tagged(CHILD, digest, "<f8", [3000]),
        "again": tagged(CHILD, digest, "<f8", [3000]),
        "gain": tagged(STORED, "<i2", [2, 3], True, struct.pack("<6h", 0, 3, 1, 4, 2, 5)),
        "sizes": [1, 2.5, None, float("nan"), b"\x01"],
    }
    arguments = ["a.dat", tagged(32, 1, 2), {"unit": "µV"}]
    return deposit(
        store, LOAD, arguments, "tree/1", msgpack.packb(value), cost=7200.0, summary="dict of 5", child=child
    )
