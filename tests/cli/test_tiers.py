"""Commands on a chain of stores, and on one tier of it."""

from __future__ import annotations

import os

import pytest
from blake3 import blake3
from click.testing import CliRunner

import cas
from cas.cli import main
from tests.cli.conftest import MULTITAPER, Outcome, deposit, npy
from tests.deposits import flip, overwrite

LARGE = npy(*range(10_000))


@pytest.fixture
def chain(tmp_path):
    """Return a chain whose tiers hold one result each, and one that both have."""
    chain = cas.open([tmp_path / "fast", tmp_path / "slow"])
    fast, slow = chain.present()
    deposit(chain, MULTITAPER, ["both", 1.0, 1], "npy/1", LARGE, cost=1.0)
    chain.flush()
    deposit(fast, MULTITAPER, ["fast", 1.0, 2], "npy/1", npy(1.0), cost=2.0)
    deposit(slow, MULTITAPER, ["slow", 1.0, 3], "npy/1", npy(2.0), cost=4.0)
    return chain


@pytest.fixture
def run(chain):
    """Return what runs a command on the chain, or on another store."""

    def run(*arguments: str, store: str = chain.location) -> Outcome:
        result = CliRunner().invoke(main, [*arguments, "--store", store])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Outcome(result.exit_code, result.stdout, result.stderr)

    return run


def entry_key(chain, signal: str) -> str:
    """Return the key of the result that was stored for a signal."""
    (found,) = (entry.key for entry in chain.entries() if signal.encode() in entry.signature)
    return found.hex()


def test_looking_sees_every_tier_once(chain, run):
    """`ls`, `show` and `stats` on a chain say what all tiers hold together; on one tier, what that holds."""
    assert [row["arguments"]["signal"] for row in run("ls", "multitaper", "--json").json()] == ["slow", "fast", "both"]
    figures = run("stats", "--json").json()
    assert (figures["entries"], figures["cost"], figures["blobs"]) == (3, 7.0, 1)
    assert run("stats", "--json", store=chain.tiers[0].location).json()["entries"] == 2
    for signal in ("both", "fast", "slow"):
        assert run("show", entry_key(chain, signal)).code == 0
    assert chain.tiers[0].store.count() == 2  # looking moves nothing


def test_removed_from_every_tier(chain, run):
    """`rm` on a chain removes from all tiers; on one tier, from that alone."""
    both, slow = entry_key(chain, "both"), entry_key(chain, "slow")
    assert run("rm", both, slow, "--yes", "--json").json()["removed"] == 2
    assert [tier.store.count() for tier in chain.tiers] == [1, 0]


def test_gc_looks_at_each_tier_by_itself(chain, run):
    """`gc` on a chain drops in each tier what is too much for that tier, after the copying is done."""
    with chain.writeback.copying:
        deposit(chain, MULTITAPER, ["new", 1.0, 9], "npy/1", npy(1.0), cost=100.0)
    plans = run("gc", "--max-size", "2kB", "--json").json()["tiers"]
    assert [plan["store"] for plan in plans] == [tier.location for tier in chain.tiers]
    assert [plan["removed"]["entries"] for plan in plans] == [1, 1]
    assert [tier.store.count() for tier in chain.tiers] == [2, 2]
    text = run("gc", "--dry-run").out
    assert [line for line in text.splitlines() if line.endswith(":")] == [f"{tier.location}:" for tier in chain.tiers]
    assert "removed" in run("gc", "--json", store=chain.tiers[0].location).json()


def test_fsck_finds_and_mends_in_the_tier_that_is_damaged(chain, run):
    """`fsck` reads every tier, says where damage is, and mends it there."""
    slow = chain.tiers[1].store
    overwrite(slow.open_blob(blake3(LARGE).digest()).path, flip)
    found = run("fsck", "--json")
    assert found.code == 1
    assert {finding["store"] for finding in found.json()} == {slow.location}
    assert run("fsck", "--repair").code == 0
    assert run("fsck").out == "".join(f"{tier.location}:\neverything is intact\n" for tier in chain.tiers)
    assert [tier.store.count() for tier in chain.tiers] == [2, 1]


def test_tier_that_is_gone_is_said_in_one_line(tmp_path, run, chain):
    """A command on a chain with a tier that is not there warns, and answers from the others."""
    chain.close()
    os.rename(tmp_path / "slow", tmp_path / "away")
    seen = run("stats", "--json")
    assert seen.code == 0
    assert seen.json()["entries"] == 2
    assert [line.startswith(f"warning: the tier {tmp_path}/slow") for line in seen.err.splitlines()] == [True]
    os.rename(tmp_path / "away", tmp_path / "slow")
