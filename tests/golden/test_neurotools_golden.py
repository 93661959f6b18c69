"""What the real neurotools answered under Python 3.9 and numpy 1.23, answered alike by ours under every Python."""

from __future__ import annotations

import ast
import importlib
import json
import sys
from pathlib import Path

import pytest

from memo import neurotools
from memo.neurotools.originals.names import locate_original, original_signature

DATA = Path(__file__).parent.parent / "data" / "neurotools"
GOLDEN = json.loads((DATA / "golden.json").read_text(encoding="utf-8"))
CALLS = [call for call in GOLDEN["signatures"] if "error" not in call]
ENCODINGS = [
    (mode, compressed, base64)
    for mode in ("repr", "json", "pickle", "human")
    for compressed, base64 in ((True, True), (False, True), (False, False))
]


@pytest.fixture
def seedlab(monkeypatch):
    """Return the module whose functions the real neurotools cached."""
    monkeypatch.syspath_prepend(str(DATA))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    yield importlib.import_module("seedlab")
    sys.modules.pop("seedlab")


def arguments(call):
    """Return the arguments of a recorded call."""
    return ast.literal_eval(call["args"]), ast.literal_eval(call["kwargs"])


@pytest.mark.parametrize("name", GOLDEN["functions"])
def test_functions_have_the_code_of_the_original(name, seedlab):
    """A function's source, and the code made of it, are those that the original had."""
    function, expected = getattr(seedlab, name), GOLDEN["functions"][name]
    assert neurotools.get_source(function) == expected["source"]
    assert neurotools.function_signature(function) == expected["function_signature"]


def test_sources_in_another_file_have_the_same_code(tmp_path, monkeypatch):
    """The code follows from the sources that were recorded, wherever in a file they stand."""
    text = "\n\n\n".join(function["source"] for function in reversed(GOLDEN["functions"].values()))
    (tmp_path / "seedlab.py").write_text(f"import numpy as np\n\n\n{text}", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    module = importlib.import_module("seedlab")
    sys.modules.pop("seedlab")
    for name, function in GOLDEN["functions"].items():
        assert neurotools.function_signature(getattr(module, name)) == function["function_signature"]


@pytest.mark.parametrize("text", GOLDEN["hashes"])
def test_hashes_are_the_originals(text):
    """The hash of a text, whole and of ten bytes, is the one recorded; an object has the hash of its `repr`."""
    assert [neurotools.base64hash(text), neurotools.base64hash10bytes(text)] == GOLDEN["hashes"][text]
    assert neurotools.base64hash(text.encode()) == GOLDEN["hashes"][text][0]
    assert neurotools.base64hash((1, 2.5)) == GOLDEN["hashes"]["(1, 2.5)"][0]


@pytest.mark.parametrize("call", CALLS, ids=lambda call: f"{call['function']}{call['args']}")
def test_calls_have_the_signature_of_the_original(call, seedlab):
    """The signature of a call, ours and the lossy one, is the recorded one where nothing in it was lost."""
    args, kwargs = arguments(call)
    function = getattr(seedlab, call["function"])
    assert repr(neurotools.argument_signature(function, *args, **kwargs)) == call["argument_signature"]
    assert repr(original_signature(function, *args, **kwargs)) == call["argument_signature"]


@pytest.mark.parametrize("call", CALLS, ids=lambda call: f"{call['function']}{call['args']}")
@pytest.mark.parametrize(("mode", "compressed", "base64"), ENCODINGS)
def test_names_are_the_originals_and_decode(call, mode, compressed, base64, seedlab):
    """A name is the recorded one if the original managed; and ours decodes in every encoding, with any part of it."""
    args, kwargs = arguments(call)
    function = getattr(seedlab, call["function"])
    signature = neurotools.argument_signature(function, *args, **kwargs)
    name = neurotools.signature_to_file_string(function, signature, mode, compressed, base64)
    recorded, decoded = call["names"].get(f"{mode},{compressed:d},{base64:d}", ("ValueError", None))
    if not recorded.startswith("ValueError"):
        assert name == recorded
    if decoded not in (None, "AttributeError"):
        assert repr(neurotools.file_string_to_signature(recorded, mode, compressed, base64)) == decoded
    _, _, _, entry = name.split(".", 3)
    for text in (name, entry, entry.split(".", 1)[1], f"some/where/{entry}.npy", f"{name}.hdf5"):
        found = neurotools.file_string_to_signature(text, mode, compressed, base64)
        assert repr(found) == call["argument_signature"]


@pytest.mark.parametrize("call", CALLS, ids=lambda call: f"{call['function']}{call['args']}")
def test_calls_are_located_where_the_original_kept_them(call, seedlab):
    """Name, folder, file and path of an entry are the recorded ones."""
    args, kwargs = arguments(call)
    function = getattr(seedlab, call["function"])
    name, signature, *located = neurotools.locate_cached("ROOT", function, "npy", *args, **kwargs)
    assert [name, *located] == call["located"]
    assert repr(signature) == call["argument_signature"]
    assert neurotools.get_cache_path("ROOT", function, *args, **kwargs) == located[0]
    assert locate_original("ROOT", function, "npy", *args, **kwargs) == located[2]


def test_nothing_that_was_recorded_is_left_out():
    """The tests above ask for every field of the record, and for every encoding in it."""
    assert GOLDEN.keys() == {"python", "numpy", "functions", "hashes", "signatures"}
    assert {key for one in GOLDEN["functions"].values() for key in one} == {"source", "function_signature"}
    asked = {f"{mode},{compressed:d},{base64:d}" for mode, compressed, base64 in ENCODINGS}
    fields = {"function", "args", "kwargs", "argument_signature", "names", "located"}
    assert all(call.keys() == fields and call["names"].keys() <= asked for call in CALLS)
    assert len(CALLS) + 1 == len(GOLDEN["signatures"])


def test_what_the_original_refused_is_signed(seedlab):
    """Parameters without a default may be given by name, which the original took for a missing argument."""
    refused = [call for call in GOLDEN["signatures"] if "error" in call]
    assert [call["function"] for call in refused] == ["ratio"]
    args, kwargs = arguments(refused[0])
    assert neurotools.argument_signature(seedlab.ratio, *args, **kwargs) == ((("a", 1), ("b", 2)), None)


def test_every_file_of_the_roots_has_a_name_that_decodes():
    """The committed roots are whole, and every file in them, also one of 0 bytes, says of which call it is."""
    files = sorted(path for root in DATA.glob("root_*") for path in root.rglob("*.*") if path.is_file())
    assert len(files) == 27
    assert sum(path.stat().st_size == 0 for path in files) == 9
    named = {repr(neurotools.file_string_to_signature(path.name)) for path in files}
    assert len(named) == 9
    assert len(named & {call["argument_signature"] for call in CALLS}) == 8
    (unrecorded,) = named - {call["argument_signature"] for call in CALLS}
    assert unrecorded.startswith("((('bands', (4, 8)), ('channel', 1), ('path', 'xxxx")
