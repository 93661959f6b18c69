"""Does a changed subroutine change the fingerprint? Real packages as the user's own code, one function at a time.

Run with `python -m benchmarks.mutation [package ...]`; packages are installed into a temporary folder that is not
site-packages, so that they count as the user's own. For each, a traced call tells which functions ran; some of these,
some that did not run, and some that no chain of names leads to, are changed one by one, each in a fresh process.
Functions that ran only as the modules were loaded are in none of the groups: what they made may run.
Beside it stand hashing the function's own source only, and hashing the whole of every module that is reached.

With `--why`, nothing is changed: it says by which label each function that did not run came into the fingerprint.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import random
import subprocess
import sys
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.paths import DEFINITIONS, led_to
from benchmarks.studies import DRIVERS, FOREIGN, NEEDS

ROOT = Path(__file__).resolve().parent.parent
EACH = 40
AT_ONCE = 2
WAYS = ("own source only", "fingerprint", "with arguments' classes", "with `depends` by audit instead", "whole modules")
GROUPS = ("ran", "not run", "no name leads to")

Function = tuple[str, int, str]
"""File, first line, name."""


@dataclass(frozen=True)
class Row:
    """What was found of one package: how many functions of each group were changed, and by each way seen."""

    package: str
    changed: tuple[int, ...]
    seen: tuple[tuple[int, ...], ...]
    ingredients: int = 0
    declared: int = 0

    def __str__(self) -> str:
        ways = (
            " / ".join(percent(part, whole) for part, whole in zip(way, self.changed, strict=True)) for way in self.seen
        )
        counts = " / ".join(map(str, self.changed))
        return f"| {self.package} | {counts} | {' | '.join(ways)} | {self.ingredients} | {self.declared} |"


def percent(part: int, whole: int) -> str:
    """Return a share as it stands in the table."""
    return f"{100 * part / whole:.0f} %" if whole else "none"


def pooled(rows: list[Row]) -> Row:
    """Return the sum of all packages."""
    changed = tuple(map(sum, zip(*(row.changed for row in rows), strict=True)))
    seen = tuple(tuple(map(sum, zip(*ways, strict=True))) for ways in zip(*(row.seen for row in rows), strict=True))
    return Row("**all**", changed, seen, sum(row.ingredients for row in rows), sum(row.declared for row in rows))


def main() -> None:
    """Print the table; each cell is: seen of those that ran (recall), that did not run, that no name leads to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("package", nargs="*", help=f"default: {' '.join(DRIVERS)}")
    parser.add_argument("--each", type=int, default=EACH, help="how many of each group to change; default: %(default)s")
    parser.add_argument("--why", action="store_true", help="tell what brings in the functions that did not run")
    options = parser.parse_args()
    packages = options.package or list(DRIVERS)
    if options.why:
        for package in packages:
            print(explain(package))
        return
    print(f"| package | functions changed | {' | '.join(WAYS)} | ingredients | declared |")
    print("|---|---|" + "---|" * (len(WAYS) + 2), flush=True)
    rows = []
    with ThreadPoolExecutor(AT_ONCE) as workers:
        for row in workers.map(lambda package: measure(package, options.each), packages):
            rows.append(row)
            print(row, flush=True)
    if len(rows) > 1:
        print(pooled(rows))


