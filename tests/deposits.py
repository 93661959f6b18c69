"""Calls and results that the tests of stores deposit, each made from a number; and what must be true after."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import msgpack
from blake3 import blake3

import cas
from cas import fsck, gc

if TYPE_CHECKING:
    from collections.abc import Callable

LARGE = 100_000
"""Bytes that are above any inline limit, so that they stand in a file."""


def function(number: int = 0, module: str = "analysis", qualname: str = "spectrum") -> cas.FunctionRecord:
    """Return a version of a function of one parameter."""
    fingerprint = blake3(f"{module} {qualname} {number}".encode()).digest()
    return cas.FunctionRecord(fingerprint, module, qualname, ("number",), b"manifest %d" % number)


FUNCTION = function()


def key(number: int) -> bytes:
    """Return the call key of a number."""
    return blake3(b"key %d" % number).digest()


def call(number: int, record: cas.FunctionRecord = FUNCTION) -> cas.Call:
    """Return the call with that number as its argument."""
    return cas.Call(key(number), record, msgpack.packb([number]))


def large(number: int, size: int = LARGE) -> bytes:
    """Return bytes that a store keeps in a file, others for each number."""
    return blake3(b"large %d" % number).digest(length=size)


def put(
    store: cas.Store,
    number: int,
    body: bytes = b"small",
    children: tuple[bytes, ...] = (),
    *,
    cost: float = 0.0,
    record: cas.FunctionRecord = FUNCTION,
) -> bytes:
    """Deposit one result and return its call key."""
    with store.deposit(call(number, record), cost) as deposit:
        for child in children:
            deposit.write((child,))
        deposit.commit(cas.Result("tree/1", (body,), f"{len(body)} bytes", {"host": "here"}))
    return key(number)


def get(store: cas.Store, number: int, always: bool = False) -> tuple[bytes, list[bytes]] | None:
    """Return the body and the sorted blobs of an entry as its bytes are now, or None if there is no entry."""
    row = store.fetch(key(number))
    if row is None:
        return None
    _, digest, body, _, _ = row
    blobs = {blob: read(store, blob, always) for blob in store.entry(key(number)).blobs}
    if body is None:
        body = blobs.pop(digest)
    return body, sorted(blobs.values())


def read(store: cas.Store, digest: bytes, always: bool = False) -> bytes:
    """Return the bytes of a blob in a file."""
    with open(store.open_blob(digest, always).path, "rb") as file:
        return file.read()


def unsent(store: cas.Store) -> list[str]:
    """Return the keys of what a store of this machine has still to pass on, one for each deposit and tier."""
    if not store.index.rows("SELECT 1 FROM sqlite_master WHERE name = 'unsent'"):
        return []
    return sorted(row[0].hex() for row in store.index.rows("SELECT key FROM unsent"))


def overwrite(path: str, change: Callable[[bytearray], None]) -> None:
    """Change a file's bytes in place, as a failing disk or a careless hand would."""
    os.chmod(path, 0o600)
    with open(path, "r+b") as file:
        body = bytearray(file.read())
        change(body)
        file.seek(0)
        file.truncate()
        file.write(body)


def flip(body: bytearray, bit: int = 0) -> None:
    """Turn one bit over."""
    body[bit // 8 % len(body)] ^= 1 << bit % 8


def assert_intact(store: cas.Store) -> None:
    """Assert that fsck finds no damage, and nothing at all once leftovers are cleared away."""
    found = list(fsck.check(store))
    assert [finding for finding in found if finding.damage] == []
    if store.writable:
        fsck.repair(store, found)
        gc.execute(store, gc.plan(store))
        assert list(fsck.check(store)) == []


def forked(run: Callable[[], object], seconds: int = 60) -> int:
    """Run a function in a forked child and return how it ended, as `Popen.returncode` would say it."""
    child = os.fork()
    if not child:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(seconds)  # a child that hangs dies instead of holding up the suite
        status = 70
        try:
            run()
            status = 0
        except BaseException:
            import traceback

            traceback.print_exc()
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
