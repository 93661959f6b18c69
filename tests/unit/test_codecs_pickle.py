"""The codec pickle/1: signed with the user's own key; nothing else is ever unpickled."""

from __future__ import annotations

import collections
import os
import pickle as standard
import re
import stat
import subprocess
import sys

import numpy as np
import pytest

from cas.blob import BlobFile
from cas.digest import mac
from memo.codecs import by_name, choose, key, pickle
from memo.errors import CodecError

Point = collections.namedtuple("Point", "x y")
RAN: list[str] = []


def run(what: str) -> None:
    """Note that foreign code ran."""
    RAN.append(what)


class Box:
    def __init__(self, content):
        self.content = content

    def __repr__(self):
        return f"Box({self.content!r})"


class Bomb:
    def __reduce__(self):
        return run, ("boom",)


@pytest.fixture
def config(tmp_path, monkeypatch):
    """Return a configuration folder of this test's own, not made yet."""
    folder = tmp_path / "config" / "cas"
    monkeypatch.setenv("CAS_CONFIG_DIR", str(folder))
    return folder


def unused(*_: object) -> BlobFile:
    """Fail."""
    raise AssertionError("a pickle has no child blobs")


def body_of(value: object) -> bytes:
    """Return the bytes that the codec stores."""
    return b"".join(pickle.encode(value, unused)[0])


@pytest.mark.usefixtures("config")
def test_values_come_back(tmp_path):
    """What no safer codec takes comes back, from bytes and from a file."""
    for value in (
        Box(np.arange(3.0)),
        np.array([(1, None)], [("a", "i4"), ("b", "O")]),
        {"f": [Box(1)]},
        re.compile("a" * 2000),
    ):
        assert choose(value).name == "pickle/1"
        body = body_of(value)
        path = tmp_path / "blob"
        path.write_bytes(body)
        for stored in (body, BlobFile(bytes(32), str(path), len(body))):
            found = by_name("pickle/1").decode(stored, unused)
            assert type(found) is type(value)
            assert repr(found) == repr(value)


@pytest.mark.usefixtures("config")
def test_any_flipped_byte_is_refused():
    """A byte changed anywhere, in the signature or behind it, is refused."""
    body = body_of(Point(1, 2))
    for where in range(len(body)):
        damaged = bytearray(body)
        damaged[where] ^= 1
        with pytest.raises(CodecError, match="signature"):
            pickle.decode(bytes(damaged), unused)
    for cut in (0, 31, 32, len(body) - 1):
        with pytest.raises(CodecError, match="signature"):
            pickle.decode(body[:cut], unused)


def test_foreign_pickles_never_run(config, monkeypatch, tmp_path):
    """A pickle that another key signed, or none, or another codec, is refused before it can run."""
    bomb = standard.dumps(Bomb())
    stolen = body_of(Bomb())
    own = key.signing_key()
    forgeries = [bomb, bytes(32) + bomb, mac(bytes(32), bomb) + bomb, mac(own, bomb) + bomb]
    for body in forgeries:
        with pytest.raises(CodecError, match="not unpickled") as caught:
            pickle.decode(body, unused)
        assert caught.value.hint
    monkeypatch.setenv("CAS_CONFIG_DIR", str(tmp_path / "other"))
    with pytest.raises(CodecError, match="not unpickled"):
        pickle.decode(stolen, unused)
    assert RAN == []
    monkeypatch.setenv("CAS_CONFIG_DIR", str(config))
    pickle.decode(stolen, unused)
    assert RAN.pop() == "boom"


@pytest.mark.usefixtures("config")
def test_what_cannot_be_pickled_is_named():
    """A generator, a file, a lambda and a class that refuses are errors with a hint."""

    class Refusing:
        def __reduce__(self):
            raise RuntimeError("not me")

    with open(os.devnull) as file:
        for value, reason in (
            ((number for number in ()), "generator, which can be read only once"),
            (iter([1]), "list_iterator, which can be read only once"),
            (file, "TextIOWrapper"),
            ((lambda: 1), "function"),
            ({"a": file}, "dict"),
            (Refusing(), "not me"),
        ):
            with pytest.raises(CodecError, match=reason) as caught:
                pickle.encode(value, unused)
            assert caught.value.hint


@pytest.mark.usefixtures("config")
def test_class_that_has_moved(monkeypatch):
    """A pickle whose class is gone is a CodecError, not an AttributeError."""
    body = body_of(Point(1, 2))
    monkeypatch.delattr(sys.modules[__name__], "Point")
    with pytest.raises(CodecError, match="Point"):
        pickle.decode(body, unused)


@pytest.mark.usefixtures("config")
def test_summary_names_the_type():
    """A listing shows the class, or the shape of what is an array."""
    assert pickle.encode(Point(1, 2), unused)[1] == f"{__name__}.Point"
    assert pickle.encode(np.ma.zeros((2, 3)), unused)[1] == "MaskedArray float64[2, 3]"


def test_key_is_made_once_for_its_owner_alone(config):
    """The key is thirty-two bytes in a folder that only its owner may enter, and stays the same."""
    made = key.signing_key()
    path = config / "key"
    assert path.read_bytes() == made
    assert len(made) == 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(config.stat().st_mode) == 0o700
    assert os.listdir(config) == ["key"]
    key._known.clear()
    assert key.signing_key() == made


def test_processes_that_make_the_key_at_once_agree(config):
    """Eight processes that start without a key all end with the same one."""
    program = "import sys; sys.stdin.read(1); from memo.codecs.key import signing_key; print(signing_key().hex())"
    command = [sys.executable, "-c", program]
    processes = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(8)]
    keys = {process.communicate("x")[0].strip() for process in processes}
    assert keys == {(config / "key").read_bytes().hex()}
    assert os.listdir(config) == ["key"]


def test_key_that_others_can_read_is_refused(config):
    """A key with group or world permissions is not trusted; the hint says how to mend it."""
    key.signing_key()
    key._known.clear()
    (config / "key").chmod(0o644)
    with pytest.raises(CodecError, match="mode 644") as caught:
        body_of(Point(1, 2))
    assert "chmod 600" in caught.value.hint


def test_damaged_key_is_refused(config):
    """A key of the wrong length is an error, not a weaker key."""
    config.mkdir(parents=True, mode=0o700)
    (config / "key").touch(0o600)
    with pytest.raises(CodecError, match="got 0"):
        key.signing_key()


def test_folder_that_cannot_be_made(tmp_path, monkeypatch):
    """Where no key can be made, the error names the folder and the variable that moves it."""
    (tmp_path / "file").touch()
    monkeypatch.setenv("CAS_CONFIG_DIR", str(tmp_path / "file" / "cas"))
    with pytest.raises(CodecError, match="file/cas") as caught:
        body_of(Point(1, 2))
    assert "CAS_CONFIG_DIR" in caught.value.hint


def test_unknown_codec():
    """A codec of a newer version is an error with a hint."""
    with pytest.raises(CodecError, match="npy/2") as caught:
        by_name("npy/2")
    assert "newer" in caught.value.hint
