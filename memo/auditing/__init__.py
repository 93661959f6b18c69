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
from functools import partial
from types import MethodType
from typing import TYPE_CHECKING, ParamSpec, Self, overload
from weakref import WeakSet

import cas
from memo.auditing.report import Audit, Finding
from memo.auditing.trace import Trace, foreign_profiler
from memo.auditing.undeclared import Subject, stands_below, undeclared
from memo.declarations import checked_code
from memo.errors import MemoError, UnstableArgument, UnstableFunction, hint_of, warn
from memo.fingerprint import fingerprint
from memo.keys import Keys
from memo.signature import compile_forward, compile_wrapper

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence
    from typing import Any

    from memo.caller import Caller
    from memo.version import Version

__all__ = ["Audit", "Finding", "audit", "await_audited", "run_audited", "stream_audited"]

P = ParamSpec("P")

_audited: WeakSet[Caller] = WeakSet()
_STOP = "stop the profiler for the audit, or audit in another process"


@overload
def audit(
    function: Callable[P, Coroutine[Any, Any, Any]], /, **code: Any
) -> Callable[P, Coroutine[Any, Any, Audit]]: ...
@overload
def audit(function: Callable[P, Any], /, **code: Any) -> Callable[P, Audit]: ...
def audit(function: Any, /, **code: Any) -> Any:
    """Return a function that calls `function` once, traced, and returns what was found.

    The call computes, whatever is stored, and nothing is stored. A coroutine is to be awaited: `await
    memo.audit(f)(x)`; the tasks that it starts are traced with it, and others of the loop are not. Of a generator all
    items are made, and dropped. An exception of the function passes through, with what was found so far as a note.

    Args:
        function: A function, plain or cached; of a cached one the options count, `depends` and `version` too.
        **code: Options of `memo.cached` about the code to try: `depends=`, `version=`, `pin=`,
            `allow_mutable_bindings=`.

    Returns:
        A function with the same parameters that returns an `Audit`.

    Raises:
        UnstableFunction: The function could not be cached; the message names the variable.
        cas.errors.InvalidInputError: An option is not one of these, or has none of its values.
    """
    if isinstance(function, MethodType) and hasattr(function, "cache"):
        return MethodType(audit(function.__func__, **code), function.__self__)
    if not callable(function):
        raise UnstableFunction(
            f"expected a function to audit, found {function!r}", "of a property, give its function: C.x.fget"
        )
    caller = getattr(getattr(function, "cache", None), "_caller", None)
    keys = Keys(function) if caller is None else caller.keys
    code = _checked(code)
    if caller is not None:
        function, code = caller.function, {**caller.code, **code}
    forward = compile_forward(keys.parameters)

    def prepare(values: list[Any]) -> Report:
        found, notes = fingerprint(function, **code), []
        try:
            found = found.with_roots(keys.encode(values)[1])
        except UnstableArgument as error:
            notes.append(f"this call could not be cached: {error}")
        return Report(Subject(function, found, tuple(code.get("depends", ())), tuple(keys.marked(values))), notes)

    kind: str = keys.parameters.kind
    run: Callable[..., Any] = {"coroutine": Report.wait, "stream": Report.consume}.get(kind, Report.run)

    def serve(values: list[Any]) -> Any:
        return run(prepare(values), forward, function, values)

    return compile_wrapper(function, keys.parameters, serve, serve, "coroutine" if kind == "coroutine" else "")


def _checked(code: dict[str, Any]) -> dict[str, Any]:
    """Return the options that were given, as `memo.cached` has them."""
    checked = checked_code()
    other = [name for name in code if name not in checked]
    if other:
        raise cas.InvalidInputError(
            f"memo.audit: expected options among {', '.join(checked)}, found {other[0]}=",
            "give the others to memo.cached, and audit what it returns",
        )
    checked = checked_code(**code)
    return {name: checked[name] for name in code}


