"""What type checkers know of a cached function. Never imported at run time, since `typing` costs milliseconds."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import timedelta
from os import PathLike
from types import ModuleType
from typing import Any, Concatenate, Literal, ParamSpec, Protocol, TypeVar, overload

from cas import Entry, Store
from cas.manifest import Manifest
from memo.adopting import Adoption
from memo.explain import Explanation
from memo.handle import Stats

P = ParamSpec("P")
Q = ParamSpec("Q")
T = TypeVar("T")
Pin = Literal["minor", "exact", "none"]
R_co = TypeVar("R_co", covariant=True)


class Handle(Protocol[P, R_co]):
    """`f.cache`: see `memo.handle.Cache`, whose methods take the arguments of `f`."""

    def key(self, *args: P.args, **kwargs: P.kwargs) -> str: ...
    def contains(self, *args: P.args, **kwargs: P.kwargs) -> bool: ...
    def forget(self, *args: P.args, **kwargs: P.kwargs) -> bool: ...
    def refresh(self, *args: P.args, **kwargs: P.kwargs) -> R_co: ...
    def arguments(self, entry: Entry | str) -> dict[str, Any]: ...
    def replay(self, entry: Entry | str) -> R_co: ...
    def explain(self, *args: P.args, **kwargs: P.kwargs) -> Explanation: ...
    def adopt(
        self,
        from_version: str,
        verify: int = 5,
        *,
        calls: Sequence[tuple[Any, ...] | Mapping[str, Any]] = (),
        rtol: float = 0.0,
        atol: float = 0.0,
        ulp: int = 0,
    ) -> Adoption: ...
    def entries(self) -> Iterator[Entry]: ...
    def manifest(self) -> Manifest: ...
    def stats(self) -> Stats: ...


class Cached(Protocol[P, R_co]):
    """A cached function: called as before, with a handle on what is stored for it."""

    @property
    def cache(self) -> Handle[P, R_co]: ...
    @property
    def __wrapped__(self) -> Callable[P, R_co]: ...
    @property
    def __name__(self) -> str: ...
    @property
    def __qualname__(self) -> str: ...

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R_co: ...

    @overload
    def __get__(self, instance: None, owner: type) -> Cached[P, R_co]: ...
    @overload
    def __get__(self: Cached[Concatenate[T, Q], R_co], instance: T, owner: type | None = None) -> Callable[Q, R_co]: ...
    def __get__(self, instance: Any, owner: Any = None) -> Any: ...


class Decorator(Protocol):
    """What `memo.cached(...)` with options returns."""

    def __call__(self, function: Callable[P, R_co], /) -> Cached[P, R_co]: ...


class Decorate(Protocol):
    """`memo.cached` itself, bare or with options."""

    @overload
    def __call__(self, function: Callable[P, R_co], /) -> Cached[P, R_co]: ...
    @overload
    def __call__(
        self,
        *,
        store: str | PathLike[str] | Store | Sequence[str | PathLike[str] | Store] | None = None,
        memory: bool = True,
        verify: Literal["stamp", "always"] = "stamp",
        depends: Sequence[Callable[..., Any] | type | ModuleType | str | PathLike[str]] = (),
        version: object = None,
        pin: Pin | Mapping[str, Pin] = "minor",
        allow_mutable_bindings: bool = False,
        ignore: Collection[str] = (),
        key: Mapping[str, Callable[[Any], object]] | None = None,
        normalize: Callable[[Any], Any] | Mapping[str, Callable[[Any], Any]] | None = None,
        ttl: float | timedelta | None = None,
        cache_exceptions: type[Exception] | Sequence[type[Exception]] = (),
        codec: str = "auto",
        compress: Literal["zstd", "auto"] | None = None,
        min_cost: float | timedelta | Literal["auto"] = 0.0,
        readonly: bool = False,
        store_args: bool = False,
    ) -> Decorator: ...
