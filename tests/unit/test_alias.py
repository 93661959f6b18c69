"""The alias of an entry, and the arguments in it, in the modes `human` and `repr`."""

from __future__ import annotations

import math
import re
import shlex
import struct
import sys
import unicodedata
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cas.alias import Alias, alias, human_decode, human_encode, parse_alias
from cas.errors import InvalidInputError
from cas.form import Shown
from cas.literal import repr_decode, repr_encode
from cas.modes import MODES

FINGERPRINT = bytes(range(32))
KEY = bytes(range(100, 132))
CODE = "0001020304050607"
HASH = "6465666768696a6b6c6d6e6f7071727374757677"

WORDS = ["None", "True", "nan", "inf", "-inf", "1", "1.0", "1j", "infj", "j", "Ellipsis", "a.npy", "x", "*rest"]


def signatures(nan: bool = True) -> st.SearchStrategy[list[tuple[str, object]]]:
    """Return a strategy of named values, nested literals of every kind; NaNs of all bits only with `nan`."""
    texts = st.text(st.characters(), max_size=12) | st.text("aZ_.- 'é%=,(){}~", max_size=8) | st.sampled_from(WORDS)
    numbers = st.integers() | st.floats(allow_nan=nan) | st.complex_numbers(allow_nan=nan)
    atoms = st.sampled_from([None, True, False, ..., math.nan]) | numbers | texts | st.binary(max_size=12)
    hashables = st.recursive(atoms, lambda part: st.tuples(part, part) | st.frozensets(part, max_size=3), max_leaves=4)
    literals = st.recursive(
        atoms | st.sets(hashables, max_size=3) | st.frozensets(hashables, max_size=3),
        lambda part: (
            st.lists(part, max_size=3)
            | st.tuples(part)
            | st.tuples(part, part)
            | st.dictionaries(hashables, part, max_size=3)
        ),
        max_leaves=8,
    )
    return st.lists(st.tuples(texts, literals), max_size=3)


def exact(value: object) -> object:
    """Return something equal only for values of the same types and bits all the way down."""
    if isinstance(value, float):
        return "float", struct.pack(">d", value)
    if isinstance(value, complex):
        return "complex", exact(value.real), exact(value.imag)
    if isinstance(value, list | tuple):
        return type(value), [exact(part) for part in value]
    if isinstance(value, set | frozenset):
        return type(value), sorted(repr(exact(part)) for part in value)
    if isinstance(value, dict):
        return dict, [(exact(key), exact(part)) for key, part in value.items()]
    return type(value), value


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ([], "()"),
        ([("channel", 3), ("rate", 250.0), ("bands", (4, 8))], "channel=3,rate=250.0,bands=(4,8)"),
        ([("method", "welch"), ("n", "3"), ("e", "")], "method=welch,n='3',e=''"),
        ([("a", "None"), ("b", None), ("c", "nan"), ("d", math.nan)], "a='None',b=None,c='nan',d=nan"),
        ([("x", -0.0), ("y", -math.inf), ("z", 1e-300)], "x=-0.0,y=-inf,z=1e-300"),
        ([("z", 1 + 2j), ("w", -2j)], "z=1+2j,w=-0-2j"),
        ([("config", {"alpha": 0.1, 2: [True, ...]})], "config={alpha=0.1,2=[True,Ellipsis]}"),
        ([("s", {2, 1}), ("f", frozenset({1})), ("g", set()), ("d", {})], "s={1,2},f=frozenset(1),g=set(),d={}"),
        ([("t", (1,)), ("u", ())], "t=(1,),u=()"),
        ([("*rest", (1, 2)), ("**options", {"k": 1})], "@rest=(1,2),@@options={k=1}"),
        ([("note", "a, b = 'c'"), ("b", b"ab'\0")], "note='a, b = %27c%27',b=b'ab%27%00'"),
        ([("path", "data/x.npy"), ("n", 1)], "path='data%2Fx.npy',n=1"),
        ([("n", 1), ("name", "x.npy")], "n=1,name=x%2Enpy"),
        ([("unit", "10 µV"), ("place", "Zürich")], "unit='10 µV',place='Zürich'"),
        ([("shell", '$HOME `id` "!"')], "shell='%24HOME %60id%60 %22%21%22'"),
        ([("a", "line\nbreak"), ("b", "e\N{COMBINING ACUTE ACCENT}")], "a='line%0Abreak',b='e%CC%81'"),
        ([("signal", Shown("array", "float64[129, 400]~3fa9c2d1", {}))], "signal=array(float64[129, 400]~3fa9c2d1)"),
        ([("p", PurePosixPath("a/b")), ("day", date(2024, 1, 2))], "p=PurePosixPath(a%2Fb),day=date(2024-01-02)"),
        ([("d", Decimal("1.50")), ("r", range(3))], "d=Decimal(1.50),r=range(0, 3)"),
    ],
)
def test_human_text_is_readable(arguments: list[tuple[str, object]], text: str) -> None:
    """The mode human writes Python's literals, strings bare where nothing else could be meant."""
    assert human_encode(arguments) == text


