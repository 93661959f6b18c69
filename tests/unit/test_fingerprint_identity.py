"""Two callables share a fingerprint only if they are the same code with the same captured values."""

from __future__ import annotations

import functools
import importlib
import itertools
import math
import os
import struct
import sys

import numpy as np
import pytest

from memo.fingerprint import fingerprint, text
from tests.projects import digest_of

NANS = [struct.unpack("<d", struct.pack("<Q", bits))[0] for bits in (0x7FF8000000000000, 0x7FF8000000000001)]


def digest(function, **options) -> bytes:
    """Return the digest of a function."""
    return fingerprint(function, **options).digest


def all_differ(functions, **options) -> bool:
    """Tell whether no two of the functions share a digest, and each keeps its own."""
    found = [digest(function, **options) for function in functions]
    assert found == [digest(function, **options) for function in functions]
    return len(set(found)) == len(found)


def capture(value):
    """Return a function that captured a value."""

    def inner(x):
        return value, x

    return inner


def nest(outer):
    """Return a maker of functions that capture two values, one from further out."""

    def middle(inner):
        def innermost(x):
            return outer, inner, x

        return innermost

    return middle


class Alpha:
    """A class to capture."""

    def fit(self, x):
        """Return an argument."""
        return x


class Beta:
    """Another class to capture."""

    def fit(self, x):
        """Return an argument, negative."""
        return -x


@pytest.mark.parametrize(
    "values",
    [
        [1, 1.0, True, 1 + 0j, "1", b"1", np.float64(1), np.int64(1), np.bool_(True)],
        [0, 0.0, -0.0, False, 0j, -0j, None, "", b"", (), frozenset()],
        [math.inf, -math.inf, *NANS],
        [frozenset({1}), frozenset({1.0}), frozenset({True}), (1,), (1.0,), ((1,),), frozenset({(1,)})],
        [(1, 2), (2, 1), (1, (2,)), ((1, 2),), (1, 2, ())],
        [len, abs, print, str, int, str.upper, "a".upper, "b".upper, math.sin, math.cos, np.sin, np.cos],
        [Alpha, Beta, Alpha(), Beta(), Alpha().fit, Beta().fit, Alpha.fit, Beta.fit],
        [functools.partial(int, base=2), functools.partial(int, base=3), functools.partial(float), int],
        [range(3), range(4), slice(3), slice(4), slice(3, None, None), (slice(3),)],
        ["a", "b", "A", "a ", "ab", b"a", ("a",), "\ud800"],
    ],
)
def test_closures_that_captured_different_values_differ(values):
    """Values of different type, bits, order or nesting make different functions."""
    assert all_differ([capture(value) for value in values])


def test_factories_in_factories_differ_by_each_level():
    """A value captured from further out counts, and which level it came from."""
    pairs = list(itertools.product((1, 2), repeat=2))
    assert all_differ([nest(outer)(inner) for outer, inner in pairs])
    assert digest(nest(1)(2)) == digest(nest(1)(2))


def test_captured_functions_count_by_their_code():
    """A captured lambda, and a function that captured in its turn, count by what they do."""
    functions = [lambda x: x + 1, lambda x: x + 2, lambda x: x + 1.0, lambda y: y + 1, capture(1), capture(2)]
    assert all_differ([capture(function) for function in functions])
    assert all_differ([capture(capture(function)) for function in functions])


@pytest.mark.parametrize(
    "values",
    [
        [np.zeros(2), np.zeros(3), np.zeros((1, 2)), np.zeros(2, "f4"), np.ones(2), np.array([0.0, -0.0])],
        [[1], [1.0], [True], (1,), [[1]], {1}, {1: None}, bytearray(b"\1")],
        [{"a": 1, "b": 2}, {"b": 2, "a": 1}, {"a": 1}, {"a": 1.0, "b": 2}],
        [[len], [abs], [len, abs], [abs, len], {"f": len}, {"f": abs}, {"g": len}],
    ],
)
def test_mutable_captures_count_by_value_when_allowed(values):
    """Arrays and containers that are let in count by type, shape, order and content."""
    assert all_differ([capture(value) for value in values], allow_mutable_bindings=True)


LAMBDAS = [
    "lambda x: 1", "lambda x: 1.0", "lambda x: True", "lambda x: 1j", "lambda x: 0.0", "lambda x: -0.0",
    "lambda x: 1e999", "lambda x: -1e999", "lambda x: '1'", "lambda x: b'1'", "lambda x: (1,)", "lambda x: (1.0,)",
    "lambda x: x in {1}", "lambda x: x in {1.0}", "lambda x: x in {True}", "lambda x: x in {1, 2}",
    "lambda x: None", "lambda x: ...", "lambda x: ()", "lambda x: [1]", "lambda y: 1", "lambda x, /: 1",
    "lambda *, x: 1", "lambda *x: 1", "lambda **x: 1", "lambda x=1: 1", "lambda x=1.0: 1", "lambda x=True: 1",
    "lambda *, x=1: 1", "lambda *, x=1.0: 1",
]  # fmt: skip


