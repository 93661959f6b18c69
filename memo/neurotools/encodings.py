"""The four modes in which a signature becomes a key in a file name: repr, json, pickle, human; each with its inverse.

Plain values are written as the original wrote them. What a mode lacks travels as the text of `memo.neurotools.text`: in
JSON as `{"repr": "[1, 2]"}`, in a pickle as a call of `read_text`. Reading runs nothing (I7): of a pickle no other
call is admitted.
"""

from __future__ import annotations

import io
import json
import pickle
from typing import TYPE_CHECKING, Any, NamedTuple

from cas import human
from cas.errors import Explained, InvalidInputError
from memo.neurotools.text import read_text, write_text

if TYPE_CHECKING:
    from collections.abc import Callable

_VARARGS = "*varargs"
_PICKLE_PROTOCOL = 4  # always the same one, or the names would depend on the version of Python
_ADMITTED = {("builtins", name): kind for name, kind in (("set", set), ("frozenset", frozenset), ("complex", complex))}


def human_encode(sig: Any) -> str:
    """Return a signature as readable text that is safe in a file name: `n=10,exponent=2`, `()` if it is empty.

    Extra positional arguments stand at the end as `@varargs=(1,2)`.

    Raises:
        InvalidInputError: It is no signature, or a value in it cannot be written so that it comes back.
    """
    try:
        pairs, varargs = sig
        named = [(name, value) for name, value in pairs]
    except (TypeError, ValueError):
        raise InvalidInputError(
            f"expected a signature (((name, value), ...), varargs), got {repr(sig)[:60]}", "see argument_signature"
        ) from None
    rest = [] if varargs is None else [(_VARARGS, varargs)]
    try:
        text = human.human_encode(named + rest)
        back = human_decode(text)
    except (Explained, TypeError, AttributeError, RecursionError, ValueError):
        back = None
    if back is None or write_text(back) != write_text(sig):
        raise InvalidInputError(
            "the mode human cannot write this signature so that it comes back: expected plain values, names that are "
            f"text and varargs in a tuple, got {write_text(sig)[:80]}",
            'use the mode "repr", which takes what argument_signature gives',
        )
    return text


def human_decode(key: str) -> Any:
    """Return the signature that `human_encode` wrote.

    Raises:
        InvalidInputError: The text is not such a text.
    """
    pairs = human.human_decode(key)
    varargs = pairs.pop()[1] if pairs and pairs[-1][0] == _VARARGS else None
    return tuple(pairs), varargs


def find_mode(name: str) -> Mode:
    """Return a mode by its name.

    Raises:
        InvalidInputError: There is none of this name.
    """
    mode = MODES.get(name)
    if mode is None:
        raise InvalidInputError(f"expected a mode of {', '.join(MODES)}, got {name!r}", "the default is repr")
    return mode


def _json_encode(sig: Any) -> bytes:
    return json.dumps(_to_json(sig)).encode("ascii")


def _to_json(value: Any) -> Any:
    if type(value) is tuple:
        return [_to_json(part) for part in value]
    return value if _is_json(value) else {"repr": write_text(value)}


def _is_json(value: Any) -> bool:
    """Return whether JSON has the value, and brings it back."""
    kind = type(value)
    if kind is str:
        # JSON joins two halves of a surrogate pair that a text holds apart.
        return not any("\ud800" <= letter <= "\udfff" for letter in value)
    # Of a NaN with bits of its own, and of a very long integer, the text is a call.
    return value is None or kind is bool or (kind in (int, float) and "(" not in write_text(value))


def _json_decode(data: bytes) -> Any:
    return _from_json(json.loads(data))


def _from_json(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_from_json(part) for part in value)
    if isinstance(value, dict):
        return read_text(value["repr"])
    return value


class _Text:
    """What is pickled in place of a value that a pickle would write differently in each process."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text

    def __reduce__(self) -> tuple[Any, ...]:
        return read_text, (self.text,)


def _pickle_encode(sig: Any) -> bytes:
    write_text(sig)  # says what cannot be written
    file = io.BytesIO()
    pickler = pickle.Pickler(file, _PICKLE_PROTOCOL)
    pickler.fast = True  # without references to equal objects: they depend on who shares what
    pickler.dump(_to_pickle(sig))
    return file.getvalue()


def _to_pickle(value: Any) -> Any:
    kind = type(value)
    if kind in (tuple, list):
        return kind(_to_pickle(part) for part in value)
    if kind is dict:
        return {_to_pickle(key): _to_pickle(part) for key, part in value.items()}
    return value if kind in (type(None), bool, int, float, str, bytes) else _Text(write_text(value))


class _Admitted:
    """The one call that a pickled signature may make; has no attributes that a pickle could set."""

    __slots__ = ()

    def __call__(self, text: str) -> object:
        return read_text(text)


class _Reader(pickle.Unpickler):
    """Reads plain values, and nothing that runs code."""

    def find_class(self, module: str, name: str) -> Any:
        """Return what a pickle names, if it is harmless."""
        if (module, name) == (read_text.__module__, read_text.__name__):
            return _Admitted()
        if (module, name) in _ADMITTED:
            return _ADMITTED[module, name]
        raise InvalidInputError(
            f"the pickle in this name asks for {module}.{name}: expected plain values and numpy's only",
            "reading it would run code; if you wrote the name yourself, read the arguments from its entry",
        )


def _pickle_decode(data: bytes) -> Any:
    return _Reader(io.BytesIO(data)).load()


class Mode(NamedTuple):
    """A writer of signatures and its inverse.

    Attributes:
        encode: Signature to bytes.
        decode: Bytes to signature.
        charset: How the bytes stand in a name without base64.
        is_safe: Whether they can stand there as they are.
    """

    encode: Callable[[Any], bytes]
    decode: Callable[[bytes], Any]
    charset: str = "utf-8"
    is_safe: bool = False


MODES = {
    "repr": Mode(lambda sig: write_text(sig).encode("utf-8"), lambda data: read_text(data.decode("utf-8"))),
    "json": Mode(_json_encode, _json_decode),
    "pickle": Mode(_pickle_encode, _pickle_decode, "latin-1"),
    "human": Mode(lambda sig: human_encode(sig).encode(), lambda data: human_decode(data.decode()), is_safe=True),
}
