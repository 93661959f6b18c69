"""Why a value has no stable form, and what to pass instead.

Owns what is refused by its nature: what lives in one process, what can be read once, and what stands for something
outside of it, whose content could change while the object stays the same.
"""

from __future__ import annotations

from memo.canonical.walk import Refused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# Their objects point to files, processes or plans, or their classes are known one by one: none has a form by its state.
_OUTSIDE = {
    "_thread": "make it inside the function",
    "asyncio": "make it inside the function",
    "concurrent": "make it inside the function",
    "contextvars": "pass the value that it holds",
    "dask": "pass what .compute() returns",
    "h5py": "pass the path of the file, and read it inside the function; or pass the array that was read",
    "mmap": "pass the path of the file, or a memoryview",
    "multiprocessing": "make it inside the function",
    "netCDF4": "pass the path of the file, and read it inside the function; or pass the array that was read",
    "polars": "pass a DataFrame or a Series; of a LazyFrame, what .collect() returns",
    "pyarrow": "pass a Table or an Array; of a dataset or a file, its path or what .read() returns",
    "sqlite3": "pass the path of the database, and connect inside the function",
    "subprocess": "make it inside the function",
    "tables": "pass the path of the file, and read it inside the function; or pass the array that was read",
    "threading": "make it inside the function",
    "weakref": "pass the object that it refers to",
    "zarr": "pass the path, and open it inside the function; or pass the array that was read",
}


def is_outside(cls: type) -> bool:
    """Return whether the instances of a class stand for something outside of them."""
    return any(_package(klass) in _OUTSIDE for klass in cls.__mro__)


def _package(cls: type) -> str:
    module: object = cls.__module__
    return module.partition(".")[0] if isinstance(module, str) else ""


def is_refused(cls: type) -> bool:
    """Return whether what the instances of a class give to pickle is no value: an iterator's rest, a lock's name."""
    return any(hasattr(cls, name) for name in ("fileno", "__next__", "acquire"))


def refusal_of(value: Any) -> Refused:
    """Return why a value has no stable form, and what to pass instead."""
    cls = type(value)
    name = cls.__qualname__ if cls.__module__ == "builtins" else f"{cls.__module__}.{cls.__qualname__}"
    if hasattr(cls, "fileno"):
        return Refused(f"an open {name}", "pass its path or address, and open it inside the function")
    if hasattr(cls, "__next__"):
        return Refused(f"a {name}, which can be read only once", "pass a list of what it yields")
    if hasattr(cls, "acquire") or _package(cls) in ("_thread", "threading"):
        return Refused(f"a {name}, which lives in one process", "make it inside the function")
    if cls is object:
        return Refused("an object(), which has nothing but its identity", "pass an enum member instead")
    hint = next((_OUTSIDE[_package(klass)] for klass in cls.__mro__ if _package(klass) in _OUTSIDE), None)
    if hint is not None:
        return Refused(f"a {name}, which stands for what is not in it", hint)
    return Refused(f"a {name}, whose state cannot be seen")
