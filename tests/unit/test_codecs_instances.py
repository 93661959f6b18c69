"""Named tuples, dataclasses, attrs classes and enums as results: themselves again, and no code of theirs runs."""

from __future__ import annotations

import collections
import dataclasses
import enum
import subprocess
import sys
import types

import attrs
import pytest

from memo.canonical.scalars import pack
from memo.codecs import choose, tree
from memo.codecs.tree import decode
from memo.errors import CodecError
from tests.codecs import Blobs, joined, same

RAN: list[str] = []


@dataclasses.dataclass
class Loud:
    a: int
    b: list[int] = dataclasses.field(default_factory=list)

    def __init__(self, a: int) -> None:
        RAN.append("init")
        self.a, self.b = a, []

    def __new__(cls, *args: object) -> object:
        """Note that it ran."""
        RAN.append("new")
        return object.__new__(cls)

    def __setattr__(self, name: str, value: object) -> None:
        RAN.append("setattr")
        object.__setattr__(self, name, value)

    def __post_init__(self) -> None:
        RAN.append("post_init")


class Pair(collections.namedtuple("Pair", "x y")):
    __slots__ = ()

    def __new__(cls, x: int, y: int = 0) -> object:
        """Note that it ran."""
        RAN.append("new")
        return super().__new__(cls, x, y)


@attrs.define
class Watched:
    a: int = attrs.field(converter=lambda value: RAN.append("converter") or value)

    def __attrs_post_init__(self) -> None:
        RAN.append("post_init")


class Odd(enum.Enum):
    ONE = 1

    @classmethod
    def _missing_(cls, value: object) -> Odd:
        RAN.append("missing")
        return cls.ONE


def body_of(value: object) -> bytes:
    """Return the bytes that the tree stores."""
    assert choose(value).name == "tree/1"
    return joined(tree.encode(value, None)[0])


@pytest.mark.parametrize("make", [lambda: Loud(1), lambda: Pair(1, 2), lambda: Watched(3), lambda: Odd.ONE])
def test_no_code_of_the_class_runs(make):
    """An instance is made again without its constructor, its setters or its hooks."""
    value = make()
    body = body_of(value)
    RAN.clear()
    found = decode(body, None)
    assert RAN == []
    assert same(found, value)


@dataclasses.dataclass
class Deadly:
    path: str

    def __del__(self) -> None:
        RAN.append(f"del {self.path}")


@dataclasses.dataclass
class Stateful:
    a: int

    def __getstate__(self) -> object:
        return {"a": 7}


@dataclasses.dataclass
class Reduced:
    a: int

    def __reduce__(self) -> object:
        return Reduced, (self.a,)


@dataclasses.dataclass
class Listed(list):
    a: int


@attrs.define(hash=True, cache_hash=True)
class Hashed:
    a: str


class Several(enum.IntFlag, boundary=enum.KEEP):
    ONE = 1

    @classmethod
    def _missing_(cls, value: object) -> Several:
        return super()._missing_(value)


class Free:
    """A class that is none of the kinds."""


def test_classes_with_a_say_are_left_to_pickle():
    """A class with its own way to be copied, or a last will, or state out of sight, is not for the tree."""

    @dataclasses.dataclass
    class Local:
        a: int

    hashed = Hashed("x")
    assert hash(hashed)
    for value in (Deadly("x"), Stateful(1), Reduced(1), Listed(1), hashed, Several(6), Free(), Local(1)):
        assert choose([value]).name == "pickle/1"
        with pytest.raises(CodecError, match="expected a value of a safe type"):
            tree.encode([value], None)
    RAN.clear()


def test_forged_instance_of_a_class_with_a_last_will_is_refused():
    """A store of somebody else's cannot make an instance whose `__del__` would act on what it says."""
    body = body_of(Loud(1)).replace(b"\xa4Loud", b"\xa6Deadly")
    assert b"Deadly" in body
    RAN.clear()
    with pytest.raises(CodecError):
        decode(body, None)
    assert RAN == []


