"""Real processes that run a piece of code at the same moment."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

ROOT = Path(__file__).resolve().parents[2]
_PREAMBLE = """
import os, sys
import cas
from tests.deposits import *
folder, me = sys.argv[1], int(sys.argv[2])
print("ready", flush=True)
sys.stdin.readline()
"""


class Crowd:
    """Processes that each run `code`, with `folder` and their number `me`, once all of them are ready."""

    def __init__(self, code: str, folder: object, members: Iterable[int]) -> None:
        self.members = [
            subprocess.Popen(
                [sys.executable, "-c", _PREAMBLE + code, str(folder), str(me)],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT,
            )
            for me in members
        ]  # fmt: skip

    def start(self) -> None:
        """Let all of them go, as soon as all are ready."""
        for member in self.members:
            assert member.stdout.readline() == "ready\n", member.communicate()[1]
        for member in self.members:
            member.stdin.write("go\n")
            member.stdin.flush()

    def finish(self) -> list[str]:
        """Wait for all, assert that none failed or complained, and return what each printed."""
        ended = [member.communicate(timeout=100) for member in self.members]
        complaints = "".join(errors for _, errors in ended)
        assert not complaints, complaints
        assert [member.returncode for member in self.members] == [0] * len(ended)
        return [printed for printed, _ in ended]


def run_together(code: str, folder: object, count: int) -> list[str]:
    """Run `code` in so many processes at once, and return what each printed."""
    crowd = Crowd(code, folder, range(count))
    crowd.start()
    return crowd.finish()
