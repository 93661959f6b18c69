"""The alias of an entry: `module/qualname/<code>/<hash>.<arguments>`, its arguments in the mode `human`.

Pure functions: nothing here touches a disk or a store. `<code>` is the start of the fingerprint, `<hash>` that
of the call key; two calls never share a name, however their arguments are written (I6 holds in the hash), also
where upper and lower case are one. The arguments are read back without running anything (I7).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from cas.errors import InvalidInputError
from cas.filename import EXTENSION, EXTENSION_ROOM, NAME_LIMIT, folder, shorten, unfolder
from cas.human import human_decode, human_encode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Alias", "alias", "human_decode", "human_encode", "parse_alias"]

CODE_LENGTH = 16
"""Hexadecimal digits of the fingerprint in an alias: it only tells versions of one function apart."""

HASH_LENGTH = 40
"""Hexadecimal digits of the call key in an alias: 160 bits, so that chance never makes two alike."""

_NAME = re.compile(rf"([0-9a-f]{{{HASH_LENGTH}}})(?:\.(.*))?", re.DOTALL)
_CODE = re.compile(rf"[0-9a-f]{{{CODE_LENGTH}}}")


@dataclass(frozen=True, slots=True)
class Alias:
    """The parts of an alias; those that a pasted text lacked are empty.

    Attributes:
        module: Dotted name of the module.
        qualname: Qualified name inside the module.
        code: The first 16 hexadecimal digits of the fingerprint.
        hash: The first 40 hexadecimal digits of the call key.
        arguments_text: The arguments as text, for `human_decode`.
    """

    module: str
    qualname: str
    code: str
    hash: str
    arguments_text: str

    def arguments(self) -> list[tuple[str, object]]:
        """Decode the arguments; InvalidInputError if they were cut."""
        return human_decode(self.arguments_text)


def alias(
    module: str,
    qualname: str,
    fingerprint: bytes,
    key: bytes,
    names: Sequence[str],
    values: Sequence[object],
) -> str:
    """Return the decodable file name of an entry, each part within 255 bytes.

    Args:
        module: Dotted name of the module.
        qualname: Qualified name inside the module.
        fingerprint: Digest of the function's code.
        key: The call key.
        names: The parameters, in the order of the values.
        values: The arguments as `cas.form.unpack` gives them.
    """
    if len(names) != len(values):
        raise InvalidInputError(
            f"expected a value for each of {len(names)} parameters, got {len(values)}",
            "the names and the values of one signature go together",
        )
    text = human_encode(list(zip(names, values, strict=True)))
    arguments = shorten(text, NAME_LIMIT - EXTENSION_ROOM - HASH_LENGTH - 1)
    code = fingerprint.hex()[:CODE_LENGTH]
    return f"{folder(module)}/{folder(qualname)}/{code}/{key.hex()[:HASH_LENGTH]}.{arguments}"


def parse_alias(text: str) -> Alias:
    r"""Return the parts of an alias, or of its last component alone, with or without a file's extension.

    Folders before it, `\` as separator and a trailing newline do not matter.

    Raises:
        InvalidInputError: The text is not an alias.
    """
    *folders, name = text.strip().replace("\\", "/").split("/")
    match = _NAME.fullmatch(EXTENSION.sub("", name))
    code = folders[-1] if folders else ""
    if match is None or not (_CODE.fullmatch(code) or len(folders) < 3):
        raise InvalidInputError(
            f"expected an alias, module/qualname/<code>/<hash>.<arguments>, got {text[:80]!r}",
            "`cas ls FUNCTION --alias` prints the alias of each entry; its last part alone will do",
        )
    module, qualname = folders[-3:-1] if len(folders) >= 3 else ("", "")
    code = code if _CODE.fullmatch(code) else ""
    return Alias(unfolder(module), unfolder(qualname), code, match[1], match[2] or "")
