"""A function by its source: `get_source`, the code of its folder, and its hashes."""

from __future__ import annotations

import functools
import inspect
import linecache
import os
import subprocess
import sys

import numpy as np
import pytest

from cas.errors import InvalidInputError
from memo.neurotools import (
    base64hash10bytes,
    function_hash_no_subroutines,
    function_hash_with_subroutines,
    function_signature,
    get_source,
    validate_for_matfile,
    validate_for_numpy,
    verify_function_closure,
)

PLAIN = "def plain(x, *rest, y=1):  # noqa: D103 - the source is compared\n    return x\n"


def plain(x, *rest, y=1):  # noqa: D103 - the source is compared
    return x


def decorated(function):
    """Wrap a function as decorators do."""

    @functools.wraps(function)
    def wrapper(*args):
        return function(*args)

    return wrapper


def test_source_is_that_of_the_undecorated_function(project):
    """Decorators are looked through, and their lines are part of the source; comments behind it are not."""
    source = "@decorate\n@decorate\ndef f(x):\n    # one\n    return x\n"
    text = (
        f"import functools\ndef decorate(g):\n    return functools.wraps(g)(lambda *a: g(*a))\n{source}# two\ny = 1\n"
    )
    assert get_source(project("wrapped_twice", text).f) == source
    assert get_source(decorated(decorated(plain))) == PLAIN


def test_source_of_a_lambda_is_its_line():
    """A lambda has the line that it stands on."""
    double = lambda x: 2 * x  # noqa: E731
    assert get_source(double) == "    double = lambda x: 2 * x  # noqa: E731\n"


def test_source_of_a_notebook_cell_is_what_the_notebook_remembers():
    """A function of a cell has the lines that `linecache` keeps of it."""
    text, name = "x = 1\n\ndef cell(a):\n    return a + x\n", "<ipython-input-1-abc>"
    space = {}
    exec(compile(text, name, "exec"), space)
    linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
    del text
    try:
        assert get_source(space["cell"]) == "def cell(a):\n    return a + x\n"
    finally:
        del linecache.cache[name]


@pytest.mark.parametrize("kind", ["constant", "variable", "eval"])
def test_source_of_what_exec_made_is_found_where_its_text_is(kind):
    """The text given to `exec` or `eval` is found as a constant or a variable of the caller, and must fit."""
    space = {}
    other = "def made(x):\n    return x + 3\n"
    if kind == "constant":
        exec("import math\n\ndef made(x):\n    return x + math.pi\n\ny = 1\n", space)
        expected = "def made(x):\n    return x + math.pi\n"
    elif kind == "variable":
        text = "\n".join(["def made(x):", f"    return x + {len(other)}"])
        exec(text, space)
        expected = f"{text}\n"
    else:
        space["made"] = eval("lambda x: x * 7")
        expected = "lambda x: x * 7\n"
    assert get_source(space["made"]) == expected


def _made_elsewhere(number):
    space = {}
    exec(f"def made(x):\n    return x + {number}", space)
    return space["made"]


def test_source_that_is_nowhere_is_refused_with_a_mend():
    """Without a text that gives the function's code there is an error, which says to keep it as `__source__`."""
    made = _made_elsewhere(5)
    with pytest.raises(InvalidInputError, match="made: expected a function whose source is known") as caught:
        get_source(made)
    assert "__source__" in caught.value.hint
    made.__source__ = "def made(x): return x + 5\n"
    assert get_source(made) == made.__source__
    with pytest.raises(InvalidInputError, match="expected a function written in Python"):
        get_source(len)


def test_what_has_no_source_has_a_code_by_its_bytecode():
    """Functions of `exec` without a source are told apart by what they do, wherever they are asked for."""
    assert function_signature(_made_elsewhere(5)) == function_signature(_made_elsewhere(5))
    assert function_signature(_made_elsewhere(5)) != function_signature(_made_elsewhere(6))


def code_of(module, name, doc, source, argspec):
    """Return the signature as the original made it of these texts."""
    return f"{module}.{name}.{base64hash10bytes(f'(({module!r}, {name!r}), ({doc!r}, {source!r}, {argspec}))')}"


