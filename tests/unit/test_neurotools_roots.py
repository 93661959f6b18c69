"""`exists`, `combine_caches` and `scan_cachedir`: `memo.neurotools.roots` and `memo.neurotools.scanning`."""

from __future__ import annotations

import os

import numpy as np
import pytest

import cas
import memo
from memo.errors import AdoptionRefused, CacheWarning
from memo.neurotools import combine_caches, disk_cacher, exists, locate_cached, scan_cachedir
from memo.neurotools.tiers import open_store
from tests.originals import leave

LAB = """
calls = []


def power(n, exponent=2, *rest, **options):
    calls.append(n)
    return float(n) ** exponent + 1 - 1
"""

# No compression makes a name of it.
LONG = " ".join(str(number**7) for number in range(60))


@pytest.fixture
def lab(project):
    """Return a module of a scientist's."""
    return project("lab", LAB)


@pytest.fixture
def root(tmp_path):
    """Return a cache root."""
    return str(tmp_path / "__neurotools_cache__")


# exists


def test_what_was_computed_exists(lab, tmp_path, root):
    """Named, positional and defaulted arguments count, whether or not the function is decorated."""
    power = disk_cacher(tmp_path)(lab.power)
    assert not exists(root, power, "npy", 3)
    assert not os.path.exists(root)
    power(3, exponent=3)
    assert exists(root, power, "npy", 3, exponent=3)
    assert exists(root, lab.power, "npy", n=3, exponent=3)
    assert not exists(root, power, "npy", 3)
    assert not exists(root, power, "npy", 3, exponent=3, more=1)
    power.purge(3, 3)
    assert not exists(root, power, "npy", 3, exponent=3)
    assert lab.calls == [3]


def test_what_somebody_removed_does_not_exist(lab, tmp_path, root):
    """Who removes a file has purged the entry; a call would compute."""
    power = disk_cacher(tmp_path)(lab.power)
    power(3)
    os.unlink(power.locate(3)[-1])
    assert not exists(root, power, "npy", 3)


def test_what_other_code_computed_does_not_exist(lab, tmp_path, root):
    """As a call would, `exists` looks at the code as it is now."""
    power = disk_cacher(tmp_path)(lab.power)
    power(3)
    exec(LAB.replace("+ 1 - 1", "+ 2 - 2"), lab.__dict__)
    assert not exists(root, lab.power, "npy", 3)


def test_a_file_of_the_original_exists(lab, root):
    """Under the name that the original gave it; one of 0 bytes holds nothing."""
    path = leave(root, lab.power, "npy", 9.0, 3)
    assert exists(root, lab.power, "npy", 3)
    os.truncate(path, 0)
    assert not exists(root, lab.power, "npy", 3)


def test_what_cannot_be_signed_does_not_exist(lab, tmp_path, root):
    """A call that no cache takes has no entry."""
    power = disk_cacher(tmp_path)(lab.power)
    power(3)
    with open(os.devnull) as file, pytest.raises(TypeError):
        exists(root, power, "npy", file)


# combine_caches


def test_results_of_earlier_code_are_taken_over(project, tmp_path, root):
    """After an edit that changes nothing, all versions' results are those of the present one."""
    for change in ("+ 1 - 1", "+ 2 - 2"):
        power = disk_cacher(tmp_path)(project("lab", LAB.replace("+ 1 - 1", change)).power)
        for n in (3, 4, 5) if change == "+ 1 - 1" else (5, 6):
            power(n)
    present = project("lab", LAB.replace("+ 1 - 1", "+ 0"))
    power = disk_cacher(tmp_path)(present.power)
    assert combine_caches(root, power, verify=1) == 4
    present.calls.clear()
    assert [power(n) for n in (3, 4, 5, 6)] == [9.0, 16.0, 25.0, 36.0]
    assert present.calls == []
    assert combine_caches(root, power) == 0


def test_results_that_differ_are_refused(project, tmp_path, root):
    """What the present code does not compute is not taken over."""
    disk_cacher(tmp_path)(project("lab", LAB).power)(3)
    present = project("lab", LAB.replace("+ 1 - 1", "+ 1"))
    with pytest.raises(AdoptionRefused, match="gave another result"):
        combine_caches(root, present.power)
    assert not exists(root, present.power, "npy", 3)


def test_a_version_that_is_refused_does_not_keep_the_others_out(project, tmp_path, root):
    """What was verified of the other versions is taken over before the refusal is told."""
    disk_cacher(tmp_path)(project("lab", LAB.replace("(n, exponent=2, *rest, **options)", "(m, exponent=2)")).power)
    for source in (LAB.replace("n, exponent=2", "m, exponent=2").replace("n)", "m)"), LAB, LAB.replace("+ 1", "+ 3")):
        disk_cacher(tmp_path)(project("lab", source).power)(3)
    power = disk_cacher(tmp_path)(project("lab", LAB.replace("+ 1 - 1", "+ 0")).power)
    with pytest.raises(AdoptionRefused):
        combine_caches(root, power)
    assert power.cache.contains(3)


@pytest.mark.parametrize("verify", [0, -1, True, "all"])
def test_evidence_is_asked_for(lab, root, verify):
    """Nothing is taken over without computing a call again."""
    with pytest.raises(cas.InvalidInputError, match="at least one call to verify"):
        combine_caches(root, lab.power, verify)


