"""Where an annotation may say `memo.Content`, and what is refused because it cannot be told."""

from __future__ import annotations

import functools
import os
import pickle
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, NewType, Optional, TypedDict, TypeVar, Unpack

import pytest

import cas
import memo
from memo.keys import Keys

Input = Annotated[Path, memo.Content]
Named = NewType("Named", Annotated[Path, memo.Content])  # type: ignore[valid-newtype]
Bound = TypeVar("Bound", bound=Annotated[Path, memo.Content])


@pytest.fixture
def reads_anew(tmp_path):
    """Return a function that tells whether a cached function sees another content of a file."""

    def reads_anew(cached, form=lambda path: path):
        path = tmp_path / "a.txt"
        path.write_text("one")
        first = cached(form(path))
        path.write_text("two")
        return (first, cached(form(path))) == ("one", "two")

    return reads_anew


def test_whatever_stands_for_the_mark(reads_anew):
    """A quoted annotation, one within a quoted one, a NewType, a type variable."""

    @memo.cached
    def quoted(path: "Input"):  # noqa: UP037 - the form is what is tested
        return path.read_text()

    @memo.cached
    def within(path: Optional["Input"]):  # noqa: UP037, UP045 - likewise
        return path.read_text()

    @memo.cached
    def twice(path: "Optional['Input']"):  # noqa: UP037, UP045 - likewise
        return path.read_text()

    @memo.cached
    def named(path: Named):
        return path.read_text()

    @memo.cached
    def bound(path: Bound):
        return path.read_text()

    assert all(map(reads_anew, (quoted, within, twice, named, bound)))


@pytest.mark.skipif(sys.version_info < (3, 12), reason="a syntax of Python 3.12")
def test_a_type_statement(reads_anew, project):
    """`type X = ...` stands for what it says, also where it is defined by itself or has parameters."""
    module = project(
        "aliases",
        "from pathlib import Path\nfrom typing import Annotated\nimport memo\n"
        "type Data = Annotated[Path, memo.Content]\n"
        "type Tree = Data | list[Tree]\n"
        "type Plain = str | list[Plain]\n"
        "type Many[T] = list[Annotated[T, memo.Content]]\n"
        "@memo.cached\ndef data(path: Data): return path.read_text()\n"
        "@memo.cached\ndef tree(path: Tree): return path[0].read_text()\n"
        "@memo.cached\ndef many(path: Many[Path]): return path[0].read_text()\n"
        "@memo.cached\ndef plain(path: Plain): return 1\n",
    )
    assert reads_anew(module.data)
    assert reads_anew(module.tree, lambda path: [path])
    assert reads_anew(module.many, lambda path: [path])
    assert module.plain("no file") == 1


def test_an_alias_defined_after_the_function(reads_anew, project):
    """Annotations are read again at the first call, when all is defined."""
    module = project(
        "late",
        "from __future__ import annotations\nfrom pathlib import Path\nfrom typing import Annotated\nimport memo\n"
        "@memo.cached\ndef late(path: Data): return Path(path).read_text()\n"
        "Data = Annotated[Path, memo.Content]\n",
    )
    assert reads_anew(module.late, str)


def test_an_alias_beside_the_function(reads_anew):
    """A name of the body that the function is defined in is found there, and what was found is pickled."""
    Local = Annotated[Path, memo.Content]

    class Reader:
        Own = Annotated[Path, memo.Content]

        @memo.cached(ignore=["self"])
        def read(self, path: Own):
            return path.read_text()

    @memo.cached
    def read(path: Local):
        return path.read_text()

    assert Local
    assert reads_anew(read)
    assert reads_anew(functools.partial(Reader.read, Reader()))


def _with_local_alias():
    Local = Annotated[Path, memo.Content]
    assert Local
    return Keys(_read_local)


def _read_local(path: Local):  # noqa: F821 - found only where `_with_local_alias` looks
    return path.read_text()


def test_what_was_found_is_pickled(tmp_path):
    """A process that gets the function finds the mark with it."""
    path = tmp_path / "a.txt"
    path.write_text("one")
    keys = _with_local_alias()
    again = pickle.loads(pickle.dumps(keys))
    assert again.encode([path]) == keys.encode([path]) != Keys(_read_local).encode([path])