@given(signatures())
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_human_text_reads_back_exactly(arguments: list[tuple[str, object]]) -> None:
    """Every literal comes back from the mode human with its types, bits and order."""
    assert exact(human_decode(human_encode(arguments))) == exact(arguments)


@given(signatures())
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_human_text_survives_a_file_system_that_decomposes(arguments: list[tuple[str, object]]) -> None:
    """A name that comes back in Unicode's decomposed form still gives the same arguments."""
    text = human_encode(arguments)
    assert unicodedata.is_normalized("NFC", text)
    assert exact(human_decode(unicodedata.normalize("NFD", text))) == exact(arguments)


@given(st.lists(st.tuples(st.text(), st.text()), max_size=3))
@settings(max_examples=200, deadline=None)
def test_human_text_is_a_safe_name(arguments: list[tuple[str, object]]) -> None:
    """The text has nothing that a file system refuses, or that a shell reads within double quotes."""
    text = human_encode(arguments)
    assert not set(text) & set('<>:"/\\|?*$`!')
    assert text.isprintable()
    assert not text.endswith((".", " "))
    assert not text.startswith((".", " ", "-"))
    assert shlex.split(f'"{text}"') == [text]


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        (Shown("enum", "Window.HANN", {}), "enum", "Window.HANN"),
        (Shown("dataclass", "Config(alpha=(1, 2))", {}), "dataclass", "Config(alpha=(1, 2))"),
        (Shown("odd", "a) or (b", {}), "odd", "a) or (b"),
        (Shown("odd kind", "x/y~cut", {}), "odd_kind", "x/y~cut"),
        (Shown("set", "1, 2", {}), "set_", "1, 2"),
        (datetime(2024, 1, 2, 3, 4), "datetime", "2024-01-02 03:04:00"),
        (memoryview(b"a)"), "memoryview", "b'a)'"),
        (int, "type", "int"),
        (range(0, 9, 2), "range", "0, 9, 2"),
    ],
)
def test_what_has_no_literal_reads_back_as_its_text(value: object, kind: str, text: str) -> None:
    """A value for the eye only comes back as one, never as some literal."""
    ((name, found), after) = human_decode(human_encode([("x", value), ("y", 1)]))
    assert (name, after) == ("x", ("y", 1))
    assert isinstance(found, Shown)
    assert (found.kind, found.text) == (kind, text)


def test_deep_nesting_stays_finite() -> None:
    """A value nested deeper than the reader descends is shown, and still reads."""
    value: object = 1
    for _ in range(100):
        value = [value]
    ((_, found),) = human_decode(human_encode([("x", value)]))
    depth = 0
    while isinstance(found, list):
        (found,) = found
        depth += 1
    assert depth == 64
    assert isinstance(found, Shown)
    with pytest.raises(InvalidInputError, match="nested"):
        human_decode("x=" + "(" * 5000)


def test_huge_integers_read_back() -> None:
    """An integer beyond what Python writes in decimals is written in hexadecimal."""
    for number in (10**5000, -(10**5000), 2**2048, 2**2047 - 1):
        assert human_decode(human_encode([("n", number)])) == [("n", number)]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "x=",
        "=1",
        "3=1",
        "x=1,",
        "x=(1",
        "x='a",
        "x={[]=1}",
        "x={1,2=3}",
        "x={[]}",
        "x=1 2",
        "x=nan(zz)",
        "x=array(1",
        "x=complex(a)",
        "x='%FF'",
        "x=%FF",
        "x=$",
        "x=1=2",
        "x=frozenset([])",
    ],
)
def test_what_is_no_human_text_is_refused(text: str) -> None:
    """A text that was not written by the mode human raises, and evaluates nothing."""
    with pytest.raises(InvalidInputError, match="expected") as caught:
        human_decode(text)
    assert "copy the whole" in caught.value.hint