def test_results_of_the_original_are_taken_over_with_trust(project, root):
    """Its folders of earlier code are read only when that is asked for by name; the files stay."""
    earlier = project("lab", LAB)
    paths = [leave(root, earlier.power, method, float(n) ** 2, n) for n, method in ((3, "npy"), (4, "pickle"))]
    other = project("lab", LAB.replace("exponent=2", "gone=3, exponent=2"))
    leave(root, other.power, "npy", 25.0, 5)  # neither of these is a call of the present function
    leave(root, project("lab", LAB.replace("exponent=2", "exponent=3")).power, "npy", 343.0, 7)
    present = project("lab", LAB.replace("+ 1 - 1", "+ 0"))
    assert combine_caches(root, present.power) == 0
    assert combine_caches(root, present.power, trust=True) == 2
    present.calls.clear()
    power = memo.cached(store=open_store(root, True))(present.power)
    assert [power(3), power(4)] == [9.0, 16.0]
    assert present.calls == []
    assert [power(5), power(7)] == [25.0, 49.0]
    assert present.calls == [5, 7]
    assert all(map(os.path.exists, paths))


def test_results_of_the_original_that_differ_are_refused(project, root):
    """The message names the file."""
    path = leave(root, project("lab", LAB).power, "npy", 1234.0, 3)
    present = project("lab", LAB.replace("+ 1 - 1", "+ 0"))
    with pytest.raises(AdoptionRefused, match=os.path.basename(path)):
        combine_caches(root, present.power, trust=True)
    assert not exists(root, present.power, "npy", 3)


# scan_cachedir


def test_names_say_their_arguments(lab, tmp_path, capsys):
    """File name to arguments by name, and extra ones."""
    power = disk_cacher(tmp_path)(lab.power)
    power(3)
    power(3, 2, 7, 8, option="a")
    assert scan_cachedir(power.lscache()[0], verbose=True) == {
        power.locate(3)[3]: ({"exponent": 2, "n": 3}, None),
        power.locate(3, 2, 7, 8, option="a")[3]: ({"exponent": 2, "n": 3, "option": "a"}, (7, 8)),
    }
    assert power.locate(3)[3] in capsys.readouterr().out
    assert scan_cachedir(power.lscache()[0], "mat") == {}


@pytest.mark.parametrize("noted", [True, False])
@pytest.mark.parametrize("long", [LONG * 50, tuple(range(500)), LONG])
def test_arguments_too_long_for_a_name_come_from_the_entry(lab, tmp_path, long, noted):
    """Also when nothing but the entry itself tells which file is whose."""
    power = disk_cacher(tmp_path)(lab.power)
    power(3, 2, 7, label=long)
    location = power.locate(3, 2, 7, label=long)
    if not noted:
        open_store(power.cache_root, True).remember(
            b"view\0" + os.path.relpath(location[-1], power.cache_root).encode(), b""
        )
    assert scan_cachedir(location[2]) == {location[3]: ({"exponent": 2, "label": long, "n": 3}, (7,))}


def test_long_arrays_come_from_the_entry(project, tmp_path):
    """What the key has only the digest of is stored beside the result, where the name has no room for it."""
    module = project("arrays", "def total(x):\n    return float(x.sum())\n")
    total = disk_cacher(tmp_path)(module.total)
    x = np.linspace(0, 1, 10_000)
    total(x)
    ((_, (found, rest)),) = scan_cachedir(total.lscache()[0]).items()
    assert np.array_equal(found["x"], x)
    assert rest is None
    (entry,) = total.cache.entries()
    assert total.cache.replay(entry) == total(x)


def test_short_calls_store_no_arguments(lab, tmp_path):
    """Where the name tells the arguments, nothing is stored twice."""
    power = disk_cacher(tmp_path)(lab.power)
    power(3)
    assert [entry.blobs for entry in power.cache.entries()] == [()]


def test_what_is_not_known_is_counted_and_named(lab, root):
    """Files of the original whose names were cut, unless they are trusted."""
    path = leave(root, lab.power, "npy", 9.0, 3, label=LONG)
    folder, name = os.path.split(path)
    with pytest.warns(CacheWarning, match=f"(?s)1 of 1 files .* do not say what their arguments were.*{name}"):
        assert scan_cachedir(folder) == {}
    assert scan_cachedir(folder, trust=True) == {name: ({"exponent": 2, "label": LONG, "n": 3}, None)}


def test_names_of_the_original_are_read_without_trust(lab, root):
    """What a name says is read from the name alone."""
    path = leave(root, lab.power, "npy", 9.0, 3)
    assert scan_cachedir(os.path.dirname(path)) == {os.path.basename(path): ({"exponent": 2, "n": 3}, None)}


def test_unknown_encodings_are_told(lab, tmp_path):
    """What is forwarded to `file_string_to_signature` is checked before anything is read."""
    power = disk_cacher(tmp_path)(lab.power)
    power(3)
    with pytest.raises(cas.InvalidInputError, match="expected a mode"):
        scan_cachedir(power.lscache()[0], mode="xml")
    with pytest.raises(TypeError, match="nonsense"):
        scan_cachedir(power.lscache()[0], nonsense=1)


def test_locations_of_one_call_agree(lab, root):
    """The writer of these tests puts files where neurotools did."""
    path = leave(root, lab.power, "npy", 9.0, 3)
    assert path == locate_cached(root, lab.power, "npy", 3)[-1]
