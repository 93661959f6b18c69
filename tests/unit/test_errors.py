"""Errors: one tree, each also the builtin that a caller expects, with a mend, and able to cross processes."""

from __future__ import annotations

import copy
import errno
import pickle
import traceback

import pytest

import cas

BUILTINS = {
    cas.NotFoundError: KeyError,
    cas.ConflictError: Exception,
    cas.BusyError: TimeoutError,
    cas.ReadOnlyError: PermissionError,
    cas.InvalidInputError: ValueError,
    cas.StorageError: OSError,
    cas.IntegrityError: Exception,
}


@pytest.mark.parametrize("kind", BUILTINS, ids=lambda kind: kind.__name__)
def test_each_error_is_the_builtin_that_callers_expect(kind):
    """An error of the tree is a CasError and the builtin of its kind, and no other kind of the tree."""
    error = kind("what happened", "what to do")
    assert isinstance(error, cas.CasError)
    assert isinstance(error, BUILTINS[kind])
    assert [other for other in BUILTINS if isinstance(error, other)] == [kind]


def test_the_base_is_no_value_error():
    """Handlers of ValueError do not swallow every error of a store."""
    assert not issubclass(cas.CasError, (ValueError, OSError, KeyError))


@pytest.mark.parametrize("kind", BUILTINS, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("hint", ["what to do", ""])
@pytest.mark.parametrize("clone", [copy.copy, lambda error: pickle.loads(pickle.dumps(error))], ids=["copy", "pickle"])
def test_errors_survive_pickling(kind, hint, clone):
    """An error that crossed a process or was copied says the same, once."""
    error = clone(kind("what 'happened'", hint))
    assert type(error) is kind
    assert (error.message, error.hint, str(error)) == ("what 'happened'", hint, "what 'happened'")
    assert getattr(error, "__notes__", []) == ([f"hint: {hint}"] if hint else [])


def test_storage_error_keeps_errno_and_filename():
    """An error of the disk says where and with which number, after pickling too."""
    error = cas.StorageError("cannot write", "free space", errno.ENOSPC, "/a/b")
    for each in (error, pickle.loads(pickle.dumps(error))):
        assert (each.errno, each.filename, each.hint, str(each)) == (errno.ENOSPC, "/a/b", "free space", "cannot write")


def test_the_hint_stands_below_a_traceback():
    """A traceback ends in the message and the hint."""
    lines = traceback.format_exception_only(cas.NotFoundError("nothing here", "look there"))
    assert lines == ["cas.errors.NotFoundError: nothing here\n", "hint: look there\n"]
