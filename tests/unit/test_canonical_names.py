"""How classes and functions are named in a signature and reported as roots of the fingerprint."""

from __future__ import annotations

import dataclasses
import enum
import os
import pathlib
import reprlib
import subprocess
import sys
from typing import NamedTuple

import pytest

import memo.canonical
from memo.canonical import encode, encode_arguments
from memo.errors import UnstableArgument


class Color(enum.Enum):
    RED = 1


class Point(NamedTuple):
    x: float
    y: float


@dataclasses.dataclass
class Config:
    rate: float


class Plain:
    def __init__(self, a: object) -> None:
        self.a = a


class Keyed:
    def __memo_key__(self) -> int:
        return 1


def helper() -> None:
    """Do nothing."""


def make_function(number: int):
    """Return a function that no name leads to."""
    return lambda: number


def make_class(number: int):
    """Return a class that no name leads to."""

    class Local:
        value = number

    return Local


def test_roots_are_the_classes_and_functions_met():
    """Classes of instances, classes and functions as values are reported once, in order; built-in ones are not."""
    values = [Plain(a=Config(1.0)), [helper, Color.RED, helper], Point(1, 2), {1: Keyed()}, int, 1, (len, {"a"})]
    _, roots = encode_arguments(values, tuple("abcdefg"))
    assert roots == (Plain, Config, helper, Color, Point, Keyed)


def test_functions_that_no_name_leads_to_keep_their_places():
    """Two lambdas of one name, swapped or repeated, give different signatures or a different order of roots."""
    one, two = make_function(1), make_function(2)
    seen = set()
    for values in ([one, two], [two, one], [one, one], [two, two]):
        seen.add(encode_arguments(values, ("f", "g")))
    assert len(seen) == 4
    assert (
        encode_arguments([one, two, one], ("f", "g", "h"))[0] != encode_arguments([one, two, two], ("f", "g", "h"))[0]
    )


def test_classes_that_no_name_leads_to_keep_their_places():
    """Instances of two local classes of one name are told apart."""
    one, two = make_class(1), make_class(2)
    assert (
        encode_arguments([one(), two(), one()], tuple("abc"))[0]
        != encode_arguments([one(), two(), two()], tuple("abc"))[0]
    )
    assert encode_arguments([one(), two()], tuple("ab"))[1] == (one, two)


def test_closures_of_installed_packages_count_by_what_they_captured():
    """The fingerprint leaves installed code out, so two closures of one factory of a package differ by themselves."""
    one, two, again = (reprlib.recursive_repr(fill) for fill in "aba")
    assert one.__code__ is two.__code__
    assert encode(one) == encode(again) != encode(two)


def test_nameless_functions_in_a_set_are_refused():
    """A set gives two lambdas no order to be told apart by."""
    with pytest.raises(UnstableArgument, match="in a set"):
        encode({make_function(1), make_function(2)})
    assert encode({make_function(1)}) == encode({make_function(1)})
    assert encode({helper, len, int}) == encode({int, len, helper})


def test_script_and_module_have_one_name(tmp_path):
    """A class is named alike where its file runs as a script, as a module with -m, and where it is imported."""
    (tmp_path / "analysis.py").write_text(
        "from memo.canonical import encode\nclass A: ...\nif __name__ == '__main__':\n    print(encode(A()).hex())\n"
    )
    (tmp_path / "caller.py").write_text("import analysis\nprint(analysis.encode(analysis.A()).hex())\n")
    root = str(pathlib.Path(memo.canonical.__file__).parents[2])
    found = set()
    for command in (["analysis.py"], ["-m", "analysis"], ["caller.py"]):
        done = subprocess.run(
            [sys.executable, *command],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": root},
            capture_output=True,
            text=True,
            check=True,
        )
        found.add(done.stdout)
    assert len(found) == 1