@pytest.mark.parametrize("has_text", [True, False])
def test_lambdas_differ_by_every_constant_and_parameter(project, has_text):
    """Lambdas whose bytecode is the same but for the type of a constant, or a kind of parameter, are different."""
    source = "FUNCTIONS = [\n" + "".join(f"    {one},\n" for one in LAMBDAS) + "]\n"
    if has_text:
        functions = project("study", source).FUNCTIONS
    else:
        space = {"__name__": "study"}
        exec(source, space)
        functions = space["FUNCTIONS"]
    assert all_differ(functions)


def test_a_name_defined_twice_is_two_functions(project):
    """Under `if` and `else`, or one after the other, functions of one name are told by their own lines."""
    source = (
        "import sys\nFLAG = {}\nif FLAG:\n    def helper(x): return x + 1\nelse:\n    def helper(x): return x + 2\n"
        "def root(x): return helper(x)\n"
    )
    assert digest_of(project("study", source.format(1))) != digest_of(project("study", source.format(0)))
    twice = project("study", "def f(x): return 1\nfirst = f\ndef f(x): return 1.0\nsecond = f\ndef f(x): return True\n")
    assert all_differ([twice.first, twice.second, twice.f])


def test_modules_of_one_name_in_two_folders_are_told_by_their_code(tmp_path, monkeypatch):
    """A helper is told by what it does, not by the name of the module that it stands in."""
    found = set()
    for folder, body in (("one", "x + 1"), ("two", "x + 2")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "tools.py").write_text(f"def helper(x): return {body}\n")
        (tmp_path / folder / "study.py").write_text("import tools\ndef root(x): return tools.helper(x)\n")
        with monkeypatch.context() as patch:
            patch.setattr(sys, "path", [str(tmp_path / folder), *sys.path])
            importlib.invalidate_caches()
            found.add(digest_of(importlib.import_module("study")))
        for name in ("study", "tools"):
            del sys.modules[name]
    assert len(found) == 2


def test_functions_of_one_code_with_other_globals_differ():
    """`exec` of one text in two namespaces makes two functions, by what the namespaces hold."""
    code = compile("def root(x): return helper(x) * RATE\n", "<given>", "exec")

    def make(helper, rate):
        space = {"__name__": "study", "helper": helper, "RATE": rate}
        exec(code, space)
        return space["root"]

    assert all_differ([make(len, 1), make(abs, 1), make(len, 1.0), make(len, True), make(lambda x: x, 1)])
    assert digest(make(len, 1)) == digest(make(len, 1))


CHANGES = {
    "code": lambda f, g: setattr(f, "__code__", g.__code__),
    "defaults": lambda f, g: setattr(f, "__defaults__", (2,)),
    "type of a default": lambda f, g: setattr(f, "__defaults__", (1.0,)),
    "no defaults": lambda f, g: setattr(f, "__defaults__", None),
    "keyword defaults": lambda f, g: setattr(f, "__kwdefaults__", {"n": 2}),
    "keyword default in place": lambda f, g: f.__kwdefaults__.update(n=2),
    "keyword defaults gone": lambda f, g: setattr(f, "__kwdefaults__", None),
    "default list in place": lambda f, g: f.__kwdefaults__["m"].append(1),
}


@pytest.mark.parametrize("place", ["root", "helper"])
@pytest.mark.parametrize("change", CHANGES)
def test_a_function_changed_by_hand_is_another(project, change, place):
    """New code or defaults of a live function are seen, at once and in the digest; put back, it is the old one."""
    source = "def root(x, k=1, *, n=1, m=[]): return x, k, n, m\ndef other(x, k=1, *, n=1, m=[]): return k, x, n, m\n"
    if place == "helper":
        source = source.replace("root", "helper") + "def root(x): return helper(x)\n"
    study = project("study", source)
    before = fingerprint(study.root)
    CHANGES[change](getattr(study, place), study.other)
    assert not before.is_current()
    assert digest_of(study) != before.digest


