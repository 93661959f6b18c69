"""The names of `neurotools.jobs.cache`, on top of cas and memo: a user of neurotools changes one import line.

A thin face, not a second engine: what is served and what is kept is decided by `memo.cached`. Names are loaded when
first used.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from memo.neurotools.arguments import argument_signature
    from memo.neurotools.cachers import disk_cacher, hierarchical_cacher
    from memo.neurotools.checks import validate_for_matfile, validate_for_numpy, verify_function_closure
    from memo.neurotools.encodings import human_decode, human_encode
    from memo.neurotools.hashing import base64hash, base64hash10bytes
    from memo.neurotools.names import (
        file_string_to_signature,
        get_cache_path,
        locate_cached,
        signature_to_file_string,
    )
    from memo.neurotools.roots import combine_caches, exists
    from memo.neurotools.scanning import scan_cachedir
    from memo.neurotools.source import (
        function_hash_no_subroutines,
        function_hash_with_subroutines,
        function_signature,
        get_source,
    )

__all__ = [
    "argument_signature",
    "base64hash",
    "base64hash10bytes",
    "combine_caches",
    "disk_cacher",
    "exists",
    "file_string_to_signature",
    "function_hash_no_subroutines",
    "function_hash_with_subroutines",
    "function_signature",
    "get_cache_path",
    "get_source",
    "hierarchical_cacher",
    "human_decode",
    "human_encode",
    "locate_cached",
    "scan_cachedir",
    "signature_to_file_string",
    "validate_for_matfile",
    "validate_for_numpy",
    "verify_function_closure",
]

_HOMES = {
    "arguments": ("argument_signature",),
    "cachers": ("disk_cacher", "hierarchical_cacher"),
    "checks": ("validate_for_matfile", "validate_for_numpy", "verify_function_closure"),
    "encodings": ("human_decode", "human_encode"),
    "hashing": ("base64hash", "base64hash10bytes"),
    "names": ("file_string_to_signature", "get_cache_path", "locate_cached", "signature_to_file_string"),
    "roots": ("combine_caches", "exists"),
    "scanning": ("scan_cachedir",),
    "source": (
        "function_hash_no_subroutines",
        "function_hash_with_subroutines",
        "function_signature",
        "get_source",
    ),
}


def __getattr__(name: str) -> object:
    home = next((module for module, names in _HOMES.items() if name in names), None)
    if home is None:
        raise AttributeError(f"module 'memo.neurotools' has no attribute {name!r}")
    value = globals()[name] = getattr(__import__(f"memo.neurotools.{home}", fromlist=[name]), name)
    return value


def __dir__() -> list[str]:
    return __all__
