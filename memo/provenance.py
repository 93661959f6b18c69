"""What is noted beside a result about where it was computed. Never part of a key."""

from __future__ import annotations

import os
import platform
import sys

_LIBRARIES = ("numpy", "scipy", "pandas")
_noted: dict[tuple[object, ...], dict[str, str]] = {}


def provenance() -> dict[str, str]:
    """Return versions of Python and of the array libraries in use, the host, its platform and the user."""
    loaded = tuple(map(sys.modules.get, _LIBRARIES))
    noted = _noted.get(loaded)
    if noted is None:
        noted = _noted[loaded] = {
            "python": platform.python_version(),
            "platform": f"{sys.platform}-{platform.machine()}",
            "host": platform.node(),
            "user": str(os.getuid()) if hasattr(os, "getuid") else "",
        }
        for name, module in zip(_LIBRARIES, loaded, strict=True):
            version = getattr(module, "__version__", None)
            if isinstance(version, str):
                noted[name] = version
    return noted