OBJECT = (
    "class Base:\n    rate = 1\n    def fit(self, x): return x * self.rate + getattr(self, 'k', 0)\n"
    "class Other(Base):\n    def fit(self, x): return -x\n"
    "class Model(Base):\n    def __init__(self, k): self.k = k\n"
    "MODEL = Model(3)\ndef root(x): return MODEL.fit(x)\n"
)
OBJECT_CHANGES = {
    "attribute": lambda s: setattr(s.MODEL, "k", 4),
    "attribute gone": lambda s: delattr(s.MODEL, "k"),
    "attribute before the class's": lambda s: setattr(s.MODEL, "rate", 2),
    "class's attribute": lambda s: setattr(s.Base, "rate", 2),
    "another class": lambda s: setattr(s.MODEL, "__class__", s.Other),
    "another dictionary": lambda s: setattr(s.MODEL, "__dict__", {"k": 5}),
    "method of the object": lambda s: setattr(s.MODEL, "fit", lambda x: x),
    "another base": lambda s: setattr(s.Model, "__bases__", (s.Other,)),
}


@pytest.mark.parametrize("change", OBJECT_CHANGES)
def test_an_object_changed_by_hand_is_another(project, change):
    """An attribute, a method, a class or a base changed from outside is seen, at once and in the digest."""
    study = project("study", OBJECT)
    before = fingerprint(study.root)
    assert before.is_current()
    OBJECT_CHANGES[change](study)
    assert not before.is_current()
    assert digest_of(study) != before.digest


@pytest.mark.parametrize("base", ["dict", "list", "set", "collections.OrderedDict", "collections.deque", "np.ndarray"])
def test_the_content_of_a_derived_container_is_watched(project, base):
    """A change in place of a constant whose class derives from a container is seen, at once and in the digest."""
    made = {"dict": "(a=1)", "collections.OrderedDict": "(a=1)", "np.ndarray": "((2,), buffer=np.zeros(2))"}
    study = project(
        "study",
        f"import collections\nimport numpy as np\nclass Table({base}): pass\n"
        f"TABLE = Table{made.get(base, '([1])')}\ndef root(x): return TABLE, x\n",
    )
    before = fingerprint(study.root)
    assert before.is_current()
    assert digest_of(study) == before.digest
    change = {"set": lambda t: t.add(2), "list": lambda t: t.append(2), "collections.deque": lambda t: t.append(2)}
    change.get(base, lambda t: t.__setitem__("a" if "ict" in base else 0, 2))(study.TABLE)
    assert not before.is_current()
    assert digest_of(study) != before.digest


CHANGING = {
    "dict": "class T(dict):\n    def get(self, k):\n        self[k] = 1\n        return 1\nX = T(a=1)\n",
    "list": "class T(list):\n    def get(self, k):\n        self.append(k)\n        return 1\nX = T([1])\n",
    "array": "import numpy as np\nclass T(np.ndarray):\n    def get(self, x):\n        self[0] = x\n        return 1\n"
    "X = np.zeros(3).view(T)\n",
    "held dict": "class T:\n    def __init__(self): self.d = {}\n    def get(self, k):\n        self.d[k] = 1\n"
    "        return 1\nX = T()\n",
    "held OrderedDict": "import collections\nclass T:\n    def __init__(self): self.d = collections.OrderedDict()\n"
    "    def get(self, k):\n        self.d[k] = 1\n        self.d.move_to_end(k)\n        return 1\nX = T()\n",
    "UserDict": "import collections\nclass T(collections.UserDict):\n    def get(self, k):\n        self[k] = 1\n"
    "        return 1\nX = T()\n",
    "cached property": "import functools\nclass T:\n    @functools.cached_property\n    def k(self): return 1\n"
    "    def get(self, x): return self.k\nX = T()\n",
    "lazy attribute": "class T:\n    def get(self, x):\n        if not hasattr(self, 'k'): self.k = x\n"
    "        return 1\nX = T()\n",
    "counting wrapper": "import functools\nclass C:\n    def __init__(self, f):\n"
    "        functools.update_wrapper(self, f)\n        self.f, self.n = f, 0\n    def get(self, x):\n"
    "        self.n += 1\n        return self.f(x)\n@C\ndef X(x): return 1\n",
    "object in state": "class H: pass\nclass T:\n    def __init__(self): self.h = H()\n    def get(self, x):\n"
    "        self.h = self.h\n        setattr(self.h, f'k{x}', x)\n        return 1\nX = T()\n",
    "model of pydantic": "import pydantic\nclass T(pydantic.BaseModel):\n    k: int = 1\n    def get(self, x):\n"
    "        self.k += 1\n        return 1\nX = T()\n",
    "object of attrs": "import attrs\n@attrs.define\nclass T:\n    k: int = 1\n    def get(self, x):\n"
    "        self.k += 1\n        return 1\nX = T()\n",
    "dispatching method": "import functools\nclass T:\n    @functools.singledispatchmethod\n"
    "    def get(self, x): return 0\n    @get.register\n    def _(self, x: int): return 1\nX = T()\n",
    "raised exception": "class T:\n    def get(self, x):\n        try: raise ERROR\n"
    "        except ValueError: return 1\nERROR = ValueError(1)\nX = T()\n",
}


