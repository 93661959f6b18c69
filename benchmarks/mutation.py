"""Does a changed subroutine change the fingerprint? Real packages as the user's own code, one function at a time.

Run with `python -m benchmarks.mutation [package ...]`; packages are installed into a temporary folder that is not
site-packages, so that they count as the user's own. For each, a traced call tells which functions ran; some of these,
some that did not run, and some that no chain of names leads to, are changed one by one, each in a fresh process.
Beside it stand hashing the function's own source only, and hashing the whole of every module that is reached.
"""

from __future__ import annotations

import ast
import json
import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.studies import DRIVERS, NEEDS

ROOT = Path(__file__).resolve().parent.parent
EACH = int(os.environ.get("MUTATION_EACH", "20"))
WAYS = ("own source only", "fingerprint", "with arguments' classes", "whole modules")

CHILD = """
import hashlib, inspect, json, os, sys, warnings
warnings.simplefilter("ignore")
sys.dont_write_bytecode = True
from memo.fingerprint import code
class Folder:
    def get(self, key):
        path = os.path.join("tables", key.hex())
        return open(path, "rb").read() if os.path.exists(path) else None
    def put(self, key, value):
        open(os.path.join("tables", key.hex()), "wb").write(value)
code.table_cache = Folder()
import study
from memo.canonical import encode_arguments
from memo.errors import UnstableArgument
from memo.fingerprint import fingerprint
try:
    roots = encode_arguments(list(study.ARGUMENTS), tuple(f"a{i}" for i in range(len(study.ARGUMENTS))))[1]
except UnstableArgument:
    roots = tuple(type(argument) for argument in study.ARGUMENTS)
base = fingerprint(study.entry)
rooted = base.with_roots(roots)
names = {".".join(i.name.split(".")[:end]) for i in rooted.manifest if i.origin == "project" for end in range(1, 9)}
places = {getattr(module, "__file__", None) or "" for name, module in sys.modules.items() if name in names}
files = sorted(place for place in places if place.endswith(".py"))
own = hashlib.sha256(inspect.getsource(study.entry).encode()).hexdigest()
whole = hashlib.sha256(b"".join(open(file, "rb").read() for file in files)).hexdigest()
found = [[own, base.digest.hex(), rooted.digest.hex(), whole], len(rooted.manifest)]
if sys.argv[1] == "trace":
    ran = set()
    def seen(frame, event, argument):
        if event == "call":
            ran.add((frame.f_code.co_filename, frame.f_code.co_firstlineno))
    sys.setprofile(seen)
    study.entry(*study.ARGUMENTS)
    sys.setprofile(None)
    found += [sorted(ran), sorted(m.__file__ for m in sys.modules.values() if getattr(m, "__file__", None))]
print(json.dumps(found))
"""


def ask(folder: Path, mode: str) -> list:
    """Return what a fresh process finds: the digest by each way, the ingredients, and more if it traces."""
    env = {**os.environ, "PYTHONPATH": f"{folder}{os.pathsep}{ROOT}", "MPMATH_NOGMPY": "1", "PYTHONHASHSEED": "0"}
    command = [sys.executable, "-c", CHILD, mode]
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    return json.loads(done.stdout.splitlines()[-1])


def functions(path: Path) -> dict[int, ast.FunctionDef | ast.AsyncFunctionDef]:
    """Return the functions of a file by their first line."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = [node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]
    return {first_line(node): node for node in found}


def first_line(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Return the line of a function's first decorator, or its own."""
    return min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])


def words(node: ast.AST) -> set[str]:
    """Return every name, attribute and string in a piece of code."""
    found = set()
    for inner in ast.walk(node):
        if isinstance(inner, ast.Name):
            found.add(inner.id)
        elif isinstance(inner, ast.Attribute):
            found.add(inner.attr)
        elif isinstance(inner, ast.Constant) and isinstance(inner.value, str):
            found.update(inner.value.split("."))
        elif isinstance(inner, ast.alias):
            found.update(part for name in (inner.name, inner.asname) if name for part in name.split("."))
    return found


