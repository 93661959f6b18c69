"""What `numpy.load` shows of a value that no `.npy` file can hold: numbers and text as arrays, containers as archives.

Owns the likeness; it may be approximate, since nothing is read back from it. Never writes a pickle (I7).
"""

from __future__ import annotations

import zipfile
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from memo.canonical.walk import Refused
from memo.codecs import npy
from memo.codecs.outline import Outline, numeric_row, outline

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    Array = np.ndarray[Any, Any]

# A container of more parts shows as text: an archive takes some 50 µs for each.
_PARTS = 4096
# What is nested deeper, as what contains itself is, shows as text, and so does not fill the disk.
_DEPTH = 16
_TITLE = 200
_LETTERS = 100_000


def write_likeness(file: BinaryIO, value: object) -> None:
    """Write a file that `numpy.load` opens without unpickling: an array, or an archive of the parts of a container.

    The parts of a sequence are called "0", "1" and so on, those of a mapping by its keys, parts of parts "a/0".
    """
    parts = _parts(value)
    if parts is None:
        _write_array(file, _whole(value))
        return
    taken: set[str] = set()
    with zipfile.ZipFile(file, "w") as archive:
        for name, part in parts:
            unique, number = name, 1
            while unique in taken:
                number += 1
                unique = f"{name}#{number}"
            taken.add(unique)
            # Of a fixed date, so that equal values have equal files.
            with archive.open(zipfile.ZipInfo(f"{unique}.npy"), "w", force_zip64=True) as member:
                _write_array(member, part)


def _parts(value: object) -> list[tuple[str, Array]] | None:
    """Return the parts of a container with their names; None if it shows as one array."""
    seen = _container(value)
    if seen is None:
        return None
    parts = list(islice(_leaves(seen, ""), _PARTS + 1))
    return parts if len(parts) <= _PARTS else None


def _leaves(seen: Outline, prefix: str, depth: int = 0) -> Iterator[tuple[str, Array]]:
    for _, key, content in seen.members():
        title = key if isinstance(key, str) else repr(key)
        name = prefix + title[:_TITLE].replace("\0", "\\0").encode("utf-8", "backslashreplace").decode()
        inner = _container(content) if depth < _DEPTH else None
        if inner is None or not inner.content:
            yield name, _whole(content)
        else:
            yield from _leaves(inner, f"{name}/", depth + 1)


def _container(value: object) -> Outline | None:
    """Return the outline of a value that shows as its parts; None if it shows as one array."""
    seen = None if npy.takes(value) else _outline(value)
    return seen if seen is not None and seen.kind in ("mapping", "sequence") and _row(seen) is None else None


def _row(seen: Outline) -> Array | None:
    return numeric_row(seen) if seen.kind == "sequence" else None


def _whole(value: Any) -> Array:
    """Return one array for a value: itself, its numbers, or its text."""
    if npy.takes(value):
        return value  # type: ignore[no-any-return]
    seen = _outline(value)
    row = None if seen is None else _row(seen)
    if row is not None:
        return row
    if seen is not None and seen.kind == "numbers" and npy.takes(seen.content):
        return seen.content  # type: ignore[no-any-return]
    return _text(seen.content if seen is not None and seen.kind == "text" else _repr(value))


def _repr(value: object) -> str:
    try:
        return repr(value)
    except Exception as error:  # noqa: BLE001 - the class's own code runs here and may raise anything
        return f"<{type(value).__qualname__}: {type(error).__name__} in its repr>"


def _text(text: str) -> Array:
    return np.array(text if len(text) <= _LETTERS else text[:_LETTERS] + "…")


def _outline(value: object) -> Outline | None:
    try:
        return outline(value)
    except (Refused, RecursionError):
        return None


def _write_array(file: Any, value: Array) -> None:
    for part in npy.parts_of(value):
        file.write(part)
