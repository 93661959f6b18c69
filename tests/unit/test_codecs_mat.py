"""The codec mat/1: a plain `.mat` file, as MATLAB's own format, scipy and a real Octave see it."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess

import numpy as np
import pytest
import scipy.io
import scipy.sparse as sp

from memo.codecs import by_name, codec_for, matfile, validate_for_matfile, validate_for_numpy
from memo.errors import CodecError
from tests import codecs as values
from tests.codecs import Blobs, joined, same

OCTAVE = shutil.which("octave-cli") or shutil.which("octave")
# Reads files, checks what the caller expects of each, and saves what it read for the way back.
PROGRAM = """1;
function describe(x)
  printf("%s %s", class(x), mat2str(size(x)));
  if iscell(x)
    printf(" {"); for i = 1:numel(x), describe(x{i}); printf(";"); end; printf("}");
  elseif isstruct(x)
    names = fieldnames(x);
    printf(" (");
    for i = 1:numel(names), printf("%s=", names{i}); describe(x.(names{i})); printf(";"); end
    printf(")");
  elseif ischar(x)
    printf(" %s", x);
  else
    printf(" %s", mat2str(double(full(x(:).')), 17));
  end
end
names = argv();
for n = 1:numel(names)
  s = load(names{n});
  printf("%d ", isfield(s, "memo_form")); describe(s.result); printf("\\n");
end
"""


def body_of(value: object) -> bytes:
    """Return the bytes that the codec stores."""
    return joined(by_name("mat/1").encode(value, None)[0])


SEEN = [
    (None, "double [0 0] []"),
    (True, "logical [1 1] 1"),
    (5, "int64 [1 1] 5"),
    (2**63, "uint64 [1 1] 9.2233720368547758e+18"),
    (1.5, "double [1 1] 1.5"),
    (1 - 2j, "double [1 1] 1-2i"),
    ("héΩ", "char [1 5] héΩ"),
    ("", "char [0 0] "),
    (b"ab", "uint8 [1 2] [97 98]"),
    ([1.5, -2.0], "double [1 2] [1.5 -2]"),
    ([1, "x", None], "cell [1 3] {int64 [1 1] 1;char [1 1] x;double [0 0] [];}"),
    ((), "cell [1 0] {}"),
    ({"a": 1, "b": {"c": "x"}}, "struct [1 1] (a=int64 [1 1] 1;b=struct [1 1] (c=char [1 1] x;);)"),
    ({}, "struct [1 1] ()"),
    (np.arange(6.0).reshape(2, 3), "double [2 3] [0 3 1 4 2 5]"),
    (np.asfortranarray(np.arange(6, dtype="i2").reshape(2, 3)), "int16 [2 3] [0 3 1 4 2 5]"),
    (np.arange(3, dtype=">u4"), "uint32 [1 3] [0 1 2]"),
    (np.array([1 + 2j], "c8"), "single [1 1] 1+2i"),
    (np.array([0.5, -1], "f2"), "single [1 2] [0.5 -1]"),
    (np.array([[True], [False]]), "logical [2 1] [1 0]"),
    (np.array(["1970-01-02"], "M8[h]"), "int64 [1 1] 24"),
    (np.arange(8).reshape(2, 2, 2), "int64 [2 2 2] [0 4 2 6 1 5 3 7]"),
    (np.zeros((0, 3)), "double [0 3] []"),
    (np.array(["a", "bc"]), "cell [1 2] {char [1 1] a;char [1 2] bc;}"),
    (np.array([[1, None]], object), "cell [1 2] {int64 [1 1] 1;double [0 0] [];}"),
    (values.Point(1.0, "y"), "struct [1 1] (x=double [1 1] 1;y=char [1 1] y;)"),
    (values.Plain(1.0), "struct [1 1] (a=double [1 1] 1;b=int64 [1 1] 2;)"),
    (values.Color.RED, "char [1 3] RED"),
    (np.ma.array([1.0, 2.0], mask=[0, 1]), "struct [1 1] (data=double [1 2] [1 2];mask=logical [1 2] [0 1];)"),
    (np.array([(1, 2.5)], [("p", "i1"), ("q", "f8")]), "struct [1 1] (p=int8 [1 1] 1;q=double [1 1] 2.5;)"),
    (sp.csr_array(np.array([[0, 2.5], [1, 0]])), "double [2 2] [0 1 2.5 0]"),
    (sp.coo_matrix(np.array([[1j, 0]])), "double [1 2] [0+1i 0+0i]"),
    ("x" * 300, f"char [1 300] {'x' * 300}"),
    ({"name_" * 12: np.float32(2)}, f"struct [1 1] ({'name_' * 12}=single [1 1] 2;)"),
]


# Where tests decide, it must be there (`.ci/run` installs it); elsewhere nobody is made to install it.
@pytest.mark.skipif(
    OCTAVE is None and not os.environ.get("CI"),
    reason="OCTAVE IS MISSING, which opens the .mat files: sudo apt-get install --no-install-recommends octave",
)
def test_octave_opens_every_file(tmp_path):
    """A real Octave reads each value under the name `result`, of the class, size and content that is meant."""
    assert OCTAVE, "this test needs the program octave-cli, and nothing else can stand in for it"
    (tmp_path / "read_all.m").write_text(PROGRAM)
    files = []
    for number, (value, _) in enumerate(SEEN):
        files.append(str(tmp_path / f"{number}.mat"))
        (tmp_path / f"{number}.mat").write_bytes(body_of(value))
    command = [OCTAVE, "--no-init-file", "--no-history", "--quiet", str(tmp_path / "read_all.m"), *files]
    found = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False, cwd=tmp_path)
    lines = found.stdout.splitlines()
    assert lines == [f"1 {expected}" for _, expected in SEEN], found.stderr


def test_scipy_opens_what_octave_opens():
    """scipy.io.loadmat reads the same arrays."""
    value = {"a": np.arange(6.0).reshape(2, 3), "t": "abc", "c": [1, "x"], "z": np.array([1j, 2])}
    found = scipy.io.loadmat(io.BytesIO(body_of(value)), simplify_cells=True)["result"]
    assert found["a"].tolist() == value["a"].tolist()
    assert found["t"] == "abc"
    assert list(found["c"]) == [1, "x"]
    assert found["z"].tolist() == [1j, 2]


@pytest.mark.parametrize(
    ("value", "part"),
    [
        ({"2nd": 1}, 'result["2nd"]: expected what a MATLAB file can hold, got what is not a MATLAB name'),
        ({"a": [{"end": 1}]}, 'result["a"][0]["end"]'),
        ({"é": 1}, 'result["é"]'),
        ({"x" * 64: 1}, f'result["{"x" * 64}"]'),
        ({1: 2}, "result[1]"),
        ([np.zeros(2, "g")], "result[0]: expected what a MATLAB file can hold, got an array of dtype float128"),
        ({"a": np.zeros(2, "V3")}, 'result["a"]'),
        (values.Plain(values.Plain(lambda: 1)), "result.a.a: "),
        ((1, {"f": print}), 'result[1]["f"]'),
        (sp.coo_array(np.arange(5)), "sparse array of 1 dimensions"),
    ],
)
def test_what_does_not_fit_is_named(value, part, tmp_path):
    """A value that MATLAB has nothing for is refused by the path to the part; auto has a codec for it."""
    with pytest.raises(CodecError) as caught:
        validate_for_matfile(value)
    assert part in str(caught.value)
    assert isinstance(caught.value, ValueError)
    assert caught.value.hint
    with pytest.raises(CodecError):
        by_name("mat/1").encode(value, None)
    assert not by_name("mat/1").takes(value)


def test_arguments_are_validated_under_their_own_name():
    """The validators name the parts of what they are given, and say True of what fits."""
    assert validate_for_matfile({"a": [1, np.zeros(3, "f2")]}) is True
    assert validate_for_numpy(((1, 2.5), [np.zeros(3, "f2"), "text"])) is True
    with pytest.raises(CodecError, match=r'arguments\[1\]\["2nd"\]'):
        validate_for_matfile((1, {"2nd": 1}), "arguments")
    with pytest.raises(CodecError, match=r"arguments\[0\]\[1\]: expected a dtype .* got object"):
        validate_for_numpy(((1, np.array([None])), 2), "arguments")
    with pytest.raises(CodecError, match="result: expected an array or a number"):
        validate_for_numpy({"a": 1})
    with pytest.raises(CodecError):
        validate_for_numpy([2**70])


def test_fortran_arrays_are_not_copied():
    """What stands in memory as MATLAB keeps it goes into the file from there."""
    value = np.asfortranarray(np.arange(1e5).reshape(100, -1))
    parts, _ = by_name("mat/1").encode({"a": value}, None)
    assert any(np.shares_memory(np.frombuffer(part, np.uint8), value) for part in parts if len(part) > 1e5)


def test_files_beyond_two_gigabytes_are_refused(monkeypatch):
    """What MATLAB's format cannot count is refused, and the hint names the codec that can."""
    monkeypatch.setattr(matfile, "LARGEST", 1000)
    with pytest.raises(CodecError, match="2 GB") as caught:
        body_of(np.zeros(1000))
    assert "hdf5" in caught.value.hint


def test_the_same_array_twice_is_two_arrays(tmp_path):
    """An array that stands twice in a result comes back as two that share nothing."""
    axis = np.asfortranarray(np.arange(2.0**18).reshape(2, -1))
    blobs = Blobs(tmp_path)
    _, file = blobs.root(codec_for(0, "mat"), [axis, axis])
    first, second = by_name("mat/1").decode(file, blobs.open)
    first[...] = -1
    assert same(second, axis)
    assert json.dumps(second.tolist()) == json.dumps(axis.tolist())