@given(st.text("x=(),'{}[]%b1.nacosetrfj@~-", max_size=30))
@settings(max_examples=300, deadline=None)
def test_any_text_is_read_or_refused(text: str) -> None:
    """No text makes the reader fail with anything but its own error."""
    try:
        found = human_decode(text)
    except InvalidInputError:
        return
    assert all(isinstance(name, str) for name, _ in found)


def test_alias_has_four_parts() -> None:
    """An alias is module, qualified name, code and hash, then the arguments."""
    text = alias("analysis.spectra", "multitaper", FINGERPRINT, KEY, ("rate", "tapers"), [250.0, 7])
    assert text == f"analysis.spectra/multitaper/{CODE}/{HASH}.rate=250.0,tapers=7"
    assert alias("m", "f", FINGERPRINT, KEY, (), []) == f"m/f/{CODE}/{HASH}.()"


def test_alias_needs_a_value_for_each_name() -> None:
    """Names and values that do not go together are refused."""
    with pytest.raises(InvalidInputError, match="2 parameters, got 1"):
        alias("m", "f", FINGERPRINT, KEY, ("a", "b"), [1])


@pytest.mark.parametrize("extension", ["", ".npy", ".npy.partial", ".h5"])
@pytest.mark.parametrize("arguments", ["rate=250.0,tapers=7", "name=x%2Enpy", "rate=1e-07", "()", "s='a.b'"])
def test_pasted_alias_is_read(arguments: str, extension: str) -> None:
    """A whole alias, its last part, or a path to its file give the same parts; an extension is none of them."""
    name = f"{HASH}.{arguments}{extension}"
    whole = Alias("pkg.mod", "f.<locals>.g", CODE, HASH, arguments)
    text = f"pkg.mod/f.%3Clocals%3E.g/{CODE}/{name}"
    assert parse_alias(text) == whole
    assert parse_alias(f"./bundle/v1/entries/{text}\n") == whole
    assert parse_alias(text.replace("/", "\\")) == whole
    assert parse_alias(name) == Alias("", "", "", HASH, arguments)
    assert parse_alias(f"{CODE}/{name}") == Alias("", "", CODE, HASH, arguments)


@pytest.mark.parametrize("text", ["", "/", "x.npy", HASH[1:], HASH + "0", f"m/f/nocode/{HASH}.x=1", f"{HASH}/x", "a/b"])
def test_what_is_no_alias_is_refused(text: str) -> None:
    """A text that is not an alias raises with the command that prints them."""
    with pytest.raises(InvalidInputError, match="expected an alias") as caught:
        parse_alias(text)
    assert "--alias" in caught.value.hint


@given(st.text(), st.text(), signatures())
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_alias_reads_back(module: str, qualname: str, arguments: list[tuple[str, object]]) -> None:
    """Whatever the names and values, an alias gives back its parts; a cut one says that it was cut."""
    names, values = [name for name, _ in arguments], [value for _, value in arguments]
    text = alias(module, qualname, FINGERPRINT, KEY, names, values)
    found = parse_alias(f"{text}.npy")
    assert (found.code, found.hash) == (CODE, HASH)
    for name, part, folder in zip((module, qualname), (found.module, found.qualname), text.split("/"), strict=False):
        assert part == name or (folder.endswith("~cut") and name.startswith(part.removesuffix("~cut")))
    if found.arguments_text.endswith("~cut"):
        with pytest.raises(InvalidInputError, match="were cut"):
            found.arguments()
    else:
        assert exact(found.arguments()) == exact(arguments)


@given(st.lists(st.text(min_size=1), min_size=2, max_size=2), signatures())
@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
def test_alias_is_a_real_path(tmp_path: Path, names: list[str], arguments: list[tuple[str, object]]) -> None:
    """An alias can be created as a file under a folder, stays under it, and is listed as it was written."""
    text = alias(*names, FINGERPRINT, KEY, [name for name, _ in arguments], [value for _, value in arguments])
    path = tmp_path / f"{text}.npy"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"")
    assert path.resolve().is_relative_to(tmp_path.resolve())
    assert len(path.relative_to(tmp_path).parts) == 4
    assert path.name in [file.name for file in path.parent.iterdir()]
    path.unlink()


