"""The arguments of an earlier version of a function, as its present version takes them.

Parameters are matched by name. One that is new gets its default, and none may be gone: what a call without it would
have meant cannot be known.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cas.errors import IntegrityError
from cas.extension import ELIDED, array_header, head
from memo.adopting.replay import split
from memo.canonical import LONG, encode, encode_arguments
from memo.canonical.abridgement import abridge
from memo.errors import AdoptionRefused

if TYPE_CHECKING:
    from memo.keys import Keys

_LEFT_OUT = head(ELIDED, 3)


class Translation:
    """The way from an earlier version's arguments to the present ones, and back.

    Args:
        old: The signed parameters of the earlier version, with their stars.
        keys: The present function, and what of a call makes its key.

    Raises:
        AdoptionRefused: A parameter is gone, or a new one has no default that could stand for it.
    """

    def __init__(self, old: tuple[str, ...], keys: Keys) -> None:
        self.old = old
        self.new = keys.names
        self._keys = keys
        gone = [name for name in old if name not in self.new]
        if gone:
            raise AdoptionRefused(
                f"the version to adopt from has the parameter {gone[0]!r}, which is "
                + ("ignored now" if gone[0] in keys.parameters.names else "gone"),
                f"keep {gone[0].lstrip('*')!r} with a default for now, or let the calls be computed again",
            )
        defaults = {"*": (), "**": {}} | _defaults(keys.function)
        added = [name for name in self.new if name not in old]
        self._added = {name: _form_of_default(name, defaults) for name in added}
        self._values = defaults

    @property
    def unknown(self) -> str:
        """A parameter that is neither in the key nor has a default, so that no call can be told; empty if none is."""
        unsigned = [name for name in self._keys.parameters.names if name not in self.new]
        return next((name for name in unsigned if _or_stars(name, self._values) not in self._values), "")

    def values(self, old: list[Any]) -> list[Any]:
        """Return the present values for an earlier version's; those that are not in the key are their defaults."""
        given = dict(zip(self.old, old, strict=True))
        names = self._keys.parameters.names
        return [given[name] if name in given else self._values[_or_stars(name, self._values)] for name in names]

    def signature(self, old: bytes) -> bytes:
        """Return the present signature of the call with an earlier version's signature.

        Raises:
            IntegrityError: The bytes are not a signature.
        """
        if self.old == self.new:
            return old
        given = self._forms(old)
        forms = [given[name] if name in given else self._added[name] for name in self.new]
        if len(array_header(len(forms))) + sum(map(len, forms)) > LONG:
            # Those left out already were longer than all others, and so they would be the first again.
            kept = [place for place, form in enumerate(forms) if not form.startswith(_LEFT_OUT)]
            for place, form in zip(kept, abridge([forms[place] for place in kept], LONG), strict=True):
                forms[place] = form
        return array_header(len(forms)) + b"".join(forms)

    def _forms(self, old: bytes) -> dict[str, bytes]:
        forms = split(old)
        if len(forms) != len(self.old):
            raise IntegrityError(f"expected {len(self.old)} arguments, found {len(forms)}", "run `cas fsck`")
        return dict(zip(self.old, forms, strict=True))

    def old_signature(self, values: list[Any]) -> bytes:
        """Return the signature that the earlier version's call with the present values had."""
        given = dict(zip(self.new, self._keys.stand_ins(values), strict=True))
        return encode_arguments([given[name] for name in self.old], self.old)[0]


def _or_stars(name: str, defaults: dict[str, Any]) -> str:
    """Return under what name the default of a parameter stands: of `*rest` and `**options` under their stars."""
    return name if name in defaults else name[: name.count("*")]


def _defaults(function: Any) -> dict[str, Any]:
    """Return the defaults of a function's own parameters."""
    code = getattr(function, "__code__", None)
    if code is None:
        return {}
    positional = function.__defaults__ or ()
    names = code.co_varnames[code.co_argcount - len(positional) : code.co_argcount]
    return {**dict(zip(names, positional, strict=True)), **(function.__kwdefaults__ or {})}


def _form_of_default(name: str, defaults: dict[str, Any]) -> bytes:
    """Return the canonical form of a new parameter's default."""
    if name not in defaults:
        raise AdoptionRefused(
            f"the parameter {name!r} is new and has no default, so what it was in stored calls is not known",
            "give it the default that the earlier version had fixed"
            if not name.startswith("*")
            else f"leave {name} out, or let the calls be computed again",
        )
    if encode_arguments([defaults[name]], (name,))[1]:
        raise AdoptionRefused(
            f"the default of the new parameter {name!r} is code of yours, or holds some: it is part of each call's key",
            "let the default be None, and choose the code inside the function",
        )
    return encode(defaults[name], name)
