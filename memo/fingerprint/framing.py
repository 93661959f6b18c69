"""Parts → one digest, each part with its length, so that no two lists of parts share bytes."""

from __future__ import annotations

from cas.digest import digest


def fold(tag: str, *parts: bytes) -> bytes:
    """Return the digest of a tag and parts."""
    out = [b"%d:" % len(tag), tag.encode()]
    for part in parts:
        out.append(b"%d:" % len(part))
        out.append(part)
    return digest(b"".join(out))
