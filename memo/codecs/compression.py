"""Codecs with `+zstd` behind their name: the bytes of another codec, each blob as one Zstandard frame (RFC 8878).

Owns the wrapping, and the decision whether it is worth it. A compressed array cannot be mapped: each hit unpacks it,
at some GB/s, into memory of its own. Needs the package zstandard.
"""

from __future__ import annotations

from memo.codecs.body import bytes_of
from memo.errors import CodecError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cas.blob import BlobFile
    from cas.entry import Parts
    from memo.codecs import Codec, OpenBlob, Write

_SUFFIX = "+zstd"
# Fast enough for a disk (0.5 GB/s and more), and what higher levels win on numbers is little.
_LEVEL = 3
# Below this a page of the disk is the unit anyway.
_WORTH_FROM = 4096
_PIECE = 64 << 10
_PIECES = 8
_SHRINKS_TO = 0.8


def compressed(codec: Codec, value: object, asked: str) -> Codec:
    """Return a codec that compresses; for "auto" only if a sample of the value's bytes shrinks by a fifth or more.

    Raises:
        CodecError: Another way to compress is asked for, or zstandard is missing.
    """
    if asked not in ("zstd", "auto"):
        raise CodecError(f"compress={asked!r}: expected None, 'zstd' or 'auto'", "mend the option")
    _zstandard()
    if asked == "auto" and not _is_worth_it(codec, value):
        return codec
    from memo.codecs import by_name  # noqa: PLC0415 - it holds the codecs that are loaded

    return by_name(codec.name + _SUFFIX)


class Compressed:
    """A codec whose blobs are compressed.

    Args:
        inner: What makes and reads the bytes.
    """

    def __init__(self, inner: Codec) -> None:
        self.inner = inner
        self.name = inner.name + _SUFFIX

    def takes(self, value: object) -> bool:
        """Return whether the codec inside keeps a value exactly."""
        return self.inner.takes(value)

    def encode(self, value: object, write: Write) -> tuple[Parts, str]:
        """Return one frame; each child blob is a frame as well.

        Raises:
            CodecError: The codec inside refuses the value, or zstandard is missing.
        """
        pack = _Packer()
        parts, summary = self.inner.encode(value, lambda parts: write((pack(parts),)))
        return (pack(parts),), summary

    def decode(self, body: bytes | BlobFile, open_blob: OpenBlob) -> object:
        """Return a fresh value, unpacked into memory.

        Raises:
            CodecError: The bytes are no frame, or zstandard is missing, or the codec inside refuses them.
            IntegrityError: As the codec inside.
        """
        return self.inner.decode(_unpacked(bytes_of(body)), lambda digest: _unpacked(bytes_of(open_blob(digest))))


class _Packer:
    """Compresses the parts of a blob, one blob after the other."""

    def __init__(self) -> None:
        self.compressor = _zstandard().ZstdCompressor(level=_LEVEL, write_checksum=False, write_content_size=True)

    def __call__(self, parts: Parts) -> bytes:
        """Return the frame of the joined parts."""
        pieces = [memoryview(part).cast("B") for part in parts if memoryview(part).nbytes]
        stream = self.compressor.compressobj(size=sum(piece.nbytes for piece in pieces))
        return b"".join([*(stream.compress(piece) for piece in pieces), stream.flush()])


def _unpacked(frame: bytes) -> bytes:
    zstandard = _zstandard()
    try:
        if zstandard.frame_content_size(frame) < 0:
            raise CodecError("zstd: expected a frame that says how long its content is", "run `cas fsck`")
        content: bytes = zstandard.ZstdDecompressor().decompress(frame, allow_extra_data=False)
    except (zstandard.ZstdError, MemoryError, ValueError) as error:
        if isinstance(error, CodecError):
            raise
        raise CodecError(f"zstd: expected a Zstandard frame, got {error}", "run `cas fsck`") from error
    return content


def _is_worth_it(codec: Codec, value: object) -> bool:
    """Return whether a sample of what would be written shrinks enough."""
    pieces: list[memoryview] = []

    def collect(parts: Parts) -> bytes:
        pieces.extend(memoryview(part).cast("B") for part in parts if memoryview(part).nbytes)
        return bytes(32)

    collect(codec.encode(value, collect)[0])
    size = sum(piece.nbytes for piece in pieces)
    if size < _WORTH_FROM:
        return False
    sample = _sample(pieces, size)
    return len(_Packer()((sample,))) <= _SHRINKS_TO * len(sample)


def _sample(pieces: list[memoryview], size: int) -> bytes:
    """Return some stretches of all the bytes, evenly spread over them."""
    if size <= _PIECES * _PIECE:
        return b"".join(pieces)
    wanted = [number * (size - _PIECE) // (_PIECES - 1) for number in range(_PIECES)]
    taken, begin = [], 0
    for piece in pieces:
        end = begin + piece.nbytes
        for start in wanted:
            low, high = max(start, begin) - begin, min(start + _PIECE, end) - begin
            if low < high:
                taken.append(bytes(piece[low:high]))
        begin = end
    return b"".join(taken)


def _zstandard() -> Any:
    try:
        import zstandard  # noqa: PLC0415 - only for whoever compresses
    except ImportError as error:
        raise CodecError(
            "zstd: expected the package zstandard, which is not installed", "pip install 'cas-memo[zstd]'"
        ) from error
    return zstandard
