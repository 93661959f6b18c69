"""The frozen values that cross the store's interface, and their meaning.

Knows nothing of disks, of Python functions, or of numpy.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from cas.blob import BlobFile as BlobFile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from typing_extensions import Buffer

    Parts = tuple[Buffer, ...]
    """Contiguous buffers that, joined, are the bytes of one blob."""


@dataclass(frozen=True, slots=True)
class FunctionRecord:
    """One version of one function, as the store remembers it.

    Attributes:
        fingerprint: Digest of the function's code and of everything it reaches.
        module: Dotted name of the module.
        qualname: Qualified name inside the module.
        parameters: Names in the order of the signature's values; `*rest` and `**options` keep their stars.
        manifest: The ingredients of the fingerprint as msgpack; opaque here.
        created: When this version first stored a result, seconds since the epoch.
    """

    fingerprint: bytes
    module: str
    qualname: str
    parameters: tuple[str, ...]
    manifest: bytes = b""
    created: float = 0.0

    @property
    def name(self) -> str:
        """`module.qualname`, as people say it."""
        return f"{self.module}.{self.qualname}"


@dataclass(frozen=True, slots=True)
class Call:
    """One call, ready to be stored: its key, its function, and its arguments in canonical form."""

    key: bytes
    function: FunctionRecord
    signature: bytes


@dataclass(frozen=True, slots=True)
class Result:
    """One result in stored form.

    Attributes:
        codec: Name and version of the codec that made `parts`, such as `npy/1`.
        parts: The bytes of the root blob.
        summary: What a person sees in a listing, such as `float64[129, 400]`.
        provenance: Versions and host, as text by name.
    """

    codec: str
    parts: Parts
    summary: str
    provenance: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Entry:
    """The row that ties a call key to its result.

    Attributes:
        key: The call key, 32 bytes.
        function: The version of the function that computed it.
        signature: The arguments in canonical form, in the order of `function.parameters`.
        codec: Name and version of the codec.
        digest: Digest of the root blob.
        inline: True if the root blob's bytes stand in the index, not in a file of their own.
        size: Bytes of the root blob and of every blob it refers to.
        blobs: Digests of the blobs in files that the entry needs, the root included when it is one.
        summary: What a person sees in a listing.
        cost: Seconds that the computation took.
        created: When it was stored, seconds since the epoch.
        used: When it was last known to be used (within the store's `used` granularity).
        provenance: Versions and host, as text by name.
    """

    key: bytes
    function: FunctionRecord
    signature: bytes
    codec: str
    digest: bytes
    inline: bool
    size: int
    blobs: tuple[bytes, ...]
    summary: str
    cost: float
    created: float
    used: float
    provenance: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Copied:
    """What became of results that were to be given to further calls.

    Attributes:
        made: How many calls have the result of another now.
        kept: How many had a result already, which stays.
        damaged: Keys of the entries that were left out, since they are damaged or lack a blob.
    """

    made: int
    kept: int
    damaged: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class FunctionSummary:
    """One version of a function with what the store holds of it.

    Attributes:
        function: The version.
        entries: How many results are stored.
        size: Their bytes (shared blobs counted once for each entry).
        cost: Seconds of computing that they stand for.
        hits: How often a stored result was served instead of computing.
        saved: Seconds of computing that those hits saved.
        used: When one was last stored or served, seconds since the epoch.
    """

    function: FunctionRecord
    entries: int
    size: int
    cost: float
    hits: int
    saved: float
    used: float
