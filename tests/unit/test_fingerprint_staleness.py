"""What makes a fingerprint stale, and what leaves it current."""

from __future__ import annotations

import sys

import pytest

from memo.fingerprint import fingerprint
from tests.projects import digest_of


def test_a_monkeypatched_helper_is_seen_at_once(project):
    """Replacing a helper makes the fingerprint stale, and putting it back restores it."""
    study = project(
        "study", "def helper(x): return x\ndef middle(x): return helper(x)\ndef root(x): return middle(x)\n"
    )
    before = fingerprint(study.root)
    original, study.helper = study.helper, lambda x: -x
    assert not before.is_current()
    assert digest_of(study) != before.digest
    study.helper = original
    assert before.is_current()
    assert digest_of(study) == before.digest


def test_replaced_code_is_seen(project):
    """A new `__code__`, as editors of live sessions set it, makes the fingerprint stale."""
    study = project("study", "def helper(x): return x\ndef other(x): return -x\ndef root(x): return helper(x)\n")
    before = fingerprint(study.root)
    study.helper.__code__ = study.other.__code__
    assert not before.is_current()
    assert digest_of(study) != before.digest


@pytest.mark.parametrize(
    ("attribute", "value"), [("__defaults__", (4,)), ("__kwdefaults__", {"k": 4})], ids=["positional", "keyword"]
)
def test_changed_defaults_are_seen(project, attribute, value):
    """New defaults of a helper make the fingerprint stale."""
    study = project("study", "def helper(x=3, *, k=3): return x + k\ndef root(x): return helper(x)\n")
    before = fingerprint(study.root)
    setattr(study.helper, attribute, value)
    assert not before.is_current()
    assert digest_of(study) != before.digest


def test_more_defaults_than_parameters_are_no_obstacle(project):
    """Generated wrappers may carry defaults that no parameter takes."""
    study = project("study", "def root(*args): return args\n")
    before = digest_of(study)
    study.root.__defaults__ = (1, 2)
    assert digest_of(study) != before


def test_a_keyword_default_changed_in_place_is_seen(project):
    """A keyword default set in its dictionary makes the fingerprint stale."""
    study = project("study", "def root(x, *, k=3): return x + k\n")
    before = fingerprint(study.root)
    study.root.__kwdefaults__["k"] = 4
    assert not before.is_current()


@pytest.mark.parametrize(("first", "second"), [(1, True), (1, 1.0), (0.0, -0.0)])
def test_an_equal_constant_of_another_type_is_seen(project, first, second):
    """Values that compare equal and differ in type or bits are different constants."""
    study = project("study", f"K = {first!r}\ndef root(x): return K\n")
    before = fingerprint(study.root)
    study.K = second
    assert not before.is_current()
    assert digest_of(study) != before.digest


@pytest.mark.parametrize(
    ("text", "change"),
    [
        ("[1, 2]", lambda k: k.append(3)),
        ("[[1], 2]", lambda k: k[0].append(3)),
        ("{'a': 1}", lambda k: k.update(a=2)),
        ("{'a': [1]}", lambda k: k["a"].append(2)),
        ("{1, 2}", lambda k: k.add(3)),
        ("([1],)", lambda k: k[0].append(3)),
        ("bytearray(b'a')", lambda k: k.append(3)),
        ("__import__('numpy').zeros(3)", lambda k: k.__setitem__(1, 5.0)),
        ("{'f': len, 'k': [1]}", lambda k: k["k"].append(2)),
    ],
)
def test_a_constant_changed_in_place_is_seen(project, text, change):
    """A mutable constant that something else changes makes the fingerprint stale."""
    study = project("study", f"K = {text}\ndef root(x): return K\n")
    before = fingerprint(study.root)
    assert before.is_current()
    change(study.K)
    assert not before.is_current()
    assert digest_of(study) != before.digest


def test_an_attribute_of_a_module_is_seen(project):
    """A constant of another module, read through the module, makes the fingerprint stale."""
    other = project("other", "RATE = 1\n")
    study = project("study", "import other\ndef root(x): return other.RATE * x\n")
    before = fingerprint(study.root)
    other.RATE = 2
    assert not before.is_current()


@pytest.mark.parametrize("change", ["method", "attribute", "added"])
def test_a_changed_class_is_seen(project, change):
    """A method replaced, an attribute set, an override added: each makes the fingerprint stale."""
    study = project(
        "study",
        "class Base:\n    rate = 1\n    def fit(self, x): return x * self.rate\n"
        "class Model(Base): pass\ndef root(x): return Model().fit(x)\n",
    )
    before = fingerprint(study.root)
    if change == "method":
        study.Base.fit = lambda self, x: x
    elif change == "attribute":
        study.Base.rate = 2
    else:
        study.Model.fit = lambda self, x: -x
    assert not before.is_current()
    assert digest_of(study) != before.digest


@pytest.mark.parametrize("slots", ["", "    __slots__ = ('k',)\n"], ids=["dict", "slots"])
def test_a_changed_instance_is_seen(project, slots):
    """An attribute set on an object that the code uses makes the fingerprint stale."""
    study = project(
        "study",
        f"class Filter:\n{slots}    def __init__(self, k): self.k = k\n    def __call__(self, x): return self.k * x\n"
        "FILTER = Filter(2)\ndef root(x): return FILTER(x)\n",
    )
    before = fingerprint(study.root)
    study.FILTER.k = 3
    assert not before.is_current()
    assert digest_of(study) != before.digest


def test_a_builtin_shadowed_later_is_seen(project):
    """A global that comes to stand before a builtin makes the fingerprint stale."""
    study = project("study", "def root(x): return len(x)\n")
    before = fingerprint(study.root)
    study.len = lambda x: 3
    assert not before.is_current()
    assert digest_of(study) != before.digest


def test_a_patched_library_function_is_followed(project, monkeypatch):
    """The project's own function in a library's place is a dependency like any other."""
    study = project("study", "import math\ndef root(x): return math.sqrt(x)\ndef fake(x): return x\n")
    before = fingerprint(study.root)
    monkeypatch.setattr("math.sqrt", study.fake)
    assert not before.is_current()
    assert any(found.name == "study.fake" for found in fingerprint(study.root).manifest)


def test_an_edit_on_disk_after_import_does_not_count(project, tmp_path):
    """The code that runs is hashed, not the text that has come to stand in its file."""
    study = project("study", "def root(x): return x + 1\n")
    (tmp_path / "study.py").write_text("def root(x): return x + 2\n")
    stale = digest_of(study)
    fresh = digest_of(project("study", "def root(x): return x + 2\n"))
    assert stale != fresh


def test_hot_and_traced_code_is_the_same_code(project):
    """Specialised bytecode and a tracer change nothing."""
    study = project("study", "def helper(x): return x * 2\ndef root(x): return sum(helper(i) for i in range(x))\n")
    cold = digest_of(study)
    for _ in range(200):
        study.root(50)
    sys.modules["memo.fingerprint.code"]._locals.clear()
    assert digest_of(study) == cold
    previous = sys.gettrace()
    sys.settrace(lambda *_: None)
    try:
        study.root(3)
        sys.modules["memo.fingerprint.code"]._locals.clear()
        traced = digest_of(study)
    finally:
        sys.settrace(previous)
    assert traced == cold
