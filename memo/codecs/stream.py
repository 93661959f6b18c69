"""Codec `stream/1`: the items of a generator, each by the codec that fits it, in chunks that are read one at a time.

Owns the chunks. A small item stands in its chunk, a large one is a blob of its own; what the generator returns stands
in the root, and so does the last chunk. While items come they are spooled to a file of the system's temporary folder:
the store sees nothing of a stream that does not end.
"""

from __future__ import annotations

from tempfile import SpooledTemporaryFile

from cas.digest import digest_parts
from memo.codecs import by_name, choose, codec_for, tree
from memo.codecs.body import bytes_of
from memo.codecs.summary import summarize
from memo.errors import CodecError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from cas.blob import BlobFile
    from cas.entry import Parts
    from memo.codecs import OpenBlob, Write

    Piece = tuple[str, bytes, bytes]
    """One item: its codec, its bytes, or the digest of the blob that has them."""

name = "stream/1"

# An item of so many bytes is a blob of its own.
_APART_FROM = 8 << 10
# A chunk is full with so many bytes or items: one file and one read each.
_CHUNK = 256 << 10
_ITEMS = 4096
_IN_MEMORY = 1 << 20


class Recording:
    """The items of a stream as they come, on their way into a store.

    Args:
        compress: As `memo.codecs.codec_for` has it.
    """

    def __init__(self, compress: str | None) -> None:
        self._compress = compress
        self._spool = SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 - `close` ends it
        self._sizes: dict[bytes, tuple[int, int]] = {}
        self._end = 0
        self._pending: list[Piece] = []
        self._size = 0
        self._chunks: list[tuple[str, bytes]] = []
        self.count = 0
        self.last: Piece | None = None

    def add(self, item: object) -> None:
        """Take one item, as it is at this moment.

        Raises:
            CodecError: It cannot be stored exactly.
            OSError: The temporary folder takes no more.
        """
        self._pending.append(self._piece(item))
        self.count += 1
        self._size += len(self._pending[-1][1])
        if self._size >= _CHUNK or len(self._pending) >= _ITEMS:
            content = tuple(self._pending)
            codec = codec_for(content, "tree", self._compress)
            parts, _ = codec.encode(content, self._write)
            self._chunks.append((codec.name, self._write(parts)))
            self._pending, self._size = [], 0

    def finish(self, returned: object) -> None:
        """Take what the generator returned at its end."""
        self.last = self._piece(returned)

    def _piece(self, item: object) -> Piece:
        codec = choose(item)
        if codec.name == tree.name:  # without the summary, which takes longer than the form
            parts = tree.form_of(item, tree.TreeWriter(self._write))
        else:
            parts, _ = codec.encode(item, self._write)
        if sum(memoryview(part).nbytes for part in parts) < _APART_FROM:
            return codec.name, b"".join(parts), b""
        if self._compress:  # small items are compressed with their chunk
            codec = codec_for(item, "auto", self._compress)
            parts, _ = codec.encode(item, self._write)
        return codec.name, b"", self._write(parts)

    def _write(self, parts: Parts) -> bytes:
        digest = digest_parts(parts)
        if digest not in self._sizes:
            start = self._end
            for part in parts:
                self._spool.write(memoryview(part).cast("B"))
                self._end += memoryview(part).nbytes
            self._sizes[digest] = start, self._end - start
        return digest

    def blobs(self) -> Iterator[tuple[bytes, bytes]]:
        """Yield the digest that each blob had when it was taken, and its bytes as they are in the spool."""
        for digest, (start, size) in self._sizes.items():
            self._spool.seek(start)
            yield digest, self._spool.read(size)
        self._spool.seek(self._end)

    def root(self) -> Parts:
        """Return the form that names the chunks and holds what is left."""
        return tree.form_of((tuple(self._chunks), tuple(self._pending), self.count, self.last), _refuse)

    def close(self) -> None:
        """Let go of the spool."""
        self._spool.close()


class Stored:
    """A stored stream, whose items are read as they are asked for.

    Attributes:
        count: How many items there are.
    """

    def __init__(self, body: bytes, open_blob: OpenBlob) -> None:
        content: Any = tree.decode(body, open_blob)
        shape = (tuple, tuple, int, tuple)
        if type(content) is not tuple or tuple(map(type, content)) != shape:
            raise CodecError("stream: expected the root of a stream, got other bytes", "run `cas fsck`")
        self._chunks, self._tail, self.count, self._last = content
        self._open_blob = open_blob

    def items(self) -> Iterator[object]:
        """Yield the items, each fresh; one chunk is in memory at a time."""
        for codec, digest in self._chunks:
            pieces: Any = by_name(codec).decode(self._open_blob(digest), self._open_blob)
            yield from map(self._item, pieces)
        yield from map(self._item, self._tail)

    def returned(self) -> object:
        """Return what the generator returned at its end."""
        return self._item(self._last)

    def _item(self, piece: Any) -> object:
        codec, data, digest = piece
        return by_name(codec).decode(self._open_blob(digest) if digest else data, self._open_blob)


def _refuse(walk: object, value: object) -> None:
    raise AssertionError("a root is of names, numbers and bytes")


def takes(value: object) -> bool:
    """Return whether a value is a stream that has ended."""
    return type(value) is Recording


def encode(value: object, write: Write) -> tuple[Parts, str]:
    """Return the root, after every blob has gone through `write`.

    Raises:
        CodecError: It is no stream; or its spool holds other bytes than were put there, as after a fork in between.
    """
    if type(value) is not Recording:
        raise CodecError(f"stream: expected a stream, got {summarize(value)}", "leave the codec to memo")
    for digest, blob in value.blobs():
        if write((blob,)) != digest:  # a forked child has the same open file, and writes at its place in it
            raise CodecError(
                "stream: expected the items as they were taken, got other bytes from the temporary file",
                "consume a stream in one process: make another generator in the child",
            )
    return value.root(), f"stream of {value.count:,} items"


def decode(body: bytes | BlobFile, open_blob: OpenBlob) -> object:
    """Return the stored stream; nothing but its root is read.

    Raises:
        CodecError: The bytes are no root of a stream.
        IntegrityError: They are no form.
    """
    return Stored(bytes_of(body), open_blob)