@dataclasses.dataclass
class Before:
    a: int
    b: int = 2


Trio = collections.namedtuple("Trio", "x y z")


class Shade(enum.Enum):
    DARK = 1


@attrs.define
class Model:
    a: int


def test_class_that_has_changed_is_refused(monkeypatch):
    """A class with other fields, another kind of class, or a member of another value is an error, never a mixture."""
    module = sys.modules[__name__]
    for value, others in (
        (
            Before(1),
            (
                dataclasses.make_dataclass("Before", ["a"]),
                dataclasses.make_dataclass("Before", ["a", "b", "c"]),
                collections.namedtuple("Before", "a b"),
                int,
            ),
        ),
        (Trio(1, 2, 3), (collections.namedtuple("Trio", "x z y"), collections.namedtuple("Trio", "x y"), list)),
        (Shade.DARK, (*(enum.Enum("Shade", members) for members in ({"DARK": 2}, {"LIGHT": 1}, {"DARK": True})), int)),
        (Model(1), (attrs.make_class("Model", ["a", "b"]), attrs.make_class("Model", ["b"]))),
    ):  # fmt: skip
        body = body_of(value)
        assert same(decode(body, None), value)
        for other in others:
            monkeypatch.setattr(module, type(value).__name__, other)
            with pytest.raises(CodecError) as caught:
                decode(body, None)
            assert caught.value.hint
        monkeypatch.undo()


def test_a_stored_name_causes_no_import(tmp_path, monkeypatch):
    """A class is looked up among loaded modules only, and past any `__getattr__` of theirs."""
    lazy = types.ModuleType("lazy_module")
    lazy.__getattr__ = lambda name: RAN.append(name)
    monkeypatch.setitem(sys.modules, "lazy_module", lazy)
    RAN.clear()
    body = body_of(Trio(1, 2, 3))
    for module in (b"lazy_module", b"this", b"antigravity"):
        forged = body.replace(pack(__name__), pack(module.decode()))
        assert forged != body
        with pytest.raises(CodecError, match="no loaded module has") as caught:
            decode(forged, None)
        assert f"import {module.decode()}" in caught.value.hint
    assert RAN == []
    assert "antigravity" not in sys.modules


def test_classes_of_a_script_are_known_by_its_name(tmp_path):
    """What a script defines is read when the script runs again, or is imported under its name."""
    (tmp_path / "lab_script.py").write_text(
        "import dataclasses, sys\n"
        "@dataclasses.dataclass\n"
        "class Run:\n"
        "    number: int\n"
        "if __name__ == '__main__':\n"
        "    from memo.codecs import tree\n"
        "    if sys.argv[1:]:\n"
        "        print(tree.decode(bytes.fromhex(sys.argv[1]), None))\n"
        "    else:\n"
        "        print(b''.join(tree.encode(Run(5), None)[0]).hex())\n"
    )
    command = [sys.executable, str(tmp_path / "lab_script.py")]
    body = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    again = subprocess.run([*command, body], capture_output=True, text=True, check=True).stdout
    assert again == "Run(number=5)\n"
    program = f"import lab_script; from memo.codecs import tree; print(tree.decode(bytes.fromhex({body!r}), None))"
    imported = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=tmp_path
    ).stdout
    assert imported == "Run(number=5)\n"


def test_refusals_lead_to_the_field():
    """What does not fit is named by its path through the fields."""
    with pytest.raises(CodecError, match=r'tree: value\["runs"\]\[0\]\.b: expected a value of a safe type') as caught:
        tree.encode({"runs": [Before(1, Free())]}, None)
    assert caught.value.hint


def test_members_of_a_cycle_are_left_to_pickle(tmp_path):
    """An instance that contains itself has no form."""
    value = Before(1)
    value.b = value  # type: ignore[assignment]
    assert choose(value).name == "pickle/1"
    with pytest.raises(CodecError):
        tree.encode(value, Blobs(tmp_path).write)
