"""The worked example from end to end, each step in a process of its own, as on another day.

Run as `python tour.py FOLDER`; the store, the edited programs and the picture are left in FOLDER.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
PROGRAMS = ("analysis.py", "recording.py", "spectra.py", "picture.py")
COMMENT = ("    centred = signal", "    # the mean is no oscillation\n    centred = signal")
HELPER = ('detrend(segment, type="linear")', 'detrend(segment, type="constant")')


def main(folder: Path) -> None:
    """Analyse twice, edit the code, analyse again, then ask the store what it holds."""
    os.environ["CAS_STORE"] = str(folder / "store")
    program = folder / "programs"
    for old in (folder / "store", program):
        shutil.rmtree(old, ignore_errors=True)
    program.mkdir(parents=True)
    for name in PROGRAMS:
        shutil.copy(HERE / name, program)
    first = analyse(program, "1. The first run computes everything")
    second = analyse(program, "2. The second run, a fresh process, computes nothing")
    print(f"    Both processes, with imports: {first:.1f} s, then {second:.1f} s.")
    edit(program / "analysis.py", COMMENT)
    analyse(program, "3. A comment was added to wavelet_power: nothing has changed")
    edit(program / "analysis.py", HELPER)
    analyse(program, "4. A helper of multitaper was edited: exactly what calls it is computed again")
    edit(program / "analysis.py", HELPER[::-1])
    analyse(program, "5. The edit was taken back: the first results are still there")
    title("6. A picture, every number of it from the store")
    picture = folder / "spectra.png"
    run(sys.executable, program / "picture.py", picture)
    print(f"    {picture}")
    title("7. What the store holds, and what was different in step 4")
    cas = Path(sysconfig.get_path("scripts")) / "cas"
    for arguments in (
        ("ls",),
        ("ls", "analysis.multitaper"),
        ("ls", "analysis.wavelet_power"),
        ("diff", "analysis.multitaper"),
    ):
        print(f"$ cas {' '.join(arguments)}", flush=True)
        run(cas, *arguments)
        print()
    print(f"Ask more of it:\n\n    export CAS_STORE={folder / 'store'}")
    print(f"    {cas} ls analysis.multitaper --where 'tapers >= 5' --sort -cost")


def analyse(program: Path, heading: str) -> float:
    """Run the analysis in a fresh process and return its seconds, imports and all."""
    title(heading)
    start = time.perf_counter()
    run(sys.executable, program / "spectra.py")
    return time.perf_counter() - start


def title(text: str) -> None:
    """Print a heading."""
    print(f"\n{text}\n", flush=True)


def edit(program: Path, change: tuple[str, str]) -> None:
    """Replace the one occurrence of a text in a program."""
    before, after = change
    text = program.read_text(encoding="utf-8")
    if text.count(before) != 1:
        message = f"{program} should hold {before!r} once, and holds it {text.count(before)} times"
        raise ValueError(message)
    program.write_text(text.replace(before, after), encoding="utf-8")


def run(*command: str | Path) -> None:
    """Run a command to its end; its failure ends the tour."""
    if (code := subprocess.run(command, check=False).returncode) != 0:
        sys.exit(f"failed with exit code {code}: {' '.join(map(str, command))}")


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
