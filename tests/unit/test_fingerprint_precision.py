"""What a fingerprint reaches and what it leaves out: each rule in both directions."""

from __future__ import annotations

import sys

import pytest

from memo.fingerprint import fingerprint
from tests.projects import digest_of

MADE = """
class Seen:
    def __init__(self):
        self.items = {}
    def count(self, word):
        items = self.items
        items[word] = items.get(word, 0) + 1
        return items[word]
seen = Seen()
def root(word): return seen.count(word)
"""
FILLED = """
table = {"a": 1}
def root(word):
    known = table
    known.setdefault(word, len(known))
    return known[word]
"""
READ = """
table = {"a": 1}
def root(word):
    known = table
    known_too = dict(known)
    known_too.setdefault(word, 0)
    return known_too[word]
"""
COPIED = """
table = {"a": 1}
def root(word):
    known = table
    if word:
        known = {}
    known[word] = 1
    return known
"""


@pytest.mark.parametrize("source", [MADE, FILLED])
def test_state_changed_under_a_local_name_is_state(project, source):
    """What a function fills under a local name for it leaves the fingerprint as it runs."""
    study = project("study", source)
    before = fingerprint(study.root)
    assert study.root("b") == 1
    assert before.is_current()
    assert fingerprint(study.root).digest == before.digest


def test_state_under_a_local_name_counts_as_it_is_made(project):
    """Another table to start from is another fingerprint, though the code fills it under a local name."""
    before = digest_of(project("study", FILLED))
    assert digest_of(project("study", FILLED.replace('"a": 1', '"a": 2'))) != before


@pytest.mark.parametrize("source", [READ, COPIED])
def test_what_a_local_name_stands_for_must_be_sure(project, source):
    """A table still counts where its copy is filled, or where the local name may stand for something else."""
    study = project("study", source)
    before = fingerprint(study.root)
    study.table["a"] = 2
    assert not before.is_current()
    assert fingerprint(study.root).digest != before.digest


GENERIC = """
from typing import Generic, TypeVar
T = TypeVar("T")
class Base(Generic[T]):
    @classmethod
    def read(cls, text):
        return [item.parse(text) for item in ITEMS]
class Number:
    def __init__(self, text): self.value = int(text)
    @classmethod
    def parse(cls, text): return cls(text).value + 1
class Table(Base[Number]):
    pass
def root(text): return Table.read(text)
"""


def test_parameters_of_generic_bases_join_if_they_are_read(project):
    """A class that is named only as the parameter of a base counts where the code reads what bases were given."""
    source = GENERIC.replace("item in ITEMS", "base in cls.__orig_bases__ for item in base.__args__")
    study = project("study", source)
    assert study.root("1") == [2]
    before = digest_of(study)
    assert digest_of(project("study", source.replace("value + 1", "value + 2"))) != before


def test_parameters_of_generic_bases_stay_out_if_nothing_reads_them(project):
    """Parameters that only a type checker reads do not count."""
    source = GENERIC.replace("for item in ITEMS", "for item in ()")
    before = digest_of(project("study", source))
    assert digest_of(project("study", source.replace("value + 1", "value + 2"))) == before


def test_attributes_in_format_strings_count_as_used(project):
    """A property that only a format string names is followed; braces that are no fields name nothing."""
    source = (
        "class Point:\n    @property\n    def length(self): return 3\n    @property\n    def width(self): return 4\n"
        "def root(): return '{0.length} {{0.width}} {'[:-2].format(Point())\n"
    )
    study = project("study", source)
    assert study.root() == "3 {0.width}"
    before = digest_of(study)
    assert digest_of(project("study", source.replace("return 4", "return 5"))) == before
    source = source.replace(" {'[:-2]", "'")
    before = digest_of(project("study", source))
    assert digest_of(project("study", source.replace("return 3", "return 5"))) != before
    assert digest_of(project("study", source.replace("return 4", "return 5"))) == before


