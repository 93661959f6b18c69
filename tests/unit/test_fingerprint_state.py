"""State is not code: what a program changes as it runs, and what the source says it starts from."""

from __future__ import annotations

import linecache

import pytest

from memo.fingerprint import fingerprint, text
from tests.projects import digest_of

STATEFUL = {
    "memo dict": "MEMO = {}\ndef root(x):\n    if x not in MEMO: MEMO[x] = x + 1\n    return MEMO[x]\n",
    "class counter": "class Model:\n    n = 0\n    def fit(self, x):\n        Model.n += 1\n        return x\n"
    "def root(x): return Model().fit(x)\n",
    "class counter through cls": "class Model:\n    n = 0\n    @classmethod\n    def fit(cls, x):\n        cls.n += 1\n"
    "        return x\ndef root(x): return Model.fit(x)\n",
    "class list": "class Model:\n    seen = []\n    def fit(self, x):\n        self.seen.append(x)\n        return x\n"
    "def root(x): return Model().fit(x)\n",
    "global rebound": "N = 0\ndef root(x):\n    global N\n    N += 1\n    return x\n",
    "mutable default": "def helper(x, seen=[]):\n    seen.append(x)\n    return x\ndef root(x): return helper(x)\n",
    "lazy instance": "class Model:\n    def fit(self, x):\n        self.last = x\n        return x\n"
    "MODEL = Model()\ndef root(x): return MODEL.fit(x)\n",
    "helper's closure": "def make():\n    seen = {}\n    def helper(x):\n        seen[x] = 1\n        return x\n"
    "    return helper\n"
    "helper = make()\ndef root(x): return helper(x)\n",
    "object of two methods": "class Model:\n    def __init__(self, k): self.k = k\n"
    "    def fit(self, x):\n        self.last, self.k = x, self.k + 1\n        return x\nMODEL = Model(3)\n"
    "def root(x): return MODEL.fit(x)\n",
    "object held by an object": "class Model:\n    def fit(self, x):\n        self.last = x\n        return x\n"
    "class App:\n    def __init__(self): self.model = Model()\n    def swap(self, x):\n"
    "        self.model = Model()\n        return self.model.fit(x)\nAPP = App()\ndef root(x): return APP.swap(x)\n",
    "global bound later": "def root(x):\n    global N\n    N = x\n    return N\n",
    "class attribute bound later": "class Model:\n    @classmethod\n    def fit(cls, x):\n        cls.last = x\n"
    "        return cls.last\ndef root(x): return Model.fit(x)\n",
    "memo of objects": "class P: pass\nMEMO = {}\ndef root(x):\n    MEMO[x] = P()\n    return x\n",
    "module attribute": "import study\nN = 0\ndef root(x):\n    study.N = x\n    return study.N\n",
    "function attribute": "def helper(x):\n    helper.calls = x\n    return x\nhelper.calls = 0\n"
    "def root(x): return helper(x) + helper.calls\n",
}


@pytest.mark.parametrize("began", [float("inf"), 0.0], ids=["file older", "file newer"])
@pytest.mark.parametrize("name", STATEFUL)
def test_state_of_the_running_program_is_not_code(project, monkeypatch, name, began):
    """What reachable code changes itself leaves the fingerprint, which stays current as the program runs."""
    monkeypatch.setattr(text, "_began", began)
    study = project("study", STATEFUL[name])
    before = fingerprint(study.root)
    assert study.root(5) == 5 or name == "memo dict" or name == "function attribute"
    assert digest_of(study) == before.digest
    study.root(6)
    assert digest_of(study) == before.digest


@pytest.mark.parametrize("name", STATEFUL)
def test_state_met_late_is_told_by_its_text(project, name):
    """A first fingerprint taken after the program ran is the one taken before, in another process."""
    before = digest_of(project("study", STATEFUL[name]))
    study = project("study", STATEFUL[name])
    study.root(5)
    assert digest_of(study) == before


def test_an_edit_of_what_state_starts_from_is_not_taken_from_a_newer_file(project, monkeypatch, tmp_path):
    """A file edited after the process began says nothing of the table that was loaded; the value seen first counts."""
    source = "TABLE = {'a': 1}\ndef root(x):\n    TABLE.setdefault(x, 1)\n    return TABLE\n"
    monkeypatch.setattr(text, "_began", 0.0)
    study = project("study", source)
    (tmp_path / "study.py").write_text(source.replace("'a': 1", "'a': 2"))
    late = fingerprint(study.root)
    assert late.digest != digest_of(project("study", source.replace("'a': 1", "'a': 2")))
    assert late.digest == digest_of(project("study", source))
    assert [found.name for found in late.manifest if found.kind == "note"] == [
        "study.TABLE: what it starts from is not in a text; its first value in this process counts"
    ]


def test_what_state_starts_from_is_shown(project):
    """The manifest shows the statements, and names the class that they call."""
    source = (
        "class Model:\n    def __init__(self, k): self.k = k\n    def fit(self, x):\n        self.k += x\n"
        "        return self.k\nMODEL = Model(3)\nMODEL.name = 'm'\ndef root(x): return MODEL.fit(x)\n"
    )
    manifest = fingerprint(project("study", source).root).manifest
    shown = {found.name: found.source for found in manifest if found.kind == "initial"}
    assert shown == {"study.MODEL": "MODEL = Model(3)\nMODEL.name = 'm'"}
    assert "study.Model.__init__" in {found.name for found in manifest}


