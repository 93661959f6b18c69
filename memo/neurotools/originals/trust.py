"""As the results of which code the files of the original were first trusted.

The original looked at no subroutine: only once can its files be taken for results of the code as it is (promise 1).
What was said then is kept in a note beside them, and in the provenance of what was stored from them.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cas import Entry

NOTE = ".fingerprint"
"""The file in a code folder that says so; what people write there holds."""

_PROVENANCE = "trusted as"


def provenance_of(code: str, fingerprint: str) -> dict[str, str]:
    """Return what the provenance of an entry is to say that was stored from a file of the original.

    Args:
        code: What the original calls the code, which is the name of the folder.
        fingerprint: That of the code that it is served for.
    """
    return {_PROVENANCE: f"{code} {fingerprint}"}


def trusted_as(folder: str, code: str, entries: Iterable[Entry]) -> set[str]:
    """Return the fingerprints that the files of a folder were trusted as; none if they never were.

    Args:
        folder: The folder of the files.
        code: What the original calls their code.
        entries: What is stored of the function.
    """
    try:
        with open(os.path.join(folder, NOTE), encoding="ascii", errors="replace") as file:
            return {file.read().strip()}
    except OSError:
        pass
    said = (entry.provenance.get(_PROVENANCE, "").partition(" ") for entry in entries)
    return {fingerprint for as_code, _, fingerprint in said if as_code == code and fingerprint}


def note(folder: str, fingerprint: str) -> None:
    """Note as what the files of a folder are trusted first; another process may have been sooner.

    Raises:
        OSError: Nothing can be written there.
    """
    path = os.path.join(folder, NOTE)
    temporary = f"{path}-{os.getpid()}-{os.urandom(4).hex()}"
    with open(temporary, "x", encoding="ascii") as file:
        file.write(fingerprint)
    try:
        os.link(temporary, path)  # unlike a rename it fails if another process was first
    except FileExistsError:
        pass
    finally:
        os.unlink(temporary)
