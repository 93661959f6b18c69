"""How a person sees what only `memo` could rebuild: arrays, scalars, enums, instances, functions.

Owns the texts of the tags from `CLASS` up. Must not know numpy: dtypes are read from their strings.
"""

from __future__ import annotations

import struct
from datetime import datetime, timedelta

from cas import extension as ext
from cas.digest import digest
from cas.shown import Shown, show

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_FEW = 8
_NOT_A_TIME = -(1 << 63)
_KINDS = {"f": "float", "i": "int", "u": "uint", "c": "complex", "M": "datetime64", "m": "timedelta64"}
_STRUCT = {
    "b1": "?",
    "i1": "b",
    "i2": "h",
    "i4": "i",
    "i8": "q",
    "u1": "B",
    "u2": "H",
    "u4": "I",
    "u8": "Q",
    "f2": "e",
    "f4": "f",
    "f8": "d",
    "c8": "ff",
    "c16": "dd",
}
_TICKS = {"D": 86400, "h": 3600, "m": 60, "s": 1}  # seconds
_PARTS = {"ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}  # of a second


def describe(code: int, elements: list[Any]) -> Shown:
    """Return how a tagged value looks.

    Raises:
        ValueError: No such tag.
    """
    write = _DESCRIPTIONS.get(code)
    if write is None:
        raise ValueError(f"tag {code}")
    return write(*elements)


def dtype_text(dtype: object) -> str:
    """Return a dtype as people write it, from its string or its spelled-out list."""
    if isinstance(dtype, list):
        return _spelled_dtype_text(dtype)
    text = str(dtype)
    order, kind, rest = text[:1], text[1:2], text[2:]
    if kind == "b":
        return "bool"
    if kind in ("M", "m"):
        return ("" if order == "<" else order) + _KINDS[kind] + rest.removeprefix("8")
    if kind in _KINDS and rest.isdigit():
        return ("" if order in "<|" else order) + f"{_KINDS[kind]}{8 * int(rest)}"
    if kind == "O":
        return "object"
    return text.lstrip("|<")


def _spelled_dtype_text(dtype: list[Any]) -> str:
    if dtype[0] == "struct":
        return "{" + ", ".join(f"{field[0]}: {dtype_text(field[3])}" for field in dtype[4]) + "}"
    if dtype[0] == "sub":
        return f"{dtype_text(dtype[1])}{dtype[2]}"
    if dtype[0] == "meta":
        return dtype_text(dtype[1])
    return "str" if dtype[0] == "string" else str(dtype[-1])


def _array(dtype: Any, shape: list[int], content: Any) -> Shown:
    text = f"{dtype_text(dtype)}{list(shape)}"
    if isinstance(content, Shown):
        return Shown("array", f"{text}~{content.text[:8]}")
    values = content if isinstance(content, list) else plain_values(dtype, content)
    if values is None:
        return Shown("array", f"{text}~{digest(content).hex()[:8]}")
    if len(values) <= _FEW:
        return Shown("array", f"{text}({', '.join(show(value) for value in values)})", values)
    mark = "" if isinstance(content, list) else f"~{digest(content).hex()[:8]}"
    return Shown("array", text + mark, values)


def _stored_array(dtype: Any, shape: list[int], _fortran: bool, content: bytes) -> Shown:
    return _array(dtype, shape, content)


def _child_array(child: bytes, dtype: Any, shape: list[int]) -> Shown:
    return Shown("array", f"{dtype_text(dtype)}{list(shape)}~{child.hex()[:8]}")


def _masked(data: Shown, _mask: Any, fill: Any, _hard: bool) -> Shown:
    return Shown("array", f"masked {data.text}", {"data": data, "fill_value": fill})


def _elements(dtype: str) -> Callable[..., Shown]:
    def write(*parts: Any) -> Shown:
        shape, elements = parts[-2 if dtype == "str" else 0], parts[-1]
        return Shown("array", f"{dtype}{list(shape)}", elements)

    return write


def _stored_masked(data: Any, mask: Any, fill: Any, _hard: bool, _shared: bool) -> Shown:
    return Shown("array", f"masked {show(data)}", {"data": data, "mask": mask, "fill_value": fill})


def _child(codec: str, summary: str, child: bytes | None, content: bytes | None) -> Shown:
    return Shown(codec, f"{summary}~{(child or digest(content or b'')).hex()[:8]}")


def _scalar(dtype: Any, content: Any) -> Shown:
    text = isinstance(content, str) or dtype == "|S"
    values = [content] if text else plain_values(dtype, content)
    name = dtype_text(dtype)
    if not values:
        return Shown("scalar", f"np.{name}({content.hex()})")
    return Shown("scalar", f"np.{name}({show(values[0])})", values[0])


def plain_values(dtype: object, content: bytes) -> list[Any] | None:
    """Return the elements of an array as Python's own values, or None if its dtype has none."""
    if not isinstance(dtype, str) or len(dtype) < 3:
        return None
    order, kind, size = dtype[0], dtype[1], dtype[2:]
    if kind in "Mm":
        count = f"{len(content) // 8}q"
        unit = dtype[4:-1]
        return [_time_text(kind, tick, unit) for tick in struct.unpack(order.replace("|", "<") + count, content)]
    if kind in "SU" and int(size):
        return _strings(kind, content, int(size), "utf-32-be" if order == ">" else "utf-32-le")
    layout = _STRUCT.get(kind + size)
    if layout is None:
        return None
    numbers = [number for (number,) in struct.iter_unpack(order.replace("|", "<") + layout[0], content)]
    if kind == "c":
        return [complex(*pair) for pair in zip(numbers[::2], numbers[1::2], strict=True)]
    return numbers


def _strings(kind: str, content: bytes, size: int, encoding: str) -> list[Any]:
    step = size if kind == "S" else 4 * size
    pieces = [content[start : start + step] for start in range(0, len(content), step)]
    if kind == "S":
        return [piece.rstrip(b"\0") for piece in pieces]
    return [piece.decode(encoding, "surrogatepass").rstrip("\0") for piece in pieces]


def _time_text(kind: str, tick: int, unit: str) -> Any:
    if tick == _NOT_A_TIME:
        return "NaT"
    if kind == "m":
        return f"{tick} {unit}".strip()
    try:
        if unit in _TICKS:
            moment = datetime(1970, 1, 1) + timedelta(seconds=tick * _TICKS[unit])
            return moment.isoformat()
        if unit in _PARTS:
            seconds, part = divmod(tick, _PARTS[unit])
            moment = datetime(1970, 1, 1) + timedelta(seconds=seconds)
            return f"{moment.isoformat()}.{part:0{len(str(_PARTS[unit])) - 1}d}"
    except OverflowError:
        pass  # beyond the years that datetime knows: the count is all there is to show
    return f"{tick} {unit}".strip()


def _named(kind: str) -> Callable[..., Shown]:
    return lambda module, qualname, *_number: Shown(kind, qualname if module == "builtins" else f"{module}.{qualname}")


def _with_fields(kind: str) -> Callable[..., Shown]:
    def write(_module: str, qualname: str, fields: dict[str, Any], others: Any = None) -> Shown:
        fields = {**fields, **(others or {})}
        # The workings of a pydantic model are in the details.
        seen = {name: value for name, value in fields.items() if not name.startswith("__pydantic_")}
        inside = ", ".join(f"{name}={show(value)}" for name, value in seen.items())
        return Shown(kind, f"{qualname}({inside})", fields)

    return write


def _subclass(_module: str, qualname: str, content: Any, attributes: dict[str, Any]) -> Shown:
    inside = "".join(f", {name}={show(value)}" for name, value in attributes.items())
    return Shown("instance", f"{qualname}({show(content)}{inside})", attributes or content)


def _enum(_module: str, qualname: str, member: str | None, value: Any) -> Shown:
    return Shown("enum", f"{qualname}.{member}" if member else f"{qualname}({show(value)})", value)


def _method(function: Any, owner: Any) -> Shown:
    name = function.text.rpartition(".")[2] if isinstance(function, Shown) else function
    return Shown("function", f"{show(owner)}.{name}")


def _partial(function: Any, positional: list[Any], keyword: dict[str, Any], _attributes: Any) -> Shown:
    pieces = [show(function), *map(show, positional)]
    pieces += [f"{name}={show(value)}" for name, value in keyword.items()]
    return Shown("partial", f"partial({', '.join(pieces)})")


def _library(_package: str, name: str, outline: str, content: Any) -> Shown:
    if isinstance(content, Shown) and content.kind == "digest":
        return Shown("value", f"{name}{outline}~{content.text[:8]}")
    return Shown("value", f"{name}{outline}", content)


def _made_of(name: str, *parts: Any) -> Shown:
    if name == "Timestamp" and len(parts) == 4:
        ticks, unit, zone, _fold = parts
        parts = (_time_text("M", ticks, unit), *(["UTC", zone] if zone is not None else []))
    return Shown("value", f"{name}({', '.join(map(show, parts))})" if parts else name)


def _reduced(_module: str, qualname: str, _make: Any, positional: tuple[Any, ...], *others: Any) -> Shown:
    pieces = [*positional, *(other for other in others if other is not None)]
    inside = ", ".join(show(piece) for piece in pieces if not _is_class(piece, qualname))
    return Shown("instance", f"{qualname}({inside})")


def _is_class(piece: Any, qualname: str) -> bool:
    return isinstance(piece, Shown) and piece.kind == "class" and piece.text.endswith(qualname)


def _file(_module: str, _qualname: str, kind: str, size: int, content: Shown) -> Shown:
    from cas.units import format_size  # noqa: PLC0415 - it loads re, and a hit reads forms

    return Shown(
        "file", f"{kind} {format_size(size)}~{content.text[:8]}", {"kind": kind, "size": size, "digest": content.text}
    )


def _elided(kind: str, length: int, left_out: bytes) -> Shown:
    return Shown("elided", f"{kind}({length})~{left_out.hex()[:8]}")


_DESCRIPTIONS: dict[int, Callable[..., Shown]] = {
    ext.MEMORYVIEW: lambda layout, shape, content: Shown("memoryview", f"memoryview({layout!r}, {shape})"),
    ext.DICT_VIEW: lambda kind, mapping: Shown("view", f"{kind}({show(mapping)})", mapping),
    ext.PATTERN: lambda pattern, flags: Shown("pattern", f"re.compile({show(pattern)}, {flags})"),
    ext.CLASS: _named("class"),
    ext.FUNCTION: _named("function"),
    ext.MODULE: lambda name: Shown("module", name),
    ext.METHOD: _method,
    ext.PARTIAL: _partial,
    ext.ENUM: _enum,
    ext.DATACLASS: _with_fields("instance"),
    ext.NAMEDTUPLE: _with_fields("instance"),
    ext.INSTANCE: _with_fields("instance"),
    ext.SUBCLASS: _subclass,
    ext.KEYED: lambda module, qualname, key: Shown("instance", f"{qualname}({show(key)})", key),
    ext.ELIDED: _elided,
    ext.LIBRARY: _library,
    ext.REDUCED: _reduced,
    ext.FILE: _file,
    ext.ARRAY: _array,
    ext.SCALAR: _scalar,
    ext.DTYPE: lambda dtype: Shown("dtype", f"dtype({dtype_text(dtype)})"),
    ext.MASKED: _masked,
    ext.STORED_ARRAY: _stored_array,
    ext.CHILD_ARRAY: _child_array,
    ext.PLACED_ARRAY: lambda place, dtype, shape, _fortran: Shown("array", f"{dtype_text(dtype)}{list(shape)}"),
    ext.CHILD: _child,
    ext.SPELLED_ARRAY: lambda dtype, shape, _fortran, _raw: Shown("array", f"{dtype_text(dtype)}{list(shape)}"),
    ext.OBJECT_ARRAY: _elements("object"),
    ext.STRING_ARRAY: _elements("str"),
    ext.VIEW: lambda kind, content: Shown("array", kind if content is None else f"{kind} {show(content)}", content),
    ext.STORED_MASKED: _stored_masked,
    ext.SPARSE: lambda kind, shape, parts, _flags: Shown("sparse", f"{kind}{list(shape)}", parts),
    ext.PANDAS: _made_of,
    ext.ADDRESS: lambda kind, text: Shown("value", f"{kind}({text!r})", text),
    ext.RANDOM: lambda kind, state: Shown("random", kind, state),
}
