"""Functions whose results are kept in several tiers, in several processes."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

import cas
import memo
from cas.errors import StoreWarning

ANALYSIS = """
import sys
import numpy as np
import memo

@memo.cached(store=sys.argv[1:], memory=False)
def smooth(size, scale=1.0):
    print("computing", size, flush=True)
    return {"time": np.arange(size, dtype="f8"), "trace": np.sin(np.arange(size) * scale), "size": size}

for size in (10, 200_000):
    found = smooth(size)
    assert found["trace"].tobytes() == np.sin(np.arange(size) * 1.0).tobytes()
    assert (found["time"].dtype, found["time"].shape, found["size"]) == (np.dtype("f8"), (size,), size)
    assert found["trace"].flags.writeable
"""


def run(folder, *places: str) -> list[str]:
    """Run the analysis with these tiers, and return what it computed."""
    (folder / "analysis.py").write_text(ANALYSIS)
    done = subprocess.run(
        [sys.executable, "-W", "error", "analysis.py", *places], cwd=folder, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


def test_processes_serve_each_other_through_the_slow_tier(tmp_path):
    """What one process computed, small and large, a second with another fast tier is served, and a third without it."""
    assert run(tmp_path, "fast", "shared") == ["computing 10", "computing 200000"]
    assert run(tmp_path, "fast", "shared") == []
    assert run(tmp_path, "other", "shared") == []
    assert run(tmp_path, "other") == []
    assert run(tmp_path, "new", "file://" + str(tmp_path / "objects"), "shared") == []
    assert run(tmp_path, "file://" + str(tmp_path / "objects")) == []
    for name in ("fast", "other", "shared"):
        store = cas.open(tmp_path / name)
        assert store.count() == 2
        assert sum(blob.size for blob in store.blobs()) > 3_200_000


def test_relative_tiers_are_those_of_the_decoration(tmp_path, monkeypatch):
    """Relative folders in a list name the same folders after an `os.chdir`; URLs stay as they are."""
    monkeypatch.chdir(tmp_path)

    @memo.cached(store=["fast", f"memory://{tmp_path}"])
    def double(x):
        return 2 * x

    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path / "below")
    assert double(21) == 42
    assert cas.open(tmp_path / "fast").count() == 1
    assert os.listdir(tmp_path / "below") == []
    chain = cas.open([tmp_path / "fast", f"memory://{tmp_path}"])
    chain.flush()
    assert cas.open(f"memory://{tmp_path}").count() == 1


def test_refresh_reaches_every_tier(tmp_path):
    """A call computed anew is the one that is served, from whichever tier."""
    values = [1.0, 2.0]
    chain = cas.open([tmp_path / "fast", tmp_path / "slow"])

    @memo.cached(store=chain, depends=[], allow_mutable_bindings=False, memory=False, ignore=["source"])
    def measure(x, source=None):
        return np.full(20_000, source.pop(0) if source else -1.0)

    assert measure(1, values)[0] == 1.0
    assert measure.cache.refresh(1, values)[0] == 2.0
    chain.flush()
    for tier in (*chain.present(), chain):
        (entry,) = tier.entries()
        blob = tier.open_blob(entry.digest, always=True)
        assert np.load(blob.path)[0] == 2.0


def test_cached_function_goes_on_without_its_slow_tier(tmp_path):
    """A slow tier that is gone is one warning, and every call is served or computed."""
    chain = cas.open([tmp_path / "fast", tmp_path / "slow"])
    chain.close()
    os.rename(tmp_path / "slow", tmp_path / "away")

    @memo.cached(store=[tmp_path / "fast", tmp_path / "slow"])
    def triple(x):
        return 3 * x

    with pytest.warns(StoreWarning, match="left out") as said:
        assert [triple(1), triple(1), triple(2)] == [3, 3, 6]
    chain.flush()
    assert len(said) == 1
    os.rename(tmp_path / "away", tmp_path / "slow")
    cas.open([tmp_path / "fast", tmp_path / "slow"]).flush()
    assert cas.open(tmp_path / "slow").count() == 2


def test_chain_is_explained_and_its_function_looked_at(tmp_path):
    """The handle of a function answers for a chain as for one store."""

    @memo.cached(store=[tmp_path / "fast", tmp_path / "slow"], memory=False)
    def square(x):
        return x * x

    assert str(square.cache.explain(3)).count("miss") >= 1
    assert square(3) == 9
    assert square.cache.contains(3)
    assert "hit" in str(square.cache.explain(3))
    assert square.cache.stats().entries == 1
    assert square.cache.forget(3)
    assert not square.cache.contains(3)
