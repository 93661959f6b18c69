"""The body of an entry: what a hit needs, in one sealed byte string.

One column is read in two thirds of the time of five, and one check covers all of it: codec, cost, digest, bytes, and
that it belongs to the key under which it was found. Layout, the same for ever in format 1:

    seal (16) ‖ inline (1) ‖ digest (32) ‖ cost (8, big-endian binary64) ‖ length of codec (1) ‖ codec ‖ bytes if inline

The seal is the first 16 bytes of BLAKE3(key ‖ what follows the seal). It guards against damage, not against a forger.
"""

from __future__ import annotations

from struct import Struct

from blake3 import blake3

SEAL = 16
# Where the columns that listings show stand in a body, for SQL's substr(), which counts from one.
INLINE_AT, DIGEST_AT = SEAL + 1, SEAL + 2
_FIXED = Struct(">?32sdB")
_CODEC_AT = _FIXED.size


def seal(key: bytes, codec: str, digest: bytes, cost: float, data: bytes | None) -> bytes:
    """Return the body of an entry; `data` is None if the root blob is a file."""
    name = codec.encode("ascii")
    rest = _FIXED.pack(data is not None, digest, cost, len(name)) + name + (data or b"")
    return blake3(key + rest).digest(SEAL) + rest


def unseal(key: bytes, body: bytes) -> tuple[str, bytes, bytes | None, float] | None:
    """Return codec, root digest, inline bytes and cost; None if the body is damaged, or another key's."""
    rest = body[SEAL:]
    if blake3(key + rest).digest(SEAL) != body[:SEAL]:
        return None
    inline, digest, cost, length = _FIXED.unpack_from(rest)
    end = _CODEC_AT + length
    name = rest[_CODEC_AT:end]
    codec = _codecs.get(name)
    if codec is None:
        codec = _codecs[name] = name.decode("ascii")
    return codec, digest, rest[end:] if inline else None, cost


def reseal(old: bytes, new: bytes, body: object) -> bytes | None:
    """Return the body of the entry `old` as the entry `new` would have it; None if it is damaged."""
    if not isinstance(body, bytes) or len(body) < SEAL + _FIXED.size:
        return None
    rest = body[SEAL:]
    if blake3(old + rest).digest(SEAL) != body[:SEAL]:
        return None
    return blake3(new + rest).digest(SEAL) + rest


# The few names there are, so that a hit decodes none.
_codecs: dict[bytes, str] = {}
