"""Where should a small result stand: in the index, or in a file of its own?

Puts and gets results of each size both ways, turn by turn in one run, and prints medians in microseconds:
`python -m benchmarks.inline`. The value of `INLINE_LIMIT` in cas/local/deposit.py rests on this table.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time

import msgpack
from blake3 import blake3

import cas
from cas.local import deposit

SIZES = [1, 2, 4, 8, 16, 32, 64, 128, 256]
TURNS = 120
FUNCTION = cas.FunctionRecord(blake3(b"f").digest(), "benchmarks", "inline", ("n",))
ALWAYS = 1 << 30


def put(store: cas.Store, key: bytes, body: bytes, limit: int, cost: float) -> float:
    """Return the seconds that storing one result takes."""
    deposit.INLINE_LIMIT = limit
    call = cas.Call(key, FUNCTION, msgpack.packb([1]))
    start = time.perf_counter()
    with store.deposit(call, cost) as writing:
        writing.commit(cas.Result("npy/1", (body,), "bytes"))
    return time.perf_counter() - start


def get(store: cas.Store, key: bytes) -> float:
    """Return the seconds until the verified bytes of one result are in memory."""
    start = time.perf_counter()
    _, digest, body, _, _ = store.fetch(key)
    if body is None:
        file = os.open(store.open_blob(digest).path, os.O_RDONLY)
        body = os.read(file, 1 << 20)
        os.close(file)
    return time.perf_counter() - start


def measure(folder: str, size: int, cost: float) -> list[float]:
    """Return medians in microseconds: put inline, put as a file, get inline, get as a file."""
    stores = [cas.open(os.path.join(folder, f"{size}-{cost}-{way}")) for way in ("inline", "file")]
    times: list[list[float]] = [[], [], [], []]
    for turn in range(TURNS):
        body, key = os.urandom(size), blake3(b"%d" % turn).digest()
        for way, (store, limit) in enumerate(zip(stores, (ALWAYS, -1), strict=True)):
            times[way].append(put(store, key, body, limit, cost))
            get(store, key)
    for turn in range(TURNS):
        for way, store in enumerate(stores):
            times[2 + way].append(get(store, blake3(b"%d" % turn).digest()))
    for store in stores:
        store.close()
    return [statistics.median(values) * 1e6 for values in times]


def main() -> None:
    """Print the table."""
    limit = deposit.INLINE_LIMIT
    with tempfile.TemporaryDirectory(dir=sys.argv[1] if len(sys.argv) > 1 else None) as folder:
        print("           put, quick call     put, fsynced        get")
        print("   size   inline    file     inline    file     inline    file")
        for kilobytes in SIZES:
            quick = measure(folder, kilobytes << 10, 0.0)
            worth = measure(folder, kilobytes << 10, 1.0)[:2] if kilobytes >= 4 else [float("nan")] * 2
            cells = "  ".join(f"{value:7.0f}" for value in (*quick[:2], *worth, *quick[2:]))
            print(f"{kilobytes:4} KB  {cells}")
    deposit.INLINE_LIMIT = limit


if __name__ == "__main__":
    main()
