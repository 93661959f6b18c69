"""Where the store is: the argument, `CAS_STORE`, the nearest pyproject.toml, the user's cache folder."""

from __future__ import annotations

import os

from cas.errors import InvalidInputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cas.store import Store


def places(location: object = None) -> list[str | Store]:
    """Return the absolute folders, URLs and open stores of the store to use: several are tiers, fast to slow.

    Args:
        location: Where the caller wants it: a folder, a URL, an open store, or a list of these; else `CAS_STORE`, else
            `[tool.cas] store` in the nearest pyproject.toml at or above the working directory, else the platform's
            user cache folder. A text may name several, separated by commas, unless it is a path that exists.

    Raises:
        InvalidInputError: The location or the table does not name one.
    """
    if location is None:
        location = os.environ.get("CAS_STORE") or _from_project(os.getcwd())
    if location is None:
        import platformdirs  # noqa: PLC0415 - only when nobody said where

        location = os.path.join(platformdirs.user_cache_dir("cas", appauthor=False), "store")
    return absolute(location)


def absolute(location: object) -> list[str | Store]:
    """Return what a location names, with relative paths made absolute: they name the same after an `os.chdir`."""
    if isinstance(location, str):
        location = _split(location)
    given = location if isinstance(location, list | tuple) else [location]
    if not given:
        raise InvalidInputError("expected a folder for the store, found an empty list", "give at least one")
    return [_absolute(place) for place in given]


def _split(text: str) -> list[str]:
    """Return the places that a text names, separated by commas; a path that exists is one, commas and all."""
    if "," not in text:
        return [text]
    pieces = text.split(",")
    for end in range(len(pieces), 1, -1):
        first = ",".join(pieces[:end])
        if os.path.exists(os.path.expanduser(first)):
            return [first, *_split(",".join(pieces[end:]))] if end < len(pieces) else [first]
    return [pieces[0].strip(), *(piece.strip() for piece in _split(",".join(pieces[1:])))]


def _absolute(place: object) -> str | Store:
    if hasattr(place, "fetch"):
        return place  # type: ignore[return-value]
    path = os.fspath(place) if isinstance(place, str | os.PathLike) else None
    if not isinstance(path, str) or not path.strip():
        raise InvalidInputError(
            f"expected a folder for the store, found {place!r}", "give a path, such as store='./results'"
        )
    return path if is_url(path) else os.path.abspath(os.path.expanduser(path))


def is_url(location: str) -> bool:
    """Return whether a location is a URL, `scheme://…`, and not a path."""
    scheme, mark, _ = location.partition("://")
    return bool(mark) and len(scheme) > 1 and scheme.isalnum() and scheme.isascii()


def parse_url(url: str) -> tuple[str, str, dict[str, str]]:
    """Return scheme, name and options of a URL, with every `%XX` undone; the name of a `file://` is a folder.

    Raises:
        InvalidInputError: It names another host's folder, none at all, or gives an option no value.
    """
    from urllib.parse import parse_qsl, unquote_to_bytes  # noqa: PLC0415 - only for URLs

    scheme, _, rest = url.partition("://")
    path, _, query = rest.partition("?")
    scheme, name = scheme.lower(), os.fsdecode(unquote_to_bytes(os.fsencode(path)))
    if scheme == "file":
        name = name.removeprefix("localhost")
        if not name.startswith("/"):
            raise InvalidInputError(
                f"expected an absolute folder after file://, found {url!r}", "write it as file:///data/results"
            )
        name = os.path.abspath(name)
    try:
        options = dict(parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query)))
    except ValueError as error:
        raise InvalidInputError(f"expected ?name=value after {rest!r}: {error}", "such as ?grace=12h") from error
    if not name.strip("/"):
        raise InvalidInputError(f"expected a name after {scheme}://, found {url!r}", f"such as {scheme}://results")
    return scheme, name, options


def _from_project(folder: str) -> list[str] | None:
    """Return `[tool.cas] store` of the nearest pyproject.toml, relative to that file."""
    while True:
        path = os.path.join(folder, "pyproject.toml")
        try:
            with open(path, "rb") as file:
                text = file.read()
        except OSError:
            parent = os.path.dirname(folder)
            if parent == folder:
                return None
            folder = parent
            continue
        return _read_table(path, text) if b"tool.cas" in text else None


def _read_table(path: str, text: bytes) -> list[str] | None:
    import tomllib  # noqa: PLC0415 - costs milliseconds, and few projects have the table

    try:
        tools = tomllib.loads(text.decode()).get("tool", {})
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidInputError(f"expected valid TOML in {path}: {error}", "mend the file") from error
    table = tools.get("cas", {}) if isinstance(tools, dict) else tools
    store = table.get("store") if isinstance(table, dict) else table
    stores = [store] if isinstance(store, str) else store
    if not isinstance(table, dict) or set(table) - {"store"} or not _are_places(stores):
        raise InvalidInputError(
            f'expected [tool.cas] store = "folder" in {path}, found {table!r}',
            'give one folder as text, or several as a list, fast to slow: ["/scratch/fast", "/shared/slow"]',
        )
    if stores is None:
        return None
    folder = os.path.dirname(path)
    return [place if is_url(place) else os.path.join(folder, os.path.expanduser(place)) for place in stores]


def _are_places(stores: object) -> bool:
    if isinstance(stores, list):
        return bool(stores) and all(isinstance(store, str) for store in stores)
    return stores is None