class Report:
    """One traced call on its way to its report; as a context, it notes on an exception what was found so far."""

    def __init__(self, subject: Subject, notes: list[str]) -> None:
        profiler = foreign_profiler()
        if profiler is not None:
            raise MemoError(f"expected no other profiler in this thread, found {profiler!r}", _STOP)
        self.trace = Trace()
        self.value: Any = None
        self.notes = notes
        self._subject = subject

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if error is not None:
            found = self.audit()
            if not found.clean:
                error.add_note(str(found))

    def run(self, *call: Any) -> Audit:
        """Make a call, given as a function and its arguments, and return what was found."""
        with self:
            self.value = self.trace.call(*call)
        return self.audit()

    def consume(self, *call: Any) -> Audit:
        """Make a call that gives a generator, and all of its items."""
        with self:
            self.value, count = self.trace.consume(*call)
            self.notes.append(f"it yielded {count:,} item{'s'[: count != 1]}")
        return self.audit()

    async def wait(self, *call: Any) -> Audit:
        """Await a call of a coroutine."""
        with self:
            self.value = await self.trace.wait(*call)
        return self.audit()

    def audit(self) -> Audit:
        """Return what was found."""
        return _report(self.trace, self.value, self._subject, self.notes)


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
    trace = _first(caller)
    if trace is None:
        return caller.forward(caller.function, values)
    try:
        value = trace.call(caller.forward, caller.function, values)
    except BaseException:
        _audited.discard(caller)
        raise
    _tell(caller, version, values, trace, value)
    return value


async def await_audited(caller: Caller, version: Version, values: list[Any]) -> Any:
    """Return what a cached coroutine computes, as `run_audited` does."""
    trace = _first(caller)
    if trace is None:
        return await caller.forward(caller.function, values)
    try:
        value = await trace.wait(caller.forward, caller.function, values)
    except BaseException:
        _audited.discard(caller)
        raise
    _tell(caller, version, values, trace, value)
    return value


def stream_audited(caller: Caller, version: Version, values: list[Any]) -> Any:
    """Return the generator of a cached function, traced as by `run_audited`; what its consumer does is not."""
    live = caller.forward(caller.function, values)
    trace = _first(caller)
    return live if trace is None else Steps(live, trace, partial(_tell, caller, version, values, trace), caller)


class Steps:
    """A generator of which each step is traced, and told of at its end; one that is left early is not told of."""

    def __init__(self, live: Any, trace: Trace, tell: Callable[[Any], None], caller: Caller) -> None:
        self._live = live
        self._trace = trace
        self._tell = tell
        self._caller = caller

    def __next__(self) -> Any:
        return self._step(self._live.__next__)

    def send(self, given: Any) -> Any:
        """Give something to the generator, and return its next item."""
        return self._step(self._live.send, given)

    def throw(self, thrown: BaseException) -> Any:
        """Raise something in the generator, and return its next item."""
        return self._step(self._live.throw, thrown)

    def close(self) -> None:
        """Leave the generator."""
        _audited.discard(self._caller)
        self._live.close()

    def _step(self, step: Callable[..., Any], *given: Any) -> Any:
        if foreign_profiler() is not None:  # of the consumer, who began to profile meanwhile
            return step(*given)
        try:
            return self._trace.call(step, *given)
        except StopIteration as end:
            self._tell(end.value)
            raise
        except BaseException:
            _audited.discard(self._caller)
            raise


def _first(caller: Caller) -> Trace | None:
    """Return the trace of a function's first computed call; None for the others, and where there can be none."""
    if caller in _audited:
        return None
    _audited.add(caller)
    profiler = foreign_profiler()
    if profiler is None:
        return Trace()
    warn(f"{caller.name} was not audited: {profiler!r} is at work in this thread", _STOP)
    return None


def _tell(caller: Caller, version: Version, values: list[Any], trace: Trace, value: Any) -> None:
    """Tell on stderr what was found."""
    try:
        declared = tuple(caller.code.get("depends", ()))
        subject = Subject(caller.function, version.fingerprint, declared, tuple(caller.keys.marked(values)))
        sys.stderr.write(f"{_report(trace, value, subject)}\n")
    except Exception as error:  # noqa: BLE001 - the value is there, and the caller gets it
        warn(f"{caller.name} was audited without a report: {type(error).__name__}: {error}", hint_of(error))
