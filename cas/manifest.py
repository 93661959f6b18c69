"""The manifest of a fingerprint: every ingredient with its name, its lines, and what it refers to.

Kept in a function record by whoever made the fingerprint, and read here for people: what changed between two versions
is told from it alone, without the code of either. Executes nothing that it holds (I7), and knows nothing of Python's
functions. The packed form is specified in docs/format.md.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, NamedTuple

from msgpack import packb, unpackb
from msgpack.exceptions import UnpackException

from cas.errors import IntegrityError

if TYPE_CHECKING:
    from typing import Self

VERSION = 2
# Far more than any code has; a foreign store must not fill the memory.
_LARGEST = 64 << 20


class Ingredient(NamedTuple):
    """One thing that a fingerprint was folded from.

    Attributes:
        kind: `function`, `class`, `value`, `package`, `state`, `note` and so on.
        name: What a person calls it.
        origin: `project`, `python`, or a distribution with its full version.
        digest: Of it alone, 32 bytes; empty for a note, which does not count.
        source: Its lines, or what the value looks like; None if there is nothing to show.
        links: What it refers to: how (`g:` a global, `c:` a closure's variable, `d:` a default, ...), and the place in
            the manifest.
    """

    kind: str
    name: str
    origin: str
    digest: bytes
    source: str | None = None
    links: tuple[tuple[str, int], ...] = ()


class Manifest(tuple[Ingredient, ...]):
    """Every ingredient of one fingerprint: the root first, each before what only it refers to, notes last."""

    __slots__ = ()

    def pack(self) -> bytes:
        """Return the manifest as compressed msgpack, for a function record."""
        rows = [[*ingredient[:5], [part for link in ingredient.links for part in link]] for ingredient in self]
        return zlib.compress(packb([VERSION, rows], unicode_errors="surrogatepass"), 6)

    @classmethod
    def unpack(cls, data: bytes) -> Self:
        """Return the manifest that `pack` wrote.

        Raises:
            IntegrityError: The bytes are not a manifest that this version reads.
        """
        try:
            reader = zlib.decompressobj()
            body = reader.decompress(data, _LARGEST)
            if not reader.eof:
                raise ValueError("cut off, or far too long")
            version, rows = unpackb(body, unicode_errors="surrogatepass", strict_map_key=False)
            if version != VERSION:
                raise ValueError(f"version {version}")
            return cls(_ingredient(row, len(rows)) for row in rows)
        except (zlib.error, UnpackException, ValueError, TypeError) as damage:
            raise IntegrityError(
                f"expected a packed manifest of version {VERSION}, found {len(data):,} other bytes ({damage})",
                "it is damaged, or another version of this package wrote it; results are not affected",
            ) from damage

    def __str__(self) -> str:
        """Return a line for each ingredient: kind, name, origin, and the start of its digest."""
        cells = [(found.kind, found.name, found.origin, found.digest.hex()[:8]) for found in self]
        widths = [max((len(row[place]) for row in cells), default=0) for place in range(3)]
        return "\n".join("  ".join([*map(str.ljust, row, widths), row[3]]).rstrip() for row in cells)


def agree(one: Manifest, other: Manifest) -> bool:
    """Return whether two manifests are of the same code: no ingredient that both name differs.

    So do versions of a function that differ only by the classes of the arguments they were called with: each has
    ingredients that the other lacks.
    """
    mine, theirs = _digests(one), _digests(other)
    return all(mine[name] <= theirs[name] or mine[name] >= theirs[name] for name in mine.keys() & theirs.keys())


def _digests(manifest: Manifest) -> dict[tuple[str, str], set[bytes]]:
    found: dict[tuple[str, str], set[bytes]] = {}
    for ingredient in manifest:
        found.setdefault((ingredient.kind, ingredient.name), set()).add(ingredient.digest)
    return found


def _ingredient(row: list[object], count: int) -> Ingredient:
    kind, name, origin, digest, source, flat = row
    texts = isinstance(kind, str) and isinstance(name, str) and isinstance(origin, str)
    if not (texts and isinstance(digest, bytes) and isinstance(source, str | None) and isinstance(flat, list)):
        raise TypeError("an ingredient of other types")
    links = tuple(zip(flat[::2], flat[1::2], strict=True))
    if not all(isinstance(label, str) and type(at) is int and 0 <= at < count for label, at in links):
        raise ValueError("a link that leads nowhere")
    return Ingredient(kind, name, origin, digest, source, links)  # type: ignore[arg-type]