@pytest.mark.parametrize(
    ("source", "doc", "argspec"),
    [
        ("def f():\n    pass\n", None, "((), None, None, None)"),
        ("def f(x):\n    pass\n", None, "('x', None, None, None)"),
        ("def f(x, /, y=(), *a, **k):\n    pass\n", None, "(('x', 'y'), 'a', 'k', ())"),
        (
            "def f(x=[1], y={'b': [2], 'a': 1}):\n    pass\n",
            None,
            "(('x', 'y'), None, None, (1, (('a', 1), ('b', [2]))))",
        ),
        ("def f(x=np.float64(1.5)):\n    pass\n", None, "('x', None, None, 1.5)"),
        ("def f(x=np.float32(0.1), y=np.int8(3)):\n    pass\n", None, "(('x', 'y'), None, None, (0.1, 3))"),
        ("def f(x=np.arange(3)):\n    pass\n", None, "('x', None, None, (0, 1, 2))"),
        ("def f(x=np.datetime64('2020')):\n    pass\n", None, "('x', None, None, numpy.datetime64('2020'))"),
        ("def f(x=np.complex64(1j), y=np.bool_(1)):\n    pass\n", None, "(('x', 'y'), None, None, (1j, True))"),
        ("def f(x=b'ab'):\n    pass\n", None, "('x', None, None, (97, 98))"),
        (
            'def f():\n    """One.\n\n    \tTwo.\n      Three.\n    """\n',
            "One.\n\n  Two.\nThree.",
            "((), None, None, None)",
        ),
        ('def f():\n\t"""\n\tOne\n\t\ttwo\n\t"""\n', "One\n        two", "((), None, None, None)"),
        ('def f():\n    """One\n    \x0c  two"""\n', "One\ntwo", "((), None, None, None)"),
        ('def f():\n    """  One  """\n', "One  ", "((), None, None, None)"),
        ("def f(x: int) -> int:\n    pass\n", None, "('x', None, None, None)"),
        ("def f(*, x=1):\n    pass\n", None, "((), None, None, None, ('*', 'x'), (('x', 1),))"),
    ],
)
def test_code_is_made_of_the_texts_that_the_original_saw(source, doc, argspec, project):
    """Docstring, source and parameters count as under Python 3.9 and numpy 1.23; what is newer, in our way."""
    module = project("texts_of_it", f"import numpy as np\n\n\n{source}")
    assert function_signature(module.f) == code_of("texts_of_it", "f", doc, source, argspec)


def test_a_method_inherits_the_docstring_of_its_base(project):
    """The docstring of a method without one is that of the method that it overrides, as `inspect.getdoc` has it."""
    text = "class A:\n    def f(self):\n        'doc'\nclass B(A):\n    def f(self):\n        return 1\n"
    module = project("of_methods", text)
    expected = code_of("of_methods", "f", "doc", "    def f(self):\n        return 1\n", "('self', None, None, None)")
    assert function_signature(module.B.f) == function_signature(module.B().f) == expected


def test_hash_without_subroutines_sees_the_function_alone(project):
    """It changes with source, docstring, name, module and defaults, and not with what the function calls."""
    text = "def g(x):\n    return x\ndef f(x):\n    return g(x)\n"
    first = function_hash_no_subroutines(project("one", text).f)
    assert len(first) == 38
    assert function_hash_no_subroutines(project("one", text.replace("return x\n", "return -x\n")).f) == first
    others = [("two", text), ("one", text.replace("f(x)", "f(x=1)")), ("one", text.replace("g(x)\n", "g( x)\n"))]
    hashes = {function_hash_no_subroutines(project(name, changed).f) for name, changed in others}
    assert len(hashes | {first}) == 4


def test_hash_with_subroutines_sees_what_it_calls(project):
    """It changes with a subroutine and a docstring, and not with the place in the file."""
    text = "def g(x):\n    return x\ndef f(x):\n    return g(x)\n"
    first = function_hash_with_subroutines(project("one", text).f, force=True)
    assert function_hash_with_subroutines(project("one", f"# moved\n{text}").f, force=True) == first
    for changed in (text.replace("return x\n", "return -x\n"), text.replace("(x):\n", "(x):\n    'doc'\n", 1)):
        assert function_hash_with_subroutines(project("one", changed).f, force=True) != first


def test_hash_with_subroutines_warns_and_fails_unless_forced():
    """Without force there is a warning and an error, which both say how to go on."""
    with (
        pytest.warns(UserWarning, match="hint: say force=True"),
        pytest.raises(NotImplementedError, match="force=True"),
    ):
        function_hash_with_subroutines(plain)


