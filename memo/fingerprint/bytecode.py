"""Code object → the digest of its bytecode: what a function does, wherever it stands and however hot it runs."""

from __future__ import annotations

from cas.digest import digest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType

BODY_OF_FUNCTION = 0x1


def bytecode_digest(code: CodeType) -> bytes:
    """Return the digest of what a code object does, whatever its file, its lines and its heat.

    `co_code` is the bytecode as compiled: the interpreter rewrites its own copy when code runs hot or is traced.
    """
    consts = code.co_consts
    if not code.co_flags & BODY_OF_FUNCTION and "__static_attributes__" in code.co_names:
        # Python 3.13 lists the attributes of a class in an order that depends on the hash seed.
        consts = tuple(tuple(sorted(c)) if _is_names(c) else c for c in consts)
    shape = repr(
        (
            code.co_name,
            code.co_qualname,
            code.co_argcount,
            code.co_posonlyargcount,
            code.co_kwonlyargcount,
            code.co_flags,
            code.co_names,
            code.co_varnames,
            code.co_freevars,
            code.co_cellvars,
            [_constant(value) for value in consts],
            len(code.co_code),
        )
    )
    return digest(code.co_code + code.co_exceptiontable + b"\0" + shape.encode("utf-8", "surrogatepass"))


def contains(code: CodeType, inner: CodeType) -> bool:
    """Tell whether a code object is among those that another one makes functions of, at any depth."""
    pending = [code]
    while pending:
        current = pending.pop()
        if current is inner:
            return True
        pending.extend(const for const in current.co_consts if hasattr(const, "co_code"))
    return False


def _is_names(value: object) -> bool:
    return isinstance(value, tuple) and all(isinstance(name, str) for name in value)


def _constant(value: object) -> str:
    kind = type(value)
    if kind is tuple:
        return f"t{[_constant(part) for part in value]}"  # type: ignore[attr-defined]
    if kind is frozenset:
        return f"s{sorted(_constant(part) for part in value)}"  # type: ignore[attr-defined]
    if kind is int:
        return hex(value)  # type: ignore[arg-type]
    if hasattr(value, "co_code"):
        return "c" + bytecode_digest(value).hex()  # type: ignore[arg-type]
    return repr(value)
