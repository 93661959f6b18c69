"""`cas diff`: what changed between two versions, each part by itself."""

from __future__ import annotations

import pytest

from cas.listing import iso, local_time
from tests.manifests import HELPER, RATE, ROOT, RUN, manifest, put_version, version

DIVIDES = (*HELPER[:2], HELPER[2].replace("*", "/"), *HELPER[3:])
OLD_SCIPY, NEW_SCIPY = ("package", "scipy.welch", "scipy==1.11.4"), ("package", "scipy.welch", "scipy==1.12.0")
FIRST = version("aaaa0001", manifest(ROOT, RUN, HELPER, RATE, OLD_SCIPY))
SECOND = version("aaaa0002", manifest(ROOT, RUN, DIVIDES, RATE, OLD_SCIPY))
THIRD = version("bbbb0003", manifest(ROOT, RUN, DIVIDES, ("value", "m.RATE", "500.0"), NEW_SCIPY))


@pytest.fixture
def three(store):
    """Store three versions of one function."""
    for record in (FIRST, SECOND, THIRD):
        put_version(store, record, 1)
    return store


def header(store, *versions):
    """Return the two lines that name the versions that are compared."""
    created = {record.fingerprint: local_time(record.created) for record in store.records()}
    return [
        f"{sign} {record.name}@{record.fingerprint.hex()[:8]}  {created[record.fingerprint]}"
        for sign, record in zip(("---", "+++"), versions, strict=True)
    ]


def test_each_change_is_told_by_itself(run, three):
    """Two versions are named, then each change with where it stands, then the packages."""
    outcome = run("diff", "run@aaaa0001", "m.run@bbbb")
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.splitlines() == [
        *header(three, FIRST, THIRD),
        "",
        "function m.helper changed",
        "run -> helper",
        "@@ -1,2 +1,2 @@",
        " def helper(x):",
        "-    return x * RATE",
        "+    return x / RATE",
        "",
        "value m.RATE changed",
        "run -> helper -> RATE",
        "250.0 -> 500.0",
        "",
        "package scipy 1.11.4 -> 1.12.0 (counts)",
    ]


def test_against_the_newest(run, three):
    """One version alone is compared with the newest, a function alone by its two newest, the other way round too."""
    assert run("diff", "run@aaaa0001").out.splitlines()[:2] == header(three, FIRST, THIRD)
    assert run("diff", "run").out.splitlines()[:2] == header(three, SECOND, THIRD)
    assert run("diff", "run", "run@aaaa0001").out.splitlines()[:2] == header(three, THIRD, FIRST)
    assert "-    return x / RATE" in run("diff", "run", "run@aaaa0001").out


def test_nothing_to_compare_with(run, store):
    """The newest version, and the only one, need another to be compared with."""
    put_version(store, FIRST, 1)
    for text in ("run", "run@aaaa"):
        alone = run("diff", text)
        assert (alone.code, alone.out) == (2, "")
        assert alone.err.startswith("error: m.run@aaaa0001 is the only version")
    put_version(store, THIRD, 1)
    assert run("diff", "run@bbbb").err.startswith("error: m.run@bbbb0003 is the newest version")


def test_the_same_version(run, three):
    """A version does not differ from itself."""
    outcome = run("diff", "run@bbbb", "run@bbbb")
    assert (outcome.code, outcome.out.splitlines()[3:]) == (0, ["the same version"])
    assert run("diff", "run@bbbb", "run@bbbb", "--json").json()["changes"] == []


def test_nothing_that_has_a_name(run, store):
    """Two versions with one manifest are said to differ in nothing that can be told."""
    put_version(store, FIRST, 1)
    put_version(store, version("cccc", FIRST.manifest), 1)
    outcome = run("diff", "run")
    assert (outcome.code, outcome.out.splitlines()[3:]) == (
        0, ["nothing that has a name is different: another version of the package made one of the two"],
    )  # fmt: skip


def test_packages(run, store):
    """Packages are told once each: a version that does not count, and what is used of them now and no more."""
    own = ROOT, RUN, HELPER, RATE
    old = manifest(*own, OLD_SCIPY, ("package", "numpy.sum", "numpy==2.3.1"))
    new = manifest(*own, NEW_SCIPY, ("package", "numpy.mean", "numpy==2.3.1"), ("package", "numpy.std", "numpy==2.3.1"))
    new = type(new)([*new[:4], new[4]._replace(digest=old[4].digest), *new[5:]])
    put_version(store, version("aaaa", old), 1)
    put_version(store, version("bbbb", new), 1)
    assert run("diff", "run").out.splitlines()[3:] == [
        "+package numpy 2.3.1: numpy.mean, numpy.std",
        "-package numpy 2.3.1: numpy.sum",
        "package scipy 1.11.4 -> 1.12.0 (does not count)",
    ]
    told = run("diff", "run", "--json").json()["packages"]
    assert told[1] == {
        "name": "scipy", "old": "1.11.4", "new": "1.12.0", "counts": False, "added": [], "removed": [],
    }  # fmt: skip


def test_diff_as_json(run, three):
    """With --json the two versions, the changes with their lines, and the packages are one object."""
    told = run("diff", "run", "--json").json()
    created = {record.fingerprint: iso(record.created) for record in three.records()}
    assert told["new"] == {
        "function": "m.run", "code": THIRD.fingerprint.hex(), "created": created[THIRD.fingerprint],
    }  # fmt: skip
    assert told["old"]["code"] == SECOND.fingerprint.hex()
    assert told["changes"][0] == {
        "how": "changed",
        "kind": "value",
        "name": "m.RATE",
        "path": ["m.run", "m.helper", "m.RATE"],
        "lines": ["250.0 -> 500.0"],
    }
    assert told["packages"][0]["counts"] is True


def test_two_functions(run, store):
    """Versions of two functions are compared as well: what was renamed keeps its results that way."""
    put_version(store, FIRST, 1)
    root = ("root", "m.walk", "m.walk", ("f", "function m.walk"))
    walk = ("function", "m.walk", "def walk(x):\n    return helper(x)", *RUN[3:])
    put_version(store, version("dddd", manifest(root, walk, HELPER, RATE, OLD_SCIPY), "walk"), 1)
    lines = run("diff", "run", "walk").out.splitlines()
    assert lines[3:] == [
        "function m.walk changed",
        "@@ -1,2 +1,2 @@",
        "-def run(x):",
        "+def walk(x):",
        "     return helper(x)",
        "was called m.run, is called m.walk",
        "",
        "m.walk changed",
        "was called m.run, is called m.walk",
        "",
    ]


def test_a_manifest_that_cannot_be_read(run, store):
    """A version whose manifest is damaged is named, and nothing is compared."""
    put_version(store, version("aaaa", b"damage"), 1)
    put_version(store, FIRST, 1)
    outcome = run("diff", "run")
    assert (outcome.code, outcome.out) == (7, "")
    assert outcome.err.startswith("error: the manifest of m.run@aaaa0000: expected a packed manifest")
