"""What a cache root has of a function: whether it has a call, and the results of earlier versions taken over.

Owns `exists` and `combine_caches`. Nothing that the original pickled is read without trust (I7), and nothing is taken
over without evidence (promise 1).
"""

from __future__ import annotations

import os
from itertools import islice
from typing import TYPE_CHECKING, Any

import cas
from memo.adopting import adopt
from memo.adopting.comparison import difference
from memo.caller import Caller
from memo.decorator import cached
from memo.errors import AdoptionRefused, UnstableArgument
from memo.handle import Cache
from memo.neurotools.arguments import by_name
from memo.neurotools.names import get_cache_path, locate_cached
from memo.neurotools.originals.files import Unreadable, has_originals, is_original, read_original
from memo.neurotools.originals.inherited import Found, Inherited
from memo.neurotools.originals.names import locate_original
from memo.neurotools.tiers import open_store
from memo.neurotools.views import Views

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cas import Store
    from memo.neurotools.originals.files import Original
    from memo.neurotools.originals.inherited import Signed

    Location = str | os.PathLike[str]


@by_name
def exists(cache_root: Location, f: Callable[..., Any], method: str, /, *args: Any, **kwargs: Any) -> bool:
    """Return whether there is a result of the call `f(*args, **kwargs)` under the code as it is now.

    A file of the original counts as well; a call is served from it with `trust=True`.

    Args:
        cache_root: The folder of the cache, with its identifier.
        f: The function, decorated or not.
        method: The ending of its file. An entry whose file of that ending somebody removed does not count.
        *args: The arguments of the call.
        **kwargs: Likewise.
    """
    root = os.path.abspath(os.fspath(cache_root))
    path = locate_cached(root, f, method, *args, **kwargs)[-1]
    if has_originals(os.path.dirname(path)) and (
        is_original(path) or is_original(_original_path(root, f, method, args, kwargs))
    ):
        return True
    try:
        store = open_store(root, False)
        key = bytes.fromhex(Cache(_caller(f, store)).key(*args, **kwargs))
    except (cas.NotFoundError, UnstableArgument):
        return False
    return store.created(key) is not None and not Views(root, store).was_removed(path, key)


def _original_path(root: str, f: Any, method: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
    try:
        return locate_original(root, f, method, *args, **kwargs)
    except (TypeError, ValueError):
        return ""


def _caller(f: Any, store: Store) -> Caller:
    """Return what calls a function, decorated or not, with its results in a store."""
    handle = getattr(f, "cache", None)
    if not isinstance(handle, Cache):
        handle = cached(store=store)(f).cache
    given = handle._caller  # noqa: SLF001 - another face of the handle
    return Caller(given.keys, store, False, "stamp", given.code, given.policy)


def combine_caches(cache_root: Location, f: Callable[..., Any], verify: int = 5, *, trust: bool = False) -> int:
    """Take over the results of all earlier versions of a function, after computing some of each again.

    For changes that should not change results. The file of a result appears with its next call.

    Args:
        cache_root: The folder of the cache, with its identifier.
        f: The function, decorated or not.
        verify: How many calls of each version to compute again.
        trust: Also take over what the original has of earlier versions, which is unpickled.

    Returns:
        How many results were taken over.

    Raises:
        AdoptionRefused: A result differs from the stored one, or a version had other parameters; nothing of that
            version was taken over, while the others were.
    """
    if type(verify) is not int or verify < 1:
        raise cas.InvalidInputError(
            f"expected at least one call to verify, found verify={verify!r}", "results are taken over on evidence only"
        )
    root = os.path.abspath(os.fspath(cache_root))
    caller = _caller(f, open_store(root, True))
    present = caller.current().fingerprint
    made, refused = 0, None
    for summary in caller.open().functions():
        record = summary.function
        if (record.module, record.qualname) != (present.module, present.qualname) or not summary.entries:
            continue
        try:
            made += adopt(caller, f"{record.module}:{record.qualname}@{record.fingerprint.hex()}", verify).made
        except cas.InvalidInputError:
            continue  # the present code, as it is called with classes of the user's
        except AdoptionRefused as error:
            refused = error  # one version with other results, or other parameters, is no reason to lose the rest
    made += _combine_originals(caller, root, f, verify) if trust else 0
    if refused is not None:
        raise refused
    return made


def _combine_originals(caller: Caller, root: str, f: Any, verify: int) -> int:
    """Take over what the original has of earlier versions, after computing some of it again."""
    current = get_cache_path(root, f).rstrip("/")
    inherited = Inherited(caller, (), "", True)
    paths = [path for path in _files(os.path.dirname(current)) if os.path.dirname(path) != current]
    for call, found in islice(_originals(inherited, f, paths), verify):
        computed = caller.forward(caller.function, call.values)
        differs = difference(found.result, computed)
        if differs is not None:
            raise AdoptionRefused(
                f"{caller.name}: a call computed again gave another result than neurotools has in {found.path}; "
                f"nothing of it was taken over\n  {differs}",
                "mend the code, or let its calls be computed again",
            )
    store, made = caller.open(), 0
    for call, found in _originals(inherited, f, paths):
        if store.created(call.key) is None:
            inherited.deposit(call, store, found)
            made += 1
    return made


def _originals(inherited: Inherited, f: Any, paths: list[str]) -> Iterator[tuple[Signed, Found]]:
    """Yield the calls that the original has results of, as the present function takes them."""
    for path in paths:
        try:
            original = read_original(path, trust=True)
        except Unreadable:
            continue  # `cas import --from neurotools` tells which
        call = inherited.sign(original)
        # Under other parameters or defaults the same arguments were another call, and had another name.
        if call is not None and _same_name(f, path, original):
            yield call, Found(path, original.result)


def _same_name(f: Any, path: str, original: Original) -> bool:
    method = path.rpartition(".")[2]
    return os.path.basename(_original_path("", f, method, original.args, original.kwargs)) == os.path.basename(path)


def _files(folder: str) -> list[str]:
    return sorted(
        os.path.join(place, name) for place, _, names in os.walk(folder) for name in names
        if is_original(os.path.join(place, name))
    )  # fmt: skip