def test_a_mark_on_no_parameter_of_what_is_cached_is_refused():
    """Whatever hides the parameters of a function hides to which argument its marks belong."""

    def read(mode, path: Annotated[Path, memo.Content]):
        return path.read_text()

    @functools.wraps(read)
    def around(*args, **kwargs):
        return read(*args, **kwargs)

    class Reader:
        def read(self, path: Input):
            return path.read_text()

        def __call__(self, path: Input):
            return path.read_text()

    for hiding in (around, functools.partial(read, "r"), Reader().read, Reader(), functools.lru_cache(read)):
        with pytest.raises(cas.InvalidInputError, match=r"'path' is annotated with memo\.Content") as caught:
            memo.cached(hiding)
        assert "memo.File(path)" in caught.value.hint
    assert memo.cached(memo.cached(read)).cache


def test_a_mark_on_a_field_is_refused():
    """Paths in objects count by content as a memo.File; a mark that nothing looks for is a mistake."""

    @dataclass
    class Settings:
        width: int
        path: Input

    class Derived(Settings):
        pass

    class Options(TypedDict):
        path: Annotated[Path, memo.Content]

    def whole(settings: Settings):
        return 1

    def listed(settings: list[Derived]):
        return 1

    def optional(settings: Derived | None):
        return 1

    for function in (whole, listed, optional):
        with pytest.raises(cas.InvalidInputError, match="on the field 'path'") as caught:
            memo.cached(function)
        assert "memo.File(path)" in caught.value.hint

    def options(**options: Unpack[Options]):
        return 1

    with pytest.raises(cas.InvalidInputError, match=r"on the field 'path' of .*Options"):
        memo.cached(options)


def test_what_is_no_mark():
    """A value in a Literal, another name with the word in it, and what a function returns."""

    @memo.cached
    def literal(part: Literal["Content", "Header"]):
        return part

    @memo.cached
    def other(page: PageContent):  # noqa: F821 - as if imported for type checkers only
        return page

    @memo.cached
    def returned(path) -> Input:
        return path

    assert literal("Content") == "Content"
    assert other("no file") == "no file"
    assert returned("no file") == "no file"


def test_annotations_of_any_kind_are_read():
    """What is no type, and what has every attribute that it is asked for, has no mark; typing need not be loaded."""

    class Endless:
        def __getattr__(self, name):
            return Endless()

        __args__ = ()

    def odd(a, b, c, d, e=None):
        return a

    odd.__annotations__ = {"a": Endless(), "b": [1, 2], "c": 3, "d": "not a type", "e": ...}
    assert memo.cached(odd)(1, 2, 3, 4) == 1
    code = (
        "import sys, memo\n@memo.cached\ndef f(x: list[int] | None): return x\n"
        "print(f.cache is not None, 'typing' in sys.modules)"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert told == "True False\n"


class Clip:
    """A path, and what of the file is meant."""

    def __init__(self, path, channel):
        self.path, self.channel = path, channel

    def __fspath__(self):
        return str(self.path)


class Tagged(str):
    """A path with an attribute."""

    __slots__ = ("channel",)


def test_what_a_path_of_a_class_of_its_own_holds_counts(tmp_path):
    """Two that lead to one file and differ in the rest are two; also those count by what stands there."""
    path = tmp_path / "a.txt"
    path.write_text("one")

    @memo.cached
    def read(path: Annotated[os.PathLike, memo.Content]):
        return Path(path).read_text(), path.channel

    tagged = [Tagged(path), Tagged(path)]
    tagged[0].channel, tagged[1].channel = 1, 2
    assert [read(Clip(path, 1)), read(Clip(path, 2)), *map(read, tagged)] == [("one", 1), ("one", 2)] * 2
    path.write_text("two")
    assert [read(Clip(path, 1)), *map(read, tagged)] == [("two", 1), ("two", 1), ("two", 2)]


def test_a_file_is_no_base_class():
    """An instance of a class derived from it would be an ordinary text."""
    with pytest.raises(TypeError, match=r"Mine: memo\.File cannot be a base class"):
        type("Mine", (memo.File,), {})


def test_a_mark_and_a_key_for_one_parameter_are_refused(reads_anew):
    """Only one of them can say what is signed; a function of `key=` may do both."""

    def read(path: Annotated[Path, memo.Content]):
        return path.read_text()

    with pytest.raises(cas.InvalidInputError, match="'path' stands in key=, and is annotated") as caught:
        memo.cached(key={"path": os.path.basename})(read)
    assert "memo.File(path)" in caught.value.hint
    read.__annotations__.clear()
    assert reads_anew(memo.cached(key={"path": lambda path: (memo.File(path), path.suffix)})(read))
