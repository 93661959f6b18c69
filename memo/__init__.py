"""Memoization for scientists: `@memo.cached` on a function, and its results are there the next time.

A result comes back only for the same code, down to every subroutine, and equal arguments. See `memo.cached`.
Names are loaded when first used, so that `import memo` costs next to nothing.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from memo.auditing import Audit, audit
    from memo.canonical.registration import register_canonical, unregister_canonical
    from memo.codecs import register_codec, unregister_codec
    from memo.errors import (
        AdoptionRefused,
        CacheWarning,
        CodecError,
        MemoError,
        UnstableArgument,
        UnstableFunction,
    )
    from memo.explain import last_misses
    from memo.files import Content, File
    from memo.handle import Cache, Stats
    from memo.protocols import Decorate

    cached: Decorate

__all__ = [
    "AdoptionRefused",
    "Audit",
    "Cache",
    "CacheWarning",
    "CodecError",
    "Content",
    "File",
    "MemoError",
    "Stats",
    "UnstableArgument",
    "UnstableFunction",
    "audit",
    "cached",
    "last_misses",
    "register_canonical",
    "register_codec",
    "unregister_canonical",
    "unregister_codec",
]


_HOMES = {
    "Audit": "memo.auditing",
    "Cache": "memo.handle",
    "Content": "memo.files",
    "File": "memo.files",
    "Stats": "memo.handle",
    "audit": "memo.auditing",
    "cached": "memo.decorator",
    "last_misses": "memo.explain",
    "register_canonical": "memo.canonical.registration",
    "register_codec": "memo.codecs",
    "unregister_canonical": "memo.canonical.registration",
    "unregister_codec": "memo.codecs",
}


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module 'memo' has no attribute {name!r}")
    home = _HOMES.get(name, "memo.errors")
    value = globals()[name] = getattr(__import__(home, fromlist=[name]), name)
    return value


def __dir__() -> list[str]:
    return __all__