def test_two_objects_of_one_class_with_state_differ():
    """Methods of two objects are two functions, although both objects change as they run; each stays what it was."""

    class Model:
        def __init__(self, k):
            self.k = k

        def fit(self, x):
            self.k += x
            return self.k

    one, two = Model(3), Model(4)
    first = fingerprint(one.fit).digest
    assert fingerprint(two.fit).digest != first
    assert one.fit(5) == 8
    assert fingerprint(one.fit).digest == first


def test_a_cell_run_again_with_another_table_counts(monkeypatch):
    """In a notebook a table bound anew is another start; the table that the code fills is not."""
    space: dict[str, object] = {"__name__": "__main__"}

    def run(number: int, source: str) -> None:
        name = f"<cell {number}>"
        monkeypatch.setitem(linecache.cache, name, (len(source), None, source.splitlines(keepends=True), name))
        exec(compile(source, name, "exec"), space)

    run(1, "TABLE = {'a': 1}\n")
    run(2, "def root(x):\n    TABLE[x] = 1\n    return TABLE\n")
    first = fingerprint(space["root"])
    space["root"](3)
    assert first.is_current()
    assert fingerprint(space["root"]).digest == first.digest
    run(3, "TABLE = {'a': 2}\n")
    assert not first.is_current()
    assert fingerprint(space["root"]).digest != first.digest
    run(4, "TABLE = {'a': 1}\n")
    assert fingerprint(space["root"]).digest == first.digest


def test_a_method_of_a_modules_object_is_told_by_its_text(project):
    """The statement that made the object of a bound method counts, whatever ran before."""
    source = (
        "class Model:\n    def __init__(self, k): self.k = k\n    def fit(self, x):\n        self.k += x\n"
        "        return self.k\nMODEL = Model(3)\n"
    )
    first = fingerprint(project("study", source).MODEL.fit).digest
    study = project("study", source)
    study.MODEL.fit(5)
    assert fingerprint(study.MODEL.fit).digest == first
    assert fingerprint(project("study", source.replace("(3)", "(4)")).MODEL.fit).digest != first


def test_a_method_set_at_import_is_followed_to_what_set_it(project):
    """A function in an iterator that a method takes from as it runs is reached through the call that set the method."""
    source = (
        "class Model: pass\ndef one(x): return x + 1\ndef two(x): return x + 2\nclass Lazy:\n"
        "    def __init__(self, items): self.items, self.taken = iter(items), []\n    def get(self):\n"
        "        self.taken.append(next(self.items, one))\n        return self.taken[-1]\n"
        "def equip(cls):\n    lazy = Lazy([one, two])\n    def fit(self, x): return lazy.get()(x)\n"
        "    setattr(cls, 'fit', fit)\nequip(Model)\ndef root(x): return Model().fit(x)\n"
    )
    study = project("study", source)
    before = digest_of(study)
    assert study.root(1) == 2
    assert digest_of(study) == before
    assert digest_of(project("study", source.replace("x + 2", "x + 3"))) != before


def test_state_is_named_in_the_manifest(project):
    """A variable left out of the fingerprint is listed as state."""
    study = project("study", STATEFUL["memo dict"])
    assert [found.name for found in fingerprint(study.root).manifest if found.kind == "state"] == ["study.MEMO"]


@pytest.mark.parametrize("value", ["0", "None", "True", "'a'", "()", "frozenset()", "1.5"])
def test_a_constant_equal_to_a_counter_still_counts(project, value):
    """Python keeps one object for equal small values: the constant's part is not taken for the counter's."""
    text = f"BEST = {value}\nLIMIT = {value}\ndef root(x):\n    global BEST\n    BEST += x\n    return LIMIT\n"
    manifest = fingerprint(project("study", text).root).manifest
    function = next(found for found in manifest if found.kind == "function")
    assert {label: manifest[at].kind for label, at in function.links} == {"g:LIMIT": "value"}


def test_a_local_of_the_same_name_is_not_state(project):
    """A local list that is changed does not take a global of its name out of the fingerprint."""
    text = "K = [1]\ndef helper(x):\n    K = []\n    K.append(x)\n    return K\ndef root(x): return helper(x), K\n"
    before = digest_of(project("study", text))
    assert digest_of(project("study", text.replace("[1]", "[2]"))) != before


def test_state_of_one_class_is_not_state_of_another(project):
    """An attribute that one class's methods change still counts on another class of the same attribute."""
    text = (
        "class Counter:\n    def __init__(self): self.n = 0\n    def step(self): self.n += 1\n"
        "class Model:\n    def __init__(self): self.n = 2\n    def fit(self, x): return self.n * x\n"
        "COUNTER, MODEL = Counter(), Model()\n"
        "def root(x):\n    COUNTER.step()\n    return MODEL.fit(x)\n"
    )
    before = digest_of(project("study", text))
    assert digest_of(project("study", text.replace("self.n = 0", "self.n = 1"))) != before  # its __init__ is code
    study = project("study", text)
    study.MODEL.n = 3
    assert digest_of(study) != before
    study = project("study", text)
    study.COUNTER.n = 3
    assert digest_of(study) == before
