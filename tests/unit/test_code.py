"""Code objects told apart: by syntax where a text explains them, by bytecode where none does."""

from __future__ import annotations

import ast
import linecache
import types

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memo.fingerprint import code
from memo.fingerprint.bytecode import bytecode_digest
from memo.fingerprint.references import References, references
from memo.fingerprint.syntax import translate, tree_digest


def function_of(text: str, name: str = "f", filename: str = "<nowhere>") -> types.FunctionType:
    """Return a function compiled from a text that no file holds."""
    space: dict[str, object] = {"__name__": "nowhere"}
    exec(compile(text, filename, "exec"), space)
    return space[name]


def tree_of(text: str) -> bytes:
    """Return the digest of the syntax of the one function in a text."""
    return tree_digest(ast.parse(text).body[0])


def test_without_text_the_bytecode_counts():
    """A function without source is told by what it does, and carries no source."""
    one, same, other = (function_of(f"def f(x): return x + {n}") for n in (1, 1, 2))
    assert code.local(one).digest == code.local(same).digest != code.local(other).digest
    assert code.local(one).source is None


def test_a_notebook_cell_is_explained_by_linecache():
    """Code of a cell has the digest that it would have in a file, and its lines as source."""
    text = "# a cell\ndef f(x):\n    return x + 1\n"
    linecache.cache["<cell 1>"] = (len(text), None, text.splitlines(keepends=True), "<cell 1>")
    found = code.local(function_of(text, filename="<cell 1>"))
    del linecache.cache["<cell 1>"]
    assert found.source == "def f(x):\n    return x + 1"
    assert found.digest == tree_of("def f(x): return x+1")


def test_a_text_that_does_not_compile_explains_nothing():
    """A broken text gives an empty table, not an error."""
    assert translate("def f(:", 0) == {}
    assert translate("\0", 0) == {}


def test_line_numbers_and_names_of_files_are_not_in_the_bytecode_digest():
    """The same code further down in another file is the same."""
    first = function_of("def f(x):\n    def g(): return x\n    return g").__code__
    second = function_of("\n\n\ndef f(x):\n\n    def g(): return x\n    return g", filename="<other>").__code__
    assert bytecode_digest(first) == bytecode_digest(second)


@pytest.mark.parametrize(
    ("first", "second"),
    [("1", "True"), ("1", "1.0"), ("0.0", "-0.0"), ("'a'", "b'a'"), ("(1, 2)", "[1, 2]"), ("x in {1}", "x in (1,)")],
)
def test_constants_count_by_type_and_bits(first, second):
    """Constants that compare equal make different code."""
    one, two = (function_of(f"def f(x): return {value}") for value in (first, second))
    assert code.local(one).digest != code.local(two).digest
    assert tree_of(f"def f(x): return {first}") != tree_of(f"def f(x): return {second}")


def test_huge_integers_have_a_digest():
    """An integer of more digits than `str` allows is no obstacle."""
    assert tree_of(f"def f(): return 0x{'f' * 9000}") != tree_of(f"def f(): return 0x{'f' * 8999}e")


def test_a_deep_expression_does_not_overflow():
    """The walk over the syntax keeps its own stack."""
    assert len(tree_of("def f(x): return " + "+".join(["x"] * 900))) == 32


@given(st.floats(allow_nan=False, allow_infinity=False), st.floats(allow_nan=False, allow_infinity=False))
def test_float_constants_are_told_apart_by_bits(first, second):
    """Two functions that differ in a float constant share a digest only if the floats share their bits."""
    one, two = (function_of(f"def f(): return {value!r}") for value in (first, second))
    assert (code.local(one).digest == code.local(two).digest) == (first.hex() == second.hex())


def test_references_are_found():
    """Globals with their attributes, strings, imports and stores, in inner functions too; keyword names are not."""
    text = (
        "def f(x):\n    import os.path as p\n    from .near import far\n    global count\n    count = 1\n"
        "    def g(): return np.linalg.norm(x, axis='rows').T\n"
        "    return [h(y) for y in g()], super, 'a.b', 'not a name'\n"
    )
    found = references(function_of(text).__code__)
    assert ("np", "linalg", "norm") in found.loads
    assert ("h",) in found.loads
    assert set(found.strings) == {"rows", "a.b"}
    assert found.stores == ["count"]
    assert found.imports == [(0, "os.path", ()), (1, "near", ("far",))]
    assert "T" in found.attributes
    assert References.unpack(found.pack()).pack() == found.pack()


def test_mutations_are_found_in_their_scope():
    """What a function changes is told by scope: globals, parameters, enclosing variables; locals are left out."""
    text = (
        "def f(x, memo={}):\n    local = []\n    local.append(1)\n    G[x] = 1\n    H.a.b.append(x)\n    memo[x] = 1\n"
        "    M.n += 1\n    def g():\n        local.append(2)\n        K.clear()\n    return g\n"
    )
    row = next(row for row in translate(text, 0).values() if row[4] - row[3] > 5)
    found = {(scope, root, tuple(chain), how) for scope, root, chain, how in References.unpack(row[5]).mutations}
    assert found == {
        ("?", "G", (), "item"),
        ("?", "H", ("a", "b"), "item"),
        ("p", "memo", (), "item"),
        ("?", "M", ("n",), "bind"),
        ("?", "M", ("n",), "item"),
        ("?", "K", (), "item"),
    }


@pytest.mark.parametrize("count", [2, 3])
def test_lambdas_on_one_line_are_told_apart(count):
    """Each lambda of a line has its own syntax, nested ones too."""
    text = "f = [" + ", ".join(f"lambda x: x + {n}" for n in range(count)) + ", lambda x: (lambda y: x - y)]\n"
    linecache.cache["<line>"] = (len(text), None, [text], "<line>")
    found = [code.local(function).digest for function in function_of(text, filename="<line>")]
    inner = code.local(function_of(text, filename="<line>")[-1](1)).digest
    del linecache.cache["<line>"]
    assert len({*found, inner}) == count + 2
    assert found[1] == tree_digest(ast.parse("lambda x: x + 1", mode="eval").body)
    assert inner == tree_digest(ast.parse("lambda y: x - y", mode="eval").body)
