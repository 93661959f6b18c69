"""The tools on the board, each in its documented default way: the text that defines `cached`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from . import bombs


@dataclass(frozen=True, slots=True)
class Adapter:
    """One tool.

    Attributes:
        name: What the column is called.
        package: Distribution to be found for it to run; empty if it needs none.
        text: Source that defines `cached`; `ROOT` stands for the store's folder as a literal.
        limited: The same with a size limit of one megabyte, if the tool has such a thing.
        plant: Puts a bomb in place of every stored result, as one who may write the store would.
    """

    name: str
    package: str
    text: str
    limited: str = ""
    plant: Callable[[Path, bytes], int] = bombs.replace_files

    def source(self, root: Path, limited: bool = False) -> str:
        """Return the text that defines the decorator `cached` over a store at `root`."""
        text = self.limited if limited and self.limited else self.text
        return text.replace("ROOT", repr(str(root)))

    def installed(self) -> bool:
        """Return whether the tool can run here."""
        return not self.package or find_spec(self.package) is not None

    def title(self) -> str:
        """Return the name with its version."""
        if self.package and self.package != "memo":
            return f"{self.name} {version(self.package)}"
        return self.name


OURS = Adapter(
    "memo",
    "memo",
    "import memo\ncached = memo.cached(store=ROOT)",
    plant=bombs.forge_ours,
)

PEERS = (
    Adapter("joblib", "joblib", "import joblib\ncached = joblib.Memory(ROOT).cache"),
    Adapter(
        "diskcache",
        "diskcache",
        "import diskcache\ncached = diskcache.Cache(ROOT).memoize()",
        limited="import diskcache\ncached = diskcache.Cache(ROOT, size_limit=1_000_000).memoize()",
        plant=bombs.forge_diskcache,
    ),
    Adapter("cachier", "cachier", "from cachier import cachier\ncached = cachier(cache_dir=ROOT)"),
    # One archive a function: its keys hold the arguments only, and its documentation gives each its own. The keymap is
    # that of its first example: the default one hashes with Python's salted hash, which no other process has.
    Adapter(
        "klepto",
        "klepto",
        "from klepto import inf_cache\nfrom klepto.archives import dir_archive\n"
        "from klepto.keymaps import hashmap\n"
        "def cached(function):\n"
        "    name = function.__module__ + '.' + function.__qualname__\n"
        "    archive = dir_archive(ROOT + '/' + name.replace('<', '').replace('>', ''), cached=False)\n"
        "    return inf_cache(keymap=hashmap(algorithm='md5'), cache=archive)(function)",
    ),
)

# Two straw tools that prove the board can tell: one never remembers, one never forgets.
FORGETFUL = Adapter("forgetful", "", "def cached(function):\n    return function")
STUBBORN = Adapter(
    "stubborn",
    "",
    "def cached(function):\n"
    "    import os, pickle\n"
    "    def remembered(*arguments, **options):\n"
    "        path = os.path.join(ROOT, 'value')\n"
    "        if not os.path.exists(path):\n"
    "            os.makedirs(ROOT, exist_ok=True)\n"
    "            value = function(*arguments, **options)\n"
    "            with open(path, 'wb') as stream:\n"
    "                pickle.dump(value, stream)\n"
    "        with open(path, 'rb') as stream:\n"
    "            return pickle.load(stream)\n"
    "    return remembered",
)