@pytest.mark.parametrize("value", ["a" * 10_000, "é" * 300, "%" * 300, "\N{GRINNING FACE}" * 99, list(range(999))])
def test_long_arguments_are_cut_visibly(value: object) -> None:
    """A name stays within 255 bytes with room for an extension, ends in `~cut`, and says so when read."""
    name = alias("m" * 999, "f" * 999, FINGERPRINT, KEY, ("x",), [value])
    for part in f"{name}.npy.partial".split("/"):
        assert len(part.encode()) <= 255
    cut = parse_alias(name + ".npy")
    assert cut.arguments_text.endswith("~cut")
    assert "%~" not in cut.arguments_text
    with pytest.raises(InvalidInputError, match="were cut") as caught:
        cut.arguments()
    assert "cas show" in caught.value.hint


def test_longest_whole_arguments_are_not_cut() -> None:
    """The arguments have the 199 bytes that hash, dot and an extension leave of 255."""
    assert parse_alias(alias("m", "f", FINGERPRINT, KEY, ("x",), ["a" * 197])).arguments() == [("x", "a" * 197)]
    assert parse_alias(alias("m", "f", FINGERPRINT, KEY, ("x",), ["a" * 198])).arguments_text.endswith("~cut")


@pytest.mark.parametrize("base64encode", [True, False])
@pytest.mark.parametrize("compressed", [True, False])
@given(arguments=signatures(nan=False))
@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
def test_repr_text_reads_back(compressed: bool, base64encode: bool, arguments: list[tuple[str, object]]) -> None:
    """The mode repr gives back every literal, signs of zeros included, compressed or not."""
    text = repr_encode(arguments, compressed=compressed, base64encode=base64encode)
    found = repr_decode(text, compressed=compressed, base64encode=base64encode)
    assert exact(found) == exact(arguments)
    if base64encode:
        assert re.fullmatch(r"[A-Za-z0-9_=-]*", text)


def test_repr_text_needs_literals() -> None:
    """A value without a literal is refused by the mode repr, which names the mode that takes it."""
    for value in (
        Shown("array", "float64[3]", {}),
        date(2024, 1, 2),
        [Decimal(1)],
        10**5000,
        {1: {2: print}},
    ):
        with pytest.raises(InvalidInputError, match="no literal") as caught:
            repr_encode([("x", value)])
        assert "human" in caught.value.hint


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[('x',__import__('os'))]",
        "[('x', [i for i in 'ab'])]",
        "[1]",
        "('x',1)",
        "[('x',1+1)]",
        "[(1,2)]",
        "[('x',)]",
        "[('x', {**{}})]",
        "[('x', {[]: 1})]",
        "[('x', frozenset(1, 2))]",
        "[('x', y)]",
        "[('x', 1)\n]",
        "(" * 500,
    ],
)
def test_repr_evaluates_nothing(text: str) -> None:
    """A text that is more than literals is refused unread."""
    with pytest.raises(InvalidInputError, match="mode repr"):
        repr_decode(text, compressed=False, base64encode=False)


def test_repr_refuses_a_bomb_and_a_wrong_form() -> None:
    """A small text that unpacks to gigabytes, or was written in another form, is refused."""
    bomb = repr_encode([("x", "a" * (20 << 20))])
    assert len(bomb) < 100_000
    with pytest.raises(InvalidInputError, match="larger than"):
        repr_decode(bomb)
    with pytest.raises(InvalidInputError, match="not base64"):
        repr_decode("%%%")
    with pytest.raises(InvalidInputError, match="mode repr"):
        repr_decode(repr_encode([("x", 1)], compressed=False))


def test_modes_are_pairs_of_inverses() -> None:
    """Each mode in the table reads what it writes."""
    arguments = [("rate", 250.0), ("bands", [(4, 8), None])]
    assert set(MODES) == {"human", "repr"}
    for encode, decode in MODES.values():
        assert decode(encode(arguments)) == arguments


def test_reading_an_alias_imports_nothing_heavy() -> None:
    """The parts of an alias are plain text, whatever they say."""
    before = set(sys.modules)
    found = parse_alias(f"antigravity/x/{CODE}/{HASH}.x=array(float64[3])")
    assert found.module == "antigravity"
    assert set(sys.modules) - before == set()