@pytest.mark.parametrize("name", CHANGING)
def test_what_an_object_does_to_itself_is_no_change(project, name):
    """Objects that fill themselves as they run keep the fingerprint, which stays current from the second run on."""
    source = CHANGING[name] + "def root(x): return X.get(x)\n"
    study = project("study", source)
    before = fingerprint(study.root)
    assert study.root(1) == 1
    after = fingerprint(study.root)
    assert after.digest == before.digest
    assert study.root(2) == 1
    assert after.is_current()
    late = project("study", source)
    late.root(1)
    assert digest_of(late) == before.digest


def test_an_object_that_answers_with_errors_is_no_obstacle(project):
    """An object whose attributes raise whatever they like still has a fingerprint."""
    study = project(
        "study",
        "class Sly:\n    def __getattr__(self, name): raise OSError(name)\n    def __call__(self, x): return x + 1\n"
        "SLY = Sly()\ndef root(x): return SLY(x)\n",
    )
    before = digest_of(study)
    study.Sly.__call__ = lambda self, x: x + 2
    assert digest_of(study) != before


def test_a_reference_to_what_is_gone_is_no_obstacle(project):
    """A dead proxy, which raises at every question, counts by its type."""
    study = project(
        "study",
        "import weakref\nclass Model: pass\nPROXY = weakref.proxy(Model())\ndef root(x): return x or PROXY.rate\n",
    )
    before = fingerprint(study.root)
    assert before.is_current()
    assert "weakref.ProxyType" in [found.name for found in before.manifest if found.kind == "python"]


@pytest.mark.parametrize("restored", [False, True], ids=["new mtime", "mtime restored"])
@pytest.mark.parametrize("moment", ["before the first fingerprint", "after it"])
def test_an_edit_on_disk_counts_once_it_is_loaded(project, tmp_path, moment, restored):
    """Until a module is reloaded its old code is hashed, whenever the file was edited; after it, the new."""
    old, new = (f"def helper(x): return x + {k}\ndef root(x): return helper(x)\n" for k in (1, 2))
    wanted = {old: digest_of(project("study", old)), new: digest_of(project("study", new))}
    study = project("study", old)
    path = tmp_path / "study.py"
    status = path.stat()
    known = fingerprint(study.root) if moment == "after it" else None
    path.write_text(new)
    if restored:
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    loaded = fingerprint(study.root)
    assert study.root(1) == 2
    assert known is None or (known.is_current() and known.digest == wanted[old] == loaded.digest)
    assert loaded.digest != wanted[new]
    importlib.reload(study)
    assert study.root(1) == 3
    assert not loaded.is_current()
    assert digest_of(study) == wanted[new]


def test_an_edit_that_shifts_lines_explains_no_other_function(project, tmp_path):
    """A function that comes to stand where another one stood does not lend it its text."""
    study = project("study", "def one(x): return x + 1\ndef root(x): return one(x)\n")
    (tmp_path / "study.py").write_text("def root(x): return x * 9\ndef one(x): return x - 9\n")
    shown = {found.name: found.source for found in fingerprint(study.root).manifest if found.kind == "function"}
    assert shown == {"study.root": None, "study.one": None}


def test_an_edit_of_another_function_leaves_the_explained_ones(project, tmp_path):
    """Of an edited file, functions that still stand there as they run keep their fingerprint."""
    source = "def one(x): return x + 1\ndef two(x): return x + 2\n"
    study = project("study", source)
    before = digest_of(study, "one")
    (tmp_path / "study.py").write_text("import os\n\n\n" + source.replace("x + 2", "x + 3"))
    assert digest_of(study, "one") == before


def test_a_file_edited_and_put_back_is_the_same(project, tmp_path, monkeypatch):
    """Going back to the old text and loading it is the old fingerprint, although the file is newer than the process."""
    source = "RATE = 2\ndef root(x): return x * RATE\n"
    study = project("study", source)
    before = digest_of(study)
    monkeypatch.setattr(text, "_began", 0.0)
    (tmp_path / "study.py").write_text(source.replace("2", "3"))
    importlib.reload(study)
    changed = digest_of(study)
    (tmp_path / "study.py").write_text(source)
    importlib.reload(study)
    assert changed != before
    assert digest_of(study) == before