def measure(package: str, each: int) -> Row:
    """Install one package, change its functions one at a time, and return what was seen."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        install(package, folder)
        before = ask(folder, "trace")
        told = ask(folder, "ask")["digests"]
        if ask(folder, "ask")["digests"] != told:
            print(f"  {package}: another process finds another fingerprint", file=sys.stderr)
        chance = random.Random(0)
        chosen = [chance.sample(group, min(each, len(group))) for group in grouped(package, folder, before)]
        seen = [changed(folder, group, told) for group in chosen]
        missed = sorted({label(one) for one in chosen[0]} - {label(one) for one in seen[0][2]})
        print(f"  {package} missed: {missed}, not run: {[*map(label, seen[1][2])]}", file=sys.stderr)
        counts = tuple(tuple(len(found[way]) for found in seen) for way in range(len(WAYS)))
        return Row(package, tuple(map(len, chosen)), counts, before["ingredients"], before["declared"])


def install(package: str, folder: Path) -> None:
    """Put a package and its study into a folder of the user's, and beside them what stays someone else's."""
    own = [package, *NEEDS.get(package, [])]
    for names, target in ((own, folder), (FOREIGN.get(package), folder / "site-packages")):
        if names:
            command = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", str(target), *names]
            subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
    (folder / "study.py").write_text(DRIVERS[package])
    (folder / "tables").mkdir()
    (folder / "declared.json").write_text("[]")


def ask(folder: Path, mode: str) -> dict[str, Any]:
    """Return what a fresh process finds; see `benchmarks.asked`."""
    path = os.pathsep.join(map(str, (folder, folder / "site-packages", ROOT)))
    env = {**os.environ, "PYTHONPATH": path, "MPMATH_NOGMPY": "1", "PYTHONHASHSEED": "0", "MPLBACKEND": "agg"}
    command = [sys.executable, "-m", "benchmarks.asked", mode]
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def grouped(package: str, folder: Path, before: dict[str, Any]) -> list[list[Function]]:
    """Return the package's functions that ran, that did not run, and that no chain of names leads to."""
    ran, loaded = ({(file, line) for file, line in before[which]} for which in ("ran", "loaded"))
    files = [file for file in before["files"] if file.startswith(str(folder / package) + os.sep)]
    every = [(file, line, node.name) for file in files for line, node in functions(Path(file)).items()]
    led = led_to(folder / "study.py", files)
    idle = [one for one in every if one[:2] not in ran and one[:2] not in loaded]
    return [[one for one in every if one[:2] in ran], idle, [one for one in idle if one[2] not in led]]


def functions(path: Path) -> dict[int, ast.FunctionDef | ast.AsyncFunctionDef]:
    """Return the functions of a file by their first line."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {first_line(node): node for node in ast.walk(tree) if isinstance(node, DEFINITIONS)}


def first_line(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Return the line of a function's first decorator, or its own."""
    return min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])


def changed(folder: Path, chosen: list[Function], before: list[str]) -> list[list[Function]]:
    """Return, for each way, the functions whose change was seen."""
    seen: list[list[Function]] = [[] for _ in WAYS]
    for one in chosen:
        path, line = Path(one[0]), one[1]
        text = path.read_text(encoding="utf-8")
        path.write_text(mutated(text, line), encoding="utf-8")
        try:
            after = ask(folder, "ask")
        finally:
            path.write_text(text, encoding="utf-8")
        for way, digest in enumerate(after["digests"]):
            if digest != before[way]:
                seen[way].append(one)
    return seen


def mutated(text: str, line: int) -> str:
    """Return the text with one more statement at the start of the function that begins on a line."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, DEFINITIONS) and first_line(node) == line:
            at = 1 if ast.get_docstring(node) is not None else 0
            node.body.insert(at, ast.parse("_mutation = 12345").body[0])
            return ast.unparse(ast.fix_missing_locations(tree))
    raise LookupError(line)


def label(one: Function) -> str:
    """Return what a function is called in a report."""
    file, line, name = one
    return f"{Path(file).stem}:{line}.{name}"


def explain(package: str) -> str:
    """Return how the functions that did not run came into a package's fingerprint, the commonest way first."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        install(package, folder)
        before = ask(folder, "trace")
        ran, idle, _ = grouped(package, folder, before)
    names = {one[2] for one in ran}
    ways: Counter[str] = Counter()
    for told, (kind, source, link) in before["why"].items():
        if told.rpartition(".")[2] in {one[2] for one in idle} - names:
            ways[_way(kind, link, source.rpartition(".")[2] in names)] += 1
    lines = [f"  {count:4} {way}" for way, count in ways.most_common()]
    return "\n".join([f"{package}: {sum(ways.values())} functions that did not run", *lines])


def _way(kind: str, link: str, source_ran: bool) -> str:
    if kind == "class":
        name = link.partition(":")[2].partition(".")[0]
        return "special method of a class in use" if name.startswith("__") else "method or property, by its name"
    if kind == "function":
        how = {"c": "closure", "w": "wrapped", "*": "module as a whole", "i": "import inside"}
        return f"{how.get(link[0], 'named')} by a function that {'ran' if source_ran else 'did not run either'}"
    return f"by {kind}"


if __name__ == "__main__":
    main()
