"""The named ingredients of a fingerprint, and their packed form in a function record."""

from __future__ import annotations

from operator import itemgetter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Self

VERSION = 1


class Ingredient(tuple[str, str, str, bytes, "str | None"]):
    """One thing that a fingerprint was folded from.

    Attributes:
        kind: `function`, `class`, `value`, `package`, `state`, `note` and so on.
        name: What a person calls it.
        origin: `project`, `python`, or a distribution with its full version.
        digest: Of it alone.
        source: Its lines, or what the value looks like; None if there is nothing to show.
    """

    __slots__ = ()
    kind = property(itemgetter(0))
    name = property(itemgetter(1))
    origin = property(itemgetter(2))
    digest = property(itemgetter(3))
    source = property(itemgetter(4))

    def __new__(cls, kind: str, name: str, origin: str, digest: bytes, source: str | None = None) -> Self:
        """Return an ingredient."""
        return tuple.__new__(cls, (kind, name, origin, digest, source))

    def __repr__(self) -> str:
        return f"Ingredient({self.kind} {self.name}, {self.origin}, {self.digest.hex()[:12]})"


class Manifest(tuple[Ingredient, ...]):
    """Every ingredient of one fingerprint: the function itself first, notes last."""

    __slots__ = ()

    def pack(self) -> bytes:
        """Return the manifest as compressed msgpack, for a function record."""
        from zlib import compress  # noqa: PLC0415 - only a miss packs

        from msgpack import packb  # noqa: PLC0415

        rows = [list(ingredient) for ingredient in self]
        return compress(packb([VERSION, rows], unicode_errors="surrogatepass"), 6)

    @classmethod
    def unpack(cls, data: bytes) -> Manifest:
        """Return the manifest that `pack` wrote.

        Raises:
            ValueError: The bytes are not a manifest that this version reads.
        """
        from zlib import decompress, error  # noqa: PLC0415 - only explaining unpacks

        from msgpack import unpackb  # noqa: PLC0415

        try:
            version, rows = unpackb(decompress(data), unicode_errors="surrogatepass")
        except error as damage:
            raise ValueError(f"expected a packed manifest, found {len(data)} other bytes") from damage
        if version != VERSION:
            raise ValueError(f"expected a manifest of version {VERSION}, found version {version}")
        return cls(Ingredient(*row) for row in rows)


def sort(ingredients: Iterable[Ingredient]) -> Manifest:
    """Return ingredients as a manifest, the root first and then by kind and name, each once."""
    listed = list(dict.fromkeys(ingredients))
    return Manifest([*listed[:1], *sorted(listed[1:], key=lambda found: (found.kind == "note", *found[:4]))])
