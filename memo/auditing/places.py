"""A frame → whose code it is, and the place in the user's own code that is answerable for what happens in it.

Python's library and installed packages act for whoever called them, unless a policy says that they act for
themselves; the import system and this project's own code always do.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, NamedTuple

from memo.fingerprint import boundary

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import CodeType, FrameType
    from typing import Any

GENERATED = "generated"
# Code that the import system runs, and that makes modules out of files.
_IMPORTING = ("<frozen importlib", "<frozen zipimport")


class Place(NamedTuple):
    """Where in the user's code something happened.

    Attributes:
        file: The file of the code; empty if it was in the audited call itself, or in a thread of its own.
        line: The line; 0 if only the function is known.
        by: The function.
    """

    file: str
    line: int
    by: str

    def __str__(self) -> str:
        if not self.file:
            return self.by
        line = f":{self.line}" if self.line else ""
        return f"{os.path.basename(self.file)}{line} in {self.by.rpartition('.')[2] or self.by}"


CALL = Place("", 0, "the call itself")


class Policy(NamedTuple):
    """For whom other people's code acts.

    Attributes:
        never: Modules of Python's library that act for themselves.
        only: The only ones that act for their caller; None stands for all.
        packages: Whether installed packages act for their caller.
    """

    never: frozenset[str] = frozenset()
    only: frozenset[str] | None = None
    packages: bool = True


def whose(code: CodeType, namespace: Mapping[str, Any]) -> str:
    """Return whose code it is, as `boundary.origin_of_code`, or `generated` for code written at run time by a tool."""
    filename = code.co_filename
    if filename.startswith("<memo."):
        return boundary.OWN
    if not os.path.isabs(filename) and not filename.startswith("<frozen"):
        name = namespace.get("__name__")
        if not isinstance(name, str) or name not in sys.modules:
            return GENERATED
    return boundary.origin_of_code(filename, namespace)


def blame(frame: FrameType | None, policy: Policy, bottom: Place | None) -> Place | None:
    """Return the nearest place in the user's own code; None if nobody of theirs is answerable.

    Args:
        frame: Where something happens.
        policy: For whom other people's code acts.
        bottom: What answers for a thread that runs none of the user's code.
    """
    while frame is not None:
        code, space = frame.f_code, frame.f_globals
        if code.co_filename.startswith(_IMPORTING):
            return None
        origin = whose(code, space)
        if origin == boundary.PROJECT:
            return place_of(frame)
        if origin == boundary.OWN:
            return CALL if is_start(frame) else None
        if origin == boundary.PYTHON:
            top = str(space.get("__name__")).partition(".")[0]
            if top in policy.never or (policy.only is not None and top not in policy.only):
                return None
        elif origin != GENERATED and not policy.packages:
            return None
        frame = frame.f_back
    return bottom


def is_of_the_call(frame: FrameType | None) -> bool:
    """Tell whether code runs for the audited call, and neither for an import nor for this project's own work."""
    while frame is not None:
        if frame.f_code.co_filename.startswith(_IMPORTING):
            return False
        if is_start(frame):
            return True
        if whose(frame.f_code, frame.f_globals) == boundary.OWN:
            return False
        frame = frame.f_back
    return True


def is_start(frame: FrameType) -> bool:
    """Tell the frames in which this project calls the user's function: what is above them is its own doing."""
    name, code = frame.f_globals.get("__name__"), frame.f_code
    return (name, code.co_name) in _STARTS


# The compiled `forward` of a caller is a lambda.
_STARTS = frozenset(
    {("memo.signature", "<lambda>"), *(("memo.auditing.trace", name) for name in ("call", "consume", "wait"))}
)


def place_of(frame: FrameType, exact: bool = True) -> Place:
    """Return the place where a frame stands; `exact` says that it is at the line in question."""
    name = f"{boundary.module_name(frame.f_globals)}.{frame.f_code.co_qualname}"
    return Place(frame.f_code.co_filename, (frame.f_lineno or 0) if exact else 0, name)


def users_frame(frame: FrameType | None) -> FrameType | None:
    """Return the nearest frame of the user's own code, at or above one."""
    while frame is not None and whose(frame.f_code, frame.f_globals) != boundary.PROJECT:
        frame = frame.f_back
    return frame
