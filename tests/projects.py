"""The code of a user's project, as tests write and ask it."""

from __future__ import annotations

from memo.fingerprint import fingerprint


def digest_of(module, name: str = "root", **options) -> bytes:
    """Return the digest of a module's function."""
    return fingerprint(getattr(module, name), **options).digest
