"""What a user declares of a function's code beyond what it shows: `depends=`, `version=`, `pin=` and the like.

Owns the checks of these options.
"""

from __future__ import annotations

import os
from types import ModuleType

import cas

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def checked_code(
    depends: Any = (), version: Any = None, pin: Any = "minor", allow_mutable_bindings: bool = False
) -> dict[str, Any]:
    """Return the options of `memo.cached` about the code, for `memo.fingerprint.fingerprint`.

    Raises:
        InvalidInputError: An option has none of its values.
    """
    return {
        "depends": _declared(depends),
        "version": version,
        "pin": _checked_pin(pin),
        "allow_mutable_bindings": allow_mutable_bindings,
    }


def _declared(depends: Any) -> tuple[Any, ...]:
    """Return what `depends=` names, paths made absolute: they name the same files after an `os.chdir`."""
    if not isinstance(depends, list | tuple | set | frozenset):
        raise cas.InvalidInputError(
            f"expected a list for depends=, found {depends!r}", "write depends=[...], also for one of them"
        )
    return tuple(map(_declared_one, depends))


def _declared_one(given: Any) -> Any:
    if isinstance(given, str | os.PathLike):
        path = os.path.abspath(os.path.expanduser(given))
        if not os.path.isfile(path):
            raise cas.InvalidInputError(
                f"depends= names {os.fspath(given)!r}, and there is no such file: {path}",
                "give the path of a file, absolute or from the current folder (of a folder, each file in it); "
                "functions and modules are given as themselves, not by name",
            )
        return path
    if callable(given) or isinstance(given, ModuleType):
        return given
    raise cas.InvalidInputError(
        f"expected functions, classes, modules or paths of files in depends=, found {given!r}",
        "for a value of your own, use version=",
    )


def _checked_pin(pin: Any) -> Any:
    """Return `pin=` if it is one of its values."""
    rules = pin.values() if isinstance(pin, dict) else (pin,)
    for rule in rules:
        if rule not in ("minor", "exact", "none"):
            raise cas.InvalidInputError(
                f"expected pin='minor', 'exact' or 'none', found {rule!r}",
                'of single packages, give a dict such as {"numpy": "exact", "*": "minor"}',
            )
    return pin