def test_what_a_package_loads_late_is_named_the_same_before_and_after(project, tmp_path, monkeypatch):
    """A part of a package counts by its full name, whether something has loaded it already or not."""
    package = tmp_path / "site-packages" / "lazy"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(
        "import importlib\ndef __getattr__(name): return importlib.import_module('lazy.' + name)\n"
    )
    (package / "part.py").write_text("class Made:\n    limit = 3\n")
    monkeypatch.syspath_prepend(str(tmp_path / "site-packages"))
    try:
        study = project("study", "import lazy\ndef root(): return lazy.part.Made.limit\n")
        before = digest_of(study)
        assert study.root() == 3
        assert digest_of(study) == before
        other = project("study", "import lazy\ndef root(): return lazy.part.Made.least\n")
        assert digest_of(other) != before
    finally:
        for name in [name for name in sys.modules if name.partition(".")[0] == "lazy"]:
            del sys.modules[name]


DRAWN = """
TABLE = {"up": ("grow", 1), "down": ("shrink", 2)}
class Plant:
    def grow(self): return 1
    def shrink(self): return 2
    def wilt(self): return 3
    def act(self, kind):
        row = TABLE[kind]
        return getattr(self, row[0])()
def root(kind): return Plant().act(kind)
"""


def test_a_name_drawn_from_a_table_of_constants_is_one_of_those_in_it(project):
    """Methods that the table names count, the others do not; so does the table."""
    study = project("study", DRAWN)
    assert study.root("down") == 2
    before = digest_of(study)
    assert digest_of(project("study", DRAWN.replace("return 3", "return 4"))) == before
    assert digest_of(project("study", DRAWN.replace("return 2", "return 4"))) != before
    assert digest_of(project("study", DRAWN.replace('"shrink"', '"wilt"'))) != before


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("row = TABLE[kind]", "row = TABLE.get(kind, kind)"),
        ("row = TABLE[kind]", "row = TABLE[kind]\n        if kind: row = (kind,)"),
        ("row = TABLE[kind]", "row = list(TABLE[kind])\n        row.insert(0, kind)"),
        ("row = TABLE[kind]", "row = TABLE[kind]\n        row.insert(0, kind)"),
        ("row = TABLE[kind]", "row = TABLE[kind]\n        row[0] = kind"),
        ("row = TABLE[kind]", "TABLE[kind] = (kind,)\n        row = TABLE[kind]"),
        ("row = TABLE[kind]", "global TABLE\n        TABLE = {kind: (kind,)}\n        row = TABLE[kind]"),
        ("def root(kind): ", "def root(kind):\n    TABLE.update({kind: (kind,)})\n    "),
        ("row[0]", "row[0] + kind[4:]"),
        ("row = TABLE[kind]", "row = sorted(TABLE[kind], key=str)"),
        ("row = TABLE[kind]", "row = sorted([TABLE[kind][0], kind])"),
        ("row = TABLE[kind]", "row = TABLE.get(kind, (kind,))"),
        ('("shrink", 2)', "None"),
    ],
)
def test_a_name_that_may_come_from_elsewhere_is_any(project, old, new):
    """Where an argument may be the name, or the code changes the table, every method counts."""
    source = DRAWN.replace(old, new)
    assert source != DRAWN
    before = digest_of(project("study", source))
    counts = new != "None"
    assert (digest_of(project("study", source.replace("return 3", "return 4"))) != before) is counts


LOOPED = """
STEPS = ("grow", "shrink")
class Plant:
    def grow(self): return 1
    def shrink(self): return 2
    def wilt(self): return 3
    def live(self): return [getattr(self, step)() for step in STEPS]
def root(): return Plant().live()
"""


def test_names_handed_on_by_builtins_are_those(project):
    """What `sorted`, `tuple` and the like hand on is drawn from the table still."""
    source = DRAWN.replace("row = TABLE[kind]", "row = tuple(reversed(tuple(TABLE.get(kind)[:1])))")
    assert project("study", source).root("up") == 1
    before = digest_of(project("study", source))
    own = source + "def tuple(row): return [wilt for wilt in row]\n"
    assert digest_of(project("study", own)) != digest_of(project("study", own.replace("return 3", "return 4")))
    assert digest_of(project("study", source.replace("return 3", "return 4"))) == before
    assert digest_of(project("study", source.replace("return 2", "return 4"))) != before


def test_names_in_a_loop_over_constants_are_those(project):
    """A loop over a tuple of names calls those methods only."""
    study = project("study", LOOPED)
    assert study.root() == [1, 2]
    before = digest_of(study)
    assert digest_of(project("study", LOOPED.replace("return 3", "return 4"))) == before
    assert digest_of(project("study", LOOPED.replace("return 1", "return 4"))) != before
