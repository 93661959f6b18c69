"""Where the original kept the result of a call: names as it made them, lossy as they were.

Another call may have the same name there, of arguments that the original did not tell apart.
"""

from __future__ import annotations

import base64
import zlib

from memo.neurotools.arguments import bind
from memo.neurotools.hashing import base64hash, base64hash10bytes
from memo.neurotools.names import get_cache_path
from memo.neurotools.originals.written import sanitize
from memo.neurotools.source import function_signature

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from collections.abc import Callable
    from typing import Any

ORIGINAL_LIMIT = 255
"""Characters from which on the original left the arguments out; it did not count the extension."""


def locate_original(
    cache_root: str | os.PathLike[str], f: Callable[..., Any], method: str, /, *args: Any, **kwargs: Any
) -> str:
    """Return the path at which the original kept the result of a call.

    Raises:
        ValueError: The original had no name for the call.
        TypeError: Likewise.
    """
    sig = original_signature(f, *args, **kwargs)
    text = repr(sig)
    key = base64.urlsafe_b64encode(zlib.compress(text.encode("utf-8"))).decode("ascii")
    short = base64hash10bytes(text)
    if len(".".join((function_signature(f), short, key))) > ORIGINAL_LIMIT:
        key = base64hash(key)
    return f"{get_cache_path(cache_root, f)}{short}.{key}.{method}"


def original_signature(f: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
    """Return the signature that the original gave the call.

    Raises:
        TypeError: The arguments do not fit the parameters, or the original could not sign them.
        ValueError: Likewise.
    """
    pairs, rest = bind(f, args, kwargs)
    return tuple((name, sanitize(value)) for name, value in pairs), sanitize(rest) or None
