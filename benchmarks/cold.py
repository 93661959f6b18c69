"""A fresh process to its first hit: spawn, import, call, value on a pipe; whole processes alternate."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from . import peers
from .timing import Goal, Measure, slower, summarise

WORK = "cold process to first hit"
HEADS = {
    "bare call": "def cached(function): return function",
    peers.OURS: "import memo\ncached = memo.cached(store=ROOT)",
    "diskcache": "import diskcache\ncached = diskcache.Cache(ROOT).memoize()",
    "joblib": "import joblib\ncached = joblib.Memory(ROOT, verbose=0).cache",
    "cachier": "from cachier import cachier\ncached = cachier(cache_dir=ROOT)",
    "klepto": "from klepto import inf_cache\nfrom klepto.archives import dir_archive\n"
    "from klepto.keymaps import hashmap\n"
    "cached = inf_cache(keymap=hashmap(algorithm='md5'), cache=dir_archive(ROOT, cached=False))",
}
BODY = """
import os, sys

@cached
def work(count, rate, name):
    return count * rate + len(name)

value = work(6, 7.0, "")
loaded = ",".join(name for name in ("numpy", "scipy", "inspect", "logging", "dataclasses", "typing", "re", "json")
                  if name in sys.modules)
os.write(1, f"{value} {loaded}\\n".encode())
"""


def first_line(script: Path, environment: dict[str, str]) -> tuple[float, str]:
    """Return seconds from spawn to a script's first line, and the line."""
    begin = time.perf_counter()
    with subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, env=environment) as process:
        line = process.stdout.readline().decode() if process.stdout else ""
        taken = time.perf_counter() - begin
    if not line or process.returncode:
        raise AssertionError(f"{script} said {line!r}")
    return taken, line.strip()


def _first_hit(script: Path, environment: dict[str, str]) -> tuple[float, str]:
    """Return seconds from spawn to value, and which heavy modules were loaded by then."""
    taken, line = first_line(script, environment)
    value, _, loaded = line.partition(" ")
    if value != "42.0":
        raise AssertionError(f"{script} said {line!r}")
    return taken, loaded


def run(folder: Path, quick: bool) -> tuple[list[Measure], list[Goal]]:
    """Measure whole processes in turn."""
    here = peers.installed()
    names = [name for name in HEADS if name in here or name in ("bare call", peers.OURS)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    scripts, loaded = {}, {}
    for name in names:
        scripts[name] = folder / f"cold_{name.split(' ', maxsplit=1)[0]}.py"
        scripts[name].write_text(HEADS[name].replace("ROOT", repr(str(folder / f"cold-{name}"))) + BODY)
        for _ in range(3):
            _, loaded[name] = _first_hit(scripts[name], environment)
    samples: dict[str, list[float]] = {name: [] for name in names}
    for turn in range(5 if quick else 25):
        for step in range(len(names)):
            name = names[(turn + step) % len(names)]
            samples[name].append(_first_hit(scripts[name], environment)[0])
    measures = [summarise(WORK, name, taken) for name, taken in samples.items()]
    ours = loaded[peers.OURS]
    goals = [
        *slower(measures, peers.OURS, "diskcache", 1.2),
        Goal(
            WORK, "numpy not imported", f"imported: {ours or 'none of the heavy ones'}", "numpy" not in ours.split(",")
        ),
    ]
    return measures, goals
