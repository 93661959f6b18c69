"""Audits of what runs in pieces: coroutines with the tasks that they start, and generators."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys

import pytest

import cas
import memo
from memo.auditing import audit

PLUGIN = """
def one(x): return x + 1
def two(x): return x + 2
def three(x): return x + 3
"""
STUDY = """
import asyncio, os, sys
def hidden(name): return getattr(sys.modules["plug" + "in"[:0] + "in"], "".join(reversed(name)))
async def later(x):
    await asyncio.sleep(0)
    return hidden("eno")(x)
async def steps(x):
    await asyncio.sleep(0.001)
    with open("table.csv") as file:
        file.read()
    await asyncio.sleep(0)
    return hidden("owt")(x)
async def gathered(x):
    async def part(name):
        await asyncio.sleep(0)
        return hidden(name)(x)
    return await asyncio.gather(part("eno"), asyncio.create_task(part("owt")))
async def in_a_thread(x): return await asyncio.to_thread(hidden("eerht"), x)
async def other(x):
    for _ in range(20):
        await asyncio.sleep(0)
        hidden("eerht")(x)
    return x
async def fails(x):
    await later(x)
    raise KeyError(x)
async def plain(x):
    await asyncio.sleep(0)
    return x
def items(count):
    for number in range(count):
        yield hidden("eno")(number)
    os.getenv("LEVEL")
    return "end"
"""


@pytest.fixture
def study(project, tmp_path, monkeypatch):
    """Return a module of coroutines and generators that find other functions by names put together at run time."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "table.csv").write_text("1")
    project("plugin", PLUGIN)
    return project("study", STUDY)


def names(found):
    """Return the undeclared functions."""
    return {finding.name for finding in found.functions}


@pytest.mark.parametrize(
    ("name", "value", "functions"),
    [
        ("later", 2, {"plugin.one"}),
        ("steps", 3, {"plugin.two"}),
        ("gathered", [2, 3], {"plugin.one", "plugin.two"}),
        ("in_a_thread", 4, {"plugin.three"}),
        ("plain", 1, set()),
    ],
)
def test_a_coroutine_is_traced_to_its_end(study, name, value, functions):
    """Also after it waited, in the tasks that it starts, and in the threads."""
    found = asyncio.run(audit(getattr(study, name))(1))
    assert (found.value, names(found)) == (value, functions)
    assert [finding.name for finding in found.files] == ["table.csv"] * (name == "steps")
    assert sys.getprofile() is None


def test_other_tasks_of_the_loop_are_not_the_calls(study):
    """What takes turns with the audited coroutine is not in its report, and takes nothing out of it."""

    async def main():
        return await asyncio.gather(study.other(1), study.steps(1), audit(study.steps)(1), study.other(2))

    _, _, found, _ = asyncio.run(main())
    assert names(found) == {"plugin.two"}


def test_audits_that_take_turns_keep_apart(study):
    """Two coroutines can be audited at once, whichever ends first."""

    async def main():
        return await asyncio.gather(audit(study.other)(1), audit(study.later)(1), audit(study.steps)(1))

    found = asyncio.run(main())
    assert [names(each) for each in found] == [{"plugin.three"}, {"plugin.one"}, {"plugin.two"}]
    assert sys.getprofile() is None


def test_an_audit_of_a_coroutine_inside_an_audit(study, project):
    """The outer call has what the inner one has, as with functions."""
    module = project(
        "nesting",
        "import asyncio, study\nfrom memo.auditing import audit\nFOUND = []\n"
        "def root(x):\n    FOUND.append(asyncio.run(audit(study.gathered)(x)))\n    return study.hidden('eerht')(x)\n",
    )
    outer = audit(module.root)(1)
    assert names(module.FOUND[0]) == {"plugin.one", "plugin.two"}
    assert names(outer) >= {"plugin.three"}
    assert sys.getprofile() is None


def test_a_failing_coroutine_passes_with_a_note(study):
    """What was found so far is told with the exception."""
    with pytest.raises(KeyError) as raised:
        asyncio.run(audit(study.fails)(1))
    assert "plugin.one" in raised.value.__notes__[0]
    assert sys.getprofile() is None


