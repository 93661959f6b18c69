"""Where the store is: the argument, `CAS_STORE`, the nearest pyproject.toml, the user's cache folder."""

from __future__ import annotations

import os

from cas.errors import InvalidInputError


def locate(location: str | os.PathLike[str] | None = None) -> str:
    """Return the absolute folder of the store to use.

    Args:
        location: Where the caller wants it; else `CAS_STORE`, else `[tool.cas] store` in the nearest
            pyproject.toml at or above the working directory, else the platform's user cache folder.

    Raises:
        InvalidInputError: The location or the table does not name a folder.
    """
    if location is None:
        location = os.environ.get("CAS_STORE") or _from_project(os.getcwd())
    if location is None:
        import platformdirs  # noqa: PLC0415 - only when nobody said where

        location = os.path.join(platformdirs.user_cache_dir("cas", appauthor=False), "store")
    path = os.fspath(location)
    if not isinstance(path, str) or not path.strip():
        raise InvalidInputError(
            f"expected a folder for the store, found {location!r}", "give a path, such as store='./results'"
        )
    return os.path.abspath(os.path.expanduser(path))


def _from_project(folder: str) -> str | None:
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


def _read_table(path: str, text: bytes) -> str | None:
    import tomllib  # noqa: PLC0415 - costs milliseconds, and few projects have the table

    try:
        tools = tomllib.loads(text.decode()).get("tool", {})
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidInputError(f"expected valid TOML in {path}: {error}", "mend the file") from error
    table = tools.get("cas", {}) if isinstance(tools, dict) else tools
    store = table.get("store") if isinstance(table, dict) else table
    if not isinstance(table, dict) or set(table) - {"store"} or not isinstance(store, str | None):
        raise InvalidInputError(
            f'expected [tool.cas] store = "folder" in {path}, found {table!r}', "give one folder as text"
        )
    return None if store is None else os.path.join(os.path.dirname(path), os.path.expanduser(store))