def led_to(study: Path, files: list[str]) -> set[str]:
    """Return the names that chains of names, of whatever scope and type, lead to from a study."""
    uses: dict[str, set[str]] = {}
    for file in files:
        for node in ast.walk(ast.parse(Path(file).read_text(encoding="utf-8"))):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                uses.setdefault(node.name, set()).update(words(node))
            elif isinstance(node, ast.ClassDef):
                methods = [inner for inner in node.body if isinstance(inner, ast.FunctionDef)]
                special = {method.name for method in methods if method.name.startswith("__")}
                heads = [inner for inner in node.body if inner not in methods]
                uses.setdefault(node.name, set()).update(special, *map(words, [*heads, *node.bases]))
            elif isinstance(node, (ast.Assign, ast.AnnAssign)):
                for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                    for name in words(target):
                        uses.setdefault(name, set()).update(words(node))
            elif isinstance(node, ast.Expr) and node.col_offset == 0:
                # A call as the module is loaded may give its arguments what they do later.
                for name in words(node):
                    uses.setdefault(name, set()).update(words(node))
    reached: set[str] = set()
    pending = words(ast.parse(study.read_text(encoding="utf-8")))
    while pending:
        reached |= pending
        pending = set().union(*(uses.get(name, ()) for name in pending)) - reached
    return reached


def mutated(text: str, line: int) -> str:
    """Return the text with one more statement at the start of the function that begins on a line."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and first_line(node) == line:
            at = 1 if ast.get_docstring(node) is not None else 0
            node.body.insert(at, ast.parse("_mutation = 12345").body[0])
            return ast.unparse(ast.fix_missing_locations(tree))
    raise LookupError(line)


def changed(folder: Path, chosen: list[tuple[str, int, str]], before: list) -> list[list[str]]:
    """Return, for each way, the functions whose change was seen."""
    seen: list[list[str]] = [[] for _ in WAYS]
    for one in chosen:
        path, line = Path(one[0]), one[1]
        text = path.read_text(encoding="utf-8")
        path.write_text(mutated(text, line), encoding="utf-8")
        try:
            after = ask(folder, "ask")
        finally:
            path.write_text(text, encoding="utf-8")
        for way, digest in enumerate(after[0]):
            if digest != before[0][way]:
                seen[way].append(label(one))
    return seen


def label(one: tuple[str, int, str]) -> str:
    """Return what a function is called in a report."""
    file, line, name = one
    return f"{Path(file).stem}:{line}.{name}"


def install(package: str, folder: Path) -> None:
    """Put a package and its study into a folder of the user's."""
    command = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", str(folder)]
    subprocess.run([*command, package, *NEEDS.get(package, [])], check=True, stderr=subprocess.DEVNULL)
    (folder / "study.py").write_text(DRIVERS[package])
    (folder / "tables").mkdir()


def measure(package: str, folder: Path) -> str:
    """Install one package, change its functions, and return a row of the table."""
    install(package, folder)
    before = ask(folder, "trace")
    again = ask(folder, "ask")
    if again[0] != before[0]:
        print(f"  {package}: another process finds another fingerprint", file=sys.stderr)
    ran = {(file, line) for file, line in before[2]}
    loaded = [file for file in before[3] if str(folder / package) in file and file.endswith(".py")]
    every = [(file, line, node.name) for file in loaded for line, node in functions(Path(file)).items()]
    led = led_to(folder / "study.py", loaded)
    groups = [
        [one for one in every if one[:2] in ran],
        [one for one in every if one[:2] not in ran],
        [one for one in every if one[:2] not in ran and one[2] not in led],
    ]
    chance = random.Random(0)
    chosen = [chance.sample(group, min(EACH, len(group))) for group in groups]
    seen = [changed(folder, group, before) for group in chosen]
    missed = sorted({label(one) for one in chosen[0]} - set(seen[0][2]))
    print(f"  {package} missed: {missed}", f"not run: {seen[1][2]}", f"unreachable: {seen[2][2]}", file=sys.stderr)
    cells = [
        " / ".join(percent(len(found[way]), len(group)) for found, group in zip(seen, chosen, strict=True))
        for way in range(len(WAYS))
    ]
    return f"| {package} | {' / '.join(str(len(group)) for group in chosen)} | {' | '.join(cells)} | {before[1]} |"


def percent(part: int, whole: int) -> str:
    """Return a share as it stands in the table."""
    return f"{100 * part / whole:.0f} %" if whole else "none"


def main() -> None:
    """Print the table; each cell is: seen of those run (recall), of those not run, of those that no name leads to."""
    print(f"| package | functions changed | {' | '.join(WAYS)} | ingredients |")
    print("|---|---|" + "---|" * (len(WAYS) + 1))
    for package in sys.argv[1:] or DRIVERS:
        with tempfile.TemporaryDirectory() as folder:
            print(measure(package, Path(folder)), flush=True)


if __name__ == "__main__":
    main()
