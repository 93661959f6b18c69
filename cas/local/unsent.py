"""What a store still has to pass on to further tiers: one empty file for each entry and tier.

A file is there before its entry and goes when the tier has the entry, so that whoever opens the chain after a crash
knows what is left to do. Each deposit has a file of its own: what is deposited again while it is copied is not lost.
Knows nothing of chains.
"""

from __future__ import annotations

import os

from blake3 import blake3

from cas.local.layout import cannot_read, cannot_write, writer_lives

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cas.local.layout import Layout

# Beside the files of a tier: its location, for a person to read.
_TIER = "TIER"


class Unsent:
    """The entries of one local store that further tiers do not have yet.

    A tier is named by its location. File names: `<process id>-<key>-<random>`.
    """

    def __init__(self, layout: Layout) -> None:
        self._root = layout.unsent

    def _folder(self, tier: str) -> str:
        return os.path.join(self._root, blake3(tier.encode()).hexdigest(8))

    def knows(self, tier: str) -> bool:
        """Return whether entries were ever to be passed on to a tier."""
        return os.path.exists(os.path.join(self._folder(tier), _TIER))

    def introduce(self, tier: str) -> None:
        """Remember that there is such a tier, so that it is not taken for a new one when it is gone."""
        path = os.path.join(self._folder(tier), _TIER)
        if os.path.exists(path):
            return
        try:
            os.makedirs(self._folder(tier), mode=0o700, exist_ok=True)
            with open(path, "w", encoding="utf-8", errors="surrogateescape") as file:
                file.write(f"{tier}\n")
        except OSError as error:
            raise cannot_write(error, path) from error

    def add(self, tier: str, key: bytes, durable: bool) -> str:
        """Write down that an entry is to be passed on, before it is visible; return the name of that.

        Durability: with `durable`, it is on the disk when this returns.
        """
        folder = self._folder(tier)
        name = f"{os.getpid()}-{key.hex()}-{os.urandom(4).hex()}"
        path = os.path.join(folder, name)
        try:
            try:
                file = _create(path)
            except FileNotFoundError:
                self.introduce(tier)
                file = _create(path)
            try:
                if durable:
                    os.fsync(file)
            finally:
                os.close(file)
            if durable:
                _sync(folder)
        except OSError as error:
            raise cannot_write(error, path) from error
        return name

    def waiting(self, tier: str) -> list[tuple[bytes, str]]:
        """Return key and name of what is to be passed on, without what other living processes are at."""
        try:
            names = sorted(os.listdir(self._folder(tier)))
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as error:
            raise cannot_read(error, self._folder(tier)) from error
        mine = f"{os.getpid()}-"
        return [
            (key, name) for name in names if (key := _key(name)) and (name.startswith(mine) or not writer_lives(name))
        ]

    def remove(self, tier: str, name: str) -> None:
        """Write down that an entry has been passed on."""
        path = os.path.join(self._folder(tier), name)
        try:
            os.unlink(path)
        except (FileNotFoundError, NotADirectoryError):
            return
        except OSError as error:
            raise cannot_write(error, path) from error

    def forget(self, keys: Iterable[bytes]) -> None:
        """Pass none of these entries on to any tier."""
        gone = {key.hex() for key in keys}
        for folder, name in self._files():
            key = _key(name)
            if key and key.hex() in gone:
                try:
                    os.unlink(os.path.join(folder, name))
                except FileNotFoundError:
                    continue
                except OSError as error:
                    raise cannot_write(error, folder) from error

    def _files(self) -> Iterator[tuple[str, str]]:
        for folder, _, names in os.walk(self._root):
            for name in names:
                yield folder, name


def _key(name: str) -> bytes:
    """Return the key in a file's name; empty if there is none."""
    parts = name.split("-")
    try:
        return bytes.fromhex(parts[1]) if len(parts) == 3 else b""
    except ValueError:
        return b""


def _create(path: str) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)


def _sync(folder: str) -> None:
    file = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(file)
    finally:
        os.close(file)
