"""What a type checker must see of `memo.cached`; checked by `make types`, never run."""

# pyright: strict, reportUnnecessaryTypeIgnoreComment=true

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, assert_type

import memo


@memo.cached
def scale(values: list[float], factor: float = 2.0, *, offset: int = 0) -> list[float]:
    """Return a scaled list."""
    return [factor * value + offset for value in values]


@memo.cached(store="./results", depends=[scale, "gains.csv", memo], version=("May", 2), pin={"numpy": "exact"})
def name(number: int) -> str:
    """Return a number's name."""
    return str(number)


def rounded(number: float) -> float:
    """Return what stands for a number."""
    return round(number, 3)


@memo.cached(ignore=["verbose"], key={"frequency": rounded, "*rest": abs}, normalize={"signal": list})
def power(signal: list[float], /, frequency: float, *rest: int, verbose: bool = False, **options: str) -> float:
    """Return the power at a frequency."""
    return sum(signal) * frequency + len(rest) + len(options)


@memo.cached(normalize=str.lower, ignore=("width",))
def title(text: str, *, width: int = 80) -> str:
    """Return a title."""
    return text.center(width)


@memo.cached
def read(path: Annotated[Path, memo.Content], encoding: str = "utf-8") -> str:
    """Return what stands in a file."""
    return path.read_text(encoding)


@memo.cached
def length(path: str) -> int:
    """Return how long a file is."""
    with open(path, "rb") as file:
        return len(file.read())


class Model:
    """A class with a cached method."""

    @memo.cached
    def fit(self, steps: int) -> float:
        """Return a number."""
        return float(steps)


assert_type(scale([1.0], 3.0), list[float])
assert_type(scale([1.0], factor=3.0, offset=1), list[float])
assert_type(name(3), str)
assert_type(scale.cache.key([1.0], offset=1), str)
assert_type(scale.cache.contains([1.0]), bool)
assert_type(scale.__wrapped__([1.0]), list[float])
assert_type(Model().fit(3), float)
assert_type(power([1.0], 2.0, 1, 2, verbose=True, window="hann"), float)
assert_type(power.cache.key([1.0], frequency=2.0), str)
assert_type(title("A", width=3), str)
assert_type(read(Path("a.csv")), str)
assert_type(length(memo.File("a.csv")), int)
assert_type(memo.File(Path("a.csv")), memo.File)
assert_type(scale.cache.explain([1.0], offset=1).outcome, str)
assert_type(scale.cache.manifest()[0].name, str)
assert_type(scale.cache.adopt("3f2a", calls=[([1.0], 2.0), {"values": [1.0]}]).verified, int)
assert_type(memo.audit(scale)([1.0]).clean, bool)
assert_type([miss.key for miss in memo.last_misses()], list[str])

# Each of these must be an error: the checkers complain of a comment that silences nothing.
scale("text")  # type: ignore[arg-type]
scale([1.0], offset="much")  # type: ignore[arg-type]
scale([1.0], unknown=1)  # type: ignore[call-arg]
scale()  # type: ignore[call-arg]
name(number=None)  # type: ignore[arg-type]
memo.cached(pin="major")  # type: ignore[call-overload]
scale.cache.explain(1)  # type: ignore[arg-type]
scale.cache.key(1)  # type: ignore[arg-type]
Model().fit("many")  # type: ignore[arg-type]
power(frequency=2.0)  # type: ignore[call-arg]
power([1.0], 2.0, verbose="much")  # type: ignore[arg-type]
read(3)  # type: ignore[arg-type]
memo.cached(ignore=[3])  # type: ignore[list-item]
memo.cached(key={"x": 3})  # type: ignore[dict-item]
memo.File(3)  # type: ignore[arg-type]


@memo.cached(
    ttl=timedelta(hours=1),
    cache_exceptions=(ValueError, OSError),
    codec="npy",
    compress="auto",
    min_cost=0.01,
    readonly=True,
    store_args=True,
)
def kept(number: int) -> list[int]:
    """Return what is kept in a way of its own."""
    return [number]


@memo.cached(ttl=60, cache_exceptions=KeyError)
async def download(address: str) -> bytes:
    """Return what has to be waited for."""
    return address.encode()


@memo.cached(codec="stream")
def count(end: int) -> Iterator[int]:
    """Yield numbers."""
    yield from range(end)


async def use() -> None:
    """Await a cached coroutine."""
    assert_type(await download("a"), bytes)
    assert_type(await download.cache.refresh("a"), bytes)
    assert_type((await memo.audit(download)("a")).clean, bool)


assert_type(kept.cache.refresh(3), list[int])
assert_type(kept.cache.replay("3fa9c2"), list[int])
assert_type(kept.cache.arguments("3fa9c2")["number"], Any)
assert_type(list(count(3)), list[int])
assert_type(memo.audit(count)(3).clean, bool)
kept.cache.refresh("text")  # type: ignore[arg-type]
memo.audit(kept)("text")  # type: ignore[arg-type]
memo.cached(ttl="1h")  # type: ignore[call-overload]
memo.cached(compress="gzip")  # type: ignore[call-overload]
memo.cached(min_cost="auto")
memo.cached(min_cost="cheap")  # type: ignore[call-overload]
memo.cached(cache_exceptions=KeyboardInterrupt)  # type: ignore[arg-type]
