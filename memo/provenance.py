"""What is noted beside a result about where it was computed. Never part of a key."""

from __future__ import annotations

import os
import platform
import sys


def provenance() -> dict[str, str]:
    """Return versions of Python and the array libraries in use, the host and its platform."""
    noted = {
        "python": platform.python_version(),
        "platform": f"{sys.platform}-{platform.machine()}",
        "host": platform.node(),
        "user": str(os.getuid()) if hasattr(os, "getuid") else "",
    }
    for name in ("numpy", "scipy", "pandas"):
        module = sys.modules.get(name)
        version = getattr(module, "__version__", None)
        if isinstance(version, str):
            noted[name] = version
    return noted
