"""State is not code: what a program changes as it runs, and what the source says it starts from."""

from __future__ import annotations

import pytest

from memo.fingerprint import fingerprint
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
    "memo of objects": "class P: pass\nMEMO = {}\ndef root(x):\n    MEMO[x] = P()\n    return x\n",
    "module attribute": "import study\nN = 0\ndef root(x):\n    study.N = x\n    return study.N\n",
    "function attribute": "def helper(x):\n    helper.calls = x\n    return x\nhelper.calls = 0\n"
    "def root(x): return helper(x) + helper.calls\n",
}


@pytest.mark.parametrize("name", STATEFUL)
def test_state_of_the_running_program_is_not_code(project, name):
    """What reachable code changes itself leaves the fingerprint, which stays current as the program runs."""
    study = project("study", STATEFUL[name])
    before = fingerprint(study.root)
    assert study.root(5) == 5 or name == "memo dict" or name == "function attribute"
    assert digest_of(study) == before.digest
    study.root(6)
    assert digest_of(study) == before.digest


def test_state_is_named_in_the_manifest(project):
    """A variable left out of the fingerprint is listed as state."""
    study = project("study", STATEFUL["memo dict"])
    assert [found.name for found in fingerprint(study.root).manifest if found.kind == "state"] == ["study.MEMO"]


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