@pytest.mark.parametrize(
    "name", ["function_hash_no_subroutines", "function_signature", "function_hash_with_subroutines"]
)
def test_hashes_are_the_same_in_every_process(name, tmp_path):
    """No hash seed shows in a hash, as it did in the original."""
    text = "def g(x):\n    return x in {'d', 'e', 'f'}\n\n"
    text += "def f(x, y=g, z={'a', 'b', 'c'}, w=frozenset('abc')):\n    return g(x)\n"
    (tmp_path / "stable.py").write_text(text)
    force = ", force=True" if "with" in name else ""
    script = f"import memo.neurotools as n, stable; print(n.{name}(stable.f{force}))"
    answers = set()
    for seed in "123":
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": f"{tmp_path}{os.pathsep}{os.getcwd()}"}
        run = subprocess.run(
            [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True
        )
        answers.add(run.stdout)
    assert len(answers) == 1


def closed(value):
    """Return a function that captures a value."""

    def inner():
        return value

    return inner


@pytest.mark.parametrize(
    ("value", "kind"),
    [([1], "list"), ({}, "dict"), (np.zeros(2), "ndarray"), ((1, ({2},)), "set"), (closed([]), "list")],
)
def test_closures_over_what_can_change_are_refused(value, kind):
    """A captured container, also inside a tuple or another function, is refused by its variable, unless allowed."""
    with pytest.raises(ValueError, match=r"captures the variable 'value', a \w+ .*can change") as caught:
        verify_function_closure(closed(value))
    assert kind in str(caught.value)
    assert isinstance(caught.value, TypeError)
    assert "argument" in caught.value.hint
    assert verify_function_closure(closed(value), allow_mutable_bindings=True) is True


def test_closures_over_what_cannot_change_pass():
    """Numbers, text, tuples of them and functions of that kind may be captured."""
    for value in (1, "a", (1, ("b",)), closed(2), None):
        assert verify_function_closure(closed(value)) is True
    assert verify_function_closure(decorated(closed(1))) is True


@pytest.mark.parametrize(("validate", "dtype"), [(validate_for_matfile, "longdouble"), (validate_for_numpy, "object")])
def test_what_a_file_can_keep_is_true_and_the_rest_is_named(validate, dtype):
    """All dtypes of the table pass, in any shape; a part that does not fit is named, with its dtype."""
    table = "bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 float32 float64 complex64 complex128"
    for fitting in table.split():
        for shape in ((), (3,), (2, 3)):
            assert validate((np.zeros(shape, fitting), [1, 2.5])) is True
    with pytest.raises(ValueError, match=rf"x\[1\]\[0\]: .*{np.dtype(dtype)}"):
        validate((1, [np.zeros(1, dtype)]))


def test_the_face_offers_every_name_of_the_page():
    """The names of the page are there, loaded when asked for, each with its docstring."""
    import memo.neurotools as face

    assert dir(face) == face.__all__
    for name in ("argument_signature", "get_source", "human_encode", "locate_cached", "validate_for_numpy"):
        assert inspect.getdoc(getattr(face, name))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = face.nothing


DEFAULT = "__neurotools_cache__"
CHOICES = "verbose=False, allow_mutable_bindings=False"
PAGE = """
get_source(f)
function_hash_no_subroutines(f)
function_signature(f)
signature_to_file_string(f, sig, mode='repr', compressed=True, base64encode=True, truncate=True)
file_string_to_signature(filename, mode='repr', compressed=True, base64encode=True)
human_encode(sig)
human_decode(key)
get_cache_path(cache_root, f, *args, **kwargs)
locate_cached(cache_root, f, method, *args, **kwargs)
validate_for_matfile(x)
validate_for_numpy(x)
disk_cacher(cache_location, method='npy', write_back=True, skip_fast=False, CHOICES, cache_identifier=DEFAULT)
hierarchical_cacher(fast_to_slow, method='npy', write_back=True, CHOICES, cache_identifier='neurotools_cache')
scan_cachedir(cachedir, method='npy', verbose=False, **kw)
base64hash(obj)
base64hash10bytes(obj)
function_hash_with_subroutines(f, force=False)
combine_caches(cache_root, f)
exists(cache_root, f, method, *args, **kwargs)
argument_signature(f, *args, **kwargs)
""".strip().splitlines()


@pytest.mark.parametrize("line", PAGE, ids=lambda line: line.partition("(")[0])
def test_every_name_of_the_page_has_its_parameters_and_defaults(line):
    """What the page has comes first and means the same; what is ours has a default."""
    import memo.neurotools as face

    name, _, rest = line.partition("(")
    ours = inspect.signature(getattr(face, name)).parameters.values()
    theirs = inspect.signature(eval(f"lambda {rest[:-1].replace('CHOICES', CHOICES)}: 0")).parameters.values()
    expected = [(one.name, one.default) for one in theirs]
    assert [(one.name, one.default) for one in ours if one.name not in ("trust", "verify")] == expected
    assert all(one.default is not inspect.Parameter.empty for one in ours if one.name in ("trust", "verify"))


def test_importing_memo_does_not_load_the_face():
    """`import memo` stays as cheap as it was."""
    script = "import sys, memo; print([name for name in sys.modules if 'neurotools' in name])"
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout == "[]\n"
