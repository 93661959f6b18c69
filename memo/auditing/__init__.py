"""`memo.audit`: trace one real call, and report what it did that its fingerprint and its arguments do not tell.

The fingerprint is found by reading code; here the code runs, and the two are compared. Not seen are: what compiled code
does by itself, such as the files that HDF5 and NetCDF libraries open (h5py and the parquet files of pyarrow excepted);
what only asks whether a file is there, or how old; what other processes do. What Python's library and installed
packages read for themselves is theirs. While it is traced, each call of a Python function or of a builtin takes 1 to
3 µs longer: code that mostly calls small functions takes 10 to 30 times as long, numpy at work as long as before.
Nothing is slower afterwards.
"""

from __future__ import annotations

import sys
from types import MethodType
from typing import TYPE_CHECKING
from weakref import WeakSet

from memo.auditing.report import Audit, Finding
from memo.auditing.trace import Trace, foreign_profiler
from memo.auditing.undeclared import Subject, stands_below, undeclared
from memo.errors import MemoError, UnstableArgument, hint_of, warn
from memo.fingerprint import fingerprint
from memo.keys import Keys
from memo.signature import compile_forward, compile_wrapper

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from memo.caller import Caller
    from memo.version import Version

__all__ = ["Audit", "Finding", "audit", "run_audited"]

_audited: WeakSet[Caller] = WeakSet()
_STOP = "stop the profiler for the audit, or audit in another process"


def audit(function: Any, /, **code: Any) -> Callable[..., Audit]:
    """Return a function that calls `function` once, traced, and returns what was found.

    The call computes, whatever is stored, and nothing is stored. An exception of the function passes through, with
    what was found so far as a note.

    Args:
        function: A function, plain or cached; of a cached one the options count, `depends` and `version` too.
        **code: Options of `memo.cached` to try, such as `depends=`.

    Returns:
        A function with the same parameters that returns an `Audit`.

    Raises:
        UnstableFunction: The function could not be cached; the message names the variable.
    """
    if isinstance(function, MethodType) and hasattr(function, "cache"):
        return MethodType(audit(function.__func__, **code), function.__self__)
    handle = getattr(function, "cache", None)
    caller = getattr(handle, "_caller", None)
    keys = Keys(function) if caller is None else caller.keys
    if caller is not None:
        function, code = caller.function, {**caller.code, **code}
    forward = compile_forward(keys.parameters)

    def serve(values: list[Any]) -> Audit:
        found, notes = fingerprint(function, **code), []
        try:
            found = found.with_roots(keys.encode(values)[1])
        except UnstableArgument as error:
            notes.append(f"this call could not be cached: {error}")
        subject = Subject(function, found, tuple(code.get("depends", ())), tuple(keys.marked(values)))
        return _run(lambda: forward(function, values), subject, notes)

    return compile_wrapper(function, keys.parameters, serve, serve)


def _run(call: Callable[[], Any], subject: Subject, notes: list[str]) -> Audit:
    profiler = foreign_profiler()
    if profiler is not None:
        raise MemoError(f"expected no other profiler in this thread, found {profiler!r}", _STOP)
    trace = Trace()
    try:
        value = trace.call(call)
    except BaseException as error:
        found = _report(trace, None, subject, notes)
        if not found.clean:
            error.add_note(str(found))
        raise
    return _report(trace, value, subject, notes)


def _report(trace: Trace, value: Any, subject: Subject, notes: Sequence[str] = ()) -> Audit:
    findings = undeclared(trace, subject)
    told = [*notes, *trace.notes]
    if any(hasattr(value, frame) for frame in ("gi_frame", "cr_frame", "ag_frame")):
        told.append("the call returned a generator or coroutine: what that does later was not traced")
    if trace.imported:
        told.append(f"imported during the call, and run by that: {', '.join(trace.imported)}")
    below = [finding.paste for finding in findings if stands_below(finding, subject)]
    if below:
        told.append(f"depends= can name only what stands above the function: move {', '.join(below)} up")
    name = f"{subject.fingerprint.module}.{subject.fingerprint.qualname}"
    # Comprehensions and the like are parts of functions; a lambda is one.
    ran = sum(ran.code.co_name == "<lambda>" or ran.code.co_name[:1] != "<" for ran in trace.ran.values())
    return Audit(name, value, findings, told, ran, subject.depends)


def run_audited(caller: Caller, version: Version, values: list[Any]) -> Any:
    """Return what a cached function computes; its first computed call in a process is traced and told on stderr.

    For `MEMO_AUDIT=1`. The value is that of the function, whatever becomes of the report.
    """
    if caller in _audited:
        return caller.forward(caller.function, values)
    _audited.add(caller)
    profiler = foreign_profiler()
    if profiler is not None:
        warn(f"{caller.name} was not audited: {profiler!r} is at work in this thread", _STOP)
        return caller.forward(caller.function, values)
    trace = Trace()
    try:
        value = trace.call(caller.forward, caller.function, values)
    except BaseException:
        _audited.discard(caller)
        raise
    try:
        declared = tuple(caller.code.get("depends", ()))
        subject = Subject(caller.function, version.fingerprint, declared, tuple(caller.keys.marked(values)))
        sys.stderr.write(f"{_report(trace, value, subject)}\n")
    except Exception as error:  # noqa: BLE001 - the value is there, and the caller gets it
        warn(f"{caller.name} was audited without a report: {type(error).__name__}: {error}", hint_of(error))
    return value