def test_a_cancelled_coroutine_leaves_no_trace(study):
    """A coroutine that is cancelled while it waits ends its audit."""

    async def main():
        task = asyncio.create_task(audit(study.other)(1))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return await audit(study.later)(1)

    assert names(asyncio.run(main())) == {"plugin.one"}
    assert sys.getprofile() is None


def test_a_cached_coroutine_and_its_methods(study, store):
    """The options of the decorator count, `self` is bound, and nothing is stored."""

    class Meter:
        @memo.cached(store=store, depends=[sys.modules["plugin"].one])
        async def read(self, x):
            return await study.later(x)

    found = asyncio.run(audit(Meter().read)(1))
    assert (found.value, names(found)) == (2, set())
    assert list(Meter.read.cache.entries()) == []


def test_a_generator_is_consumed(study, monkeypatch):
    """All of its items are made, also what comes after the last; the report says how many."""
    monkeypatch.setenv("LEVEL", "3")
    found = audit(study.items)(3)
    assert names(found) == {"plugin.one"}
    assert [finding.name for finding in found.environment] == ["LEVEL"]
    assert (found.value, found.notes) == ("end", ("it yielded 3 items",))
    assert audit(memo.cached(codec="stream")(study.items))(1).notes == ("it yielded 1 item",)


@pytest.mark.parametrize(
    ("options", "seen"),
    [
        ({"depends": "plugin"}, "depends"),
        ({"depends": ["no/such/file"]}, "no such file"),
        ({"depends": [3]}, "depends="),
        ({"pin": "major"}, "pin="),
        ({"ignore": ["x"]}, "ignore="),
        ({"depend": []}, "depend="),
    ],
)
def test_options_are_checked_as_those_of_the_decorator(study, options, seen):
    """A mistake is named before anything runs."""
    for function in (study.plain, memo.cached(study.plain)):
        with pytest.raises(cas.InvalidInputError, match=seen):
            audit(function, **options)


def test_declared_files_are_found_from_any_folder(study, tmp_path, monkeypatch):
    """As for the decorator, a path is meant from where it is given."""
    audited = audit(study.steps, depends=["table.csv", study.hidden, sys.modules["plugin"]])
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "table.csv").write_text("2")
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert [finding.name for finding in asyncio.run(audited(1)).files] == ["table.csv"]
    monkeypatch.chdir(tmp_path)
    assert asyncio.run(audited(1)).files == ()


SCRIPT = """
import asyncio, os
import memo

@memo.cached
async def gain(name):
    await asyncio.sleep(0)
    with open("gain.txt") as file:
        return float(file.read())

@memo.cached(codec="stream")
def items(count):
    for number in range(count):
        yield number, os.environ["LEVEL"]

def consumer():
    for item in items(2):
        open("other.txt").close()
        yield item

async def main():
    return await asyncio.gather(gain("a"), gain("a"), gain("b"))

print(next(items(3)), asyncio.run(main()), list(consumer()), list(items(2)), list(items(1)))
"""


def test_the_variable_traces_coroutines_and_streams(tmp_path):
    """With MEMO_AUDIT=1, each is told once, when it has ended; what consumes a stream is not its own."""
    (tmp_path / "gain.txt").write_text("2.5")
    (tmp_path / "other.txt").write_text("")
    (tmp_path / "script.py").write_text(SCRIPT)
    environment = os.environ | {"CAS_STORE": str(tmp_path / "store"), "MEMO_AUDIT": "1", "LEVEL": "3"}
    done = subprocess.run(
        [sys.executable, "-W", "error", "script.py"], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    pairs = [(0, "3"), (1, "3")]
    assert done.stdout.strip() == f"{(0, '3')} {[2.5, 2.5, 2.5]} {pairs} {pairs} {pairs[:1]}"
    first, second = done.stderr.split("audit of ")[1:]
    assert first.partition(".")[2].startswith("gain: 1 thing not declared")
    assert "gain.txt" in first
    assert "items: 1 thing not declared" in second
    assert "LEVEL" in second
    assert "other.txt" not in second
