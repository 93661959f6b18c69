"""`cas` as a process: pipes, terminals, signals, and what it loads."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
from typing import TYPE_CHECKING

import msgpack
import numpy as np
import pytest

from tests.cli.conftest import LOAD, deposit
from tests.deposits import put

if TYPE_CHECKING:
    import cas

RUN = "import sys; from cas.cli import main; sys.exit(main())"
AT_ONCE = f"import cas.cli.output as output; output.PATIENCE = 0; {RUN}"
"""`cas` that shows its progress at once, since the work of a test is short."""


def piped(*arguments: str, code: str = RUN) -> subprocess.CompletedProcess[str]:
    """Run a command with pipes for everything."""
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60
    )


def on_terminal(*arguments: str, answer: str = "", width: int = 80, code: str = RUN) -> tuple[int, str]:
    """Run a command on a terminal of some width; return its exit code and all that was to be seen."""
    here, there = pty.openpty()
    try:
        size = struct.pack("HHHH", 24, width, 0, 0)
        import fcntl

        fcntl.ioctl(there, termios.TIOCSWINSZ, size)
        environment = {**os.environ, "TERM": "xterm"} | dict.fromkeys(("COLUMNS", "NO_COLOR"), "")
        environment = {name: value for name, value in environment.items() if value}
        process = subprocess.Popen(
            [sys.executable, "-c", code, *arguments], stdin=there, stdout=there, stderr=there, env=environment
        )
        os.close(there)
        os.write(here, answer.encode())
        seen = b""
        while select.select([here], [], [], 60)[0]:
            try:
                piece = os.read(here, 1 << 16)
            except OSError:  # how Linux says that the other side is closed
                break
            if not piece:
                break
            seen += piece
        return process.wait(60), seen.decode()
    finally:
        os.close(here)


def plain(text: str) -> list[str]:
    """Return the lines of what was to be seen, without colours."""
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text).replace("\r\n", "\n").splitlines()


@pytest.fixture
def filled(store: cas.Store) -> cas.Store:
    """Return a store with 600 entries whose argument is long."""
    for number in range(600):
        deposit(store, LOAD, [f"/data/{'recording' * 12}/{number}", [], {}], "tree/1", msgpack.packb(number))
    store.close()
    return store


def test_reading_needs_neither_numpy_nor_memo(filled):
    """Listing, showing, getting, and checking load neither numpy nor memo nor pickle."""
    key = next(iter(filled.entries())).key.hex()
    check = (
        "import sys; from cas.cli import main\n"
        "try: main()\n"
        "finally: print(sorted({'numpy', 'memo', 'pickle'} & set(sys.modules)), file=sys.stderr)"
    )
    for arguments in (["ls"], ["ls", "load"], ["show", key], ["get", key], ["gc"], ["fsck"], ["stats"]):
        outcome = piped(*arguments, "--store", filled.location, code=check)
        assert outcome.returncode == 0
        assert outcome.stderr.splitlines()[-1] == "[]"


def test_help_loads_no_command(tmp_path):
    """`cas --help` loads click, and neither rich nor the modules of any command."""
    check = (
        "import sys; from cas.cli import main\n"
        "try: main()\n"
        "finally: print([n for n in sys.modules if n in ('rich', 'sqlite3', 'msgpack', 'cas.cli.ls')], file=sys.stderr)"
    )
    outcome = piped("--help", code=check)
    assert (outcome.returncode, outcome.stderr) == (0, "[]\n")


def test_columns_are_whole_in_a_pipe(filled):
    """In a pipe no column is cut, every row comes, and there is neither colour nor progress."""
    outcome = piped("ls", "load", "--store", filled.location, code=AT_ONCE)
    lines = outcome.stdout.splitlines()
    assert len(lines) == 601
    assert f"'/data/{'recording' * 12}/599'" in lines[1]
    assert "\x1b" not in outcome.stdout
    assert (outcome.returncode, outcome.stderr) == (0, "")


def test_terminal_gets_a_page_that_fits(filled):
    """On a terminal the first page is shown, no line wider than it, and a note says how many more there are."""
    code, seen = on_terminal("ls", "load", "--store", filled.location, width=70)
    lines = plain(seen)
    assert code == 0
    assert len(lines) == 52
    assert max(map(len, lines)) <= 70
    assert lines[-1] == "550 more entries; --limit 0 shows all"
    assert "…" in lines[1]


def test_amounts_are_whole_on_a_narrow_terminal(filled):
    """Where there is little room texts give way, and amounts do not: half a number is another number."""
    _, seen = on_terminal("ls", "--store", filled.location, width=66)
    wide = plain(on_terminal("ls", "--store", filled.location, width=200)[1])
    heading, row = plain(seen)
    assert heading.split()[1:] == wide[0].split()[1:]
    # But for the age at the end: a second may pass between the two.
    narrow, full = (re.sub(r"(now|\d+ s)\s*$", "", line).split() for line in (row, wide[1]))
    assert narrow[1:] == full[1:]
    assert narrow[0] != full[0]


def test_progress_on_a_terminal(filled):
    """Long work shows its progress on a terminal, and leaves nothing of it behind."""
    code, seen = on_terminal("fsck", "--store", filled.location, code=AT_ONCE)
    assert code == 0
    assert "verifying entries" in seen
    assert "600/600" in seen
    assert plain(seen)[-1].endswith("everything is intact")


def test_rm_asks_on_a_terminal(filled):
    """On a terminal rm asks, with what is at stake; no keeps everything, yes removes."""
    command = ("rm", "--function", "load", "--store", filled.location)
    code, seen = on_terminal(*command, answer="n\n")
    assert code == 130
    assert "Remove 600 entries, 0 s of computing? [y/N]" in seen
    assert len(list(filled.entries())) == 600
    code, seen = on_terminal(*command, answer="y\n")
    assert code == 0
    assert "removed 600 entries" in seen
    assert list(filled.entries()) == []


def test_binary_is_kept_from_a_terminal(store):
    """An array is not poured onto a terminal; a hint names -o."""
    key = deposit(store, LOAD, ["a", [], {}], "npy/1", b"\x93NUMPY\x1b[31m")
    store.close()
    code, seen = on_terminal("get", key, "--store", store.location)
    assert code == 2
    assert "hint: name a file with -o PATH" in seen
    assert "\x1b" not in seen


def test_reader_that_has_had_enough(store):
    """`cas ls | head` ends quietly."""
    for number in range(3000):
        put(store, number)
    store.close()
    with subprocess.Popen(
        [sys.executable, "-c", RUN, "ls", "spectrum", "--store", store.location],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout.readline().split() == [b"KEY", b"number", b"RESULT", b"SIZE", b"COST", b"AGE"]
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(60) == 0


def test_interrupt(store, tmp_path):
    """Ctrl-C ends a command with 130 and no traceback."""
    put(store, 1)
    store.close()
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    # The command waits at a pipe, so that it is still running when it is interrupted.
    code = f"import cas.cli.ls as ls; ls.find_function = lambda *_: open({str(gate)!r}).read(); {RUN}"
    process = subprocess.Popen(
        [sys.executable, "-c", code, "ls", "spectrum", "--store", store.location],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    with open(gate, "w"):  # opens once the command waits at the other end
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, b"")
    assert b"Traceback" not in err


def test_errors_leave_stdout_empty(store):
    """An error goes to stderr, with its hint, and the exit code tells its kind."""
    put(store, 1)
    store.close()
    outcome = piped("show", "abcdef", "--store", store.location)
    assert (outcome.returncode, outcome.stdout) == (3, "")
    assert [line.split(":")[0] for line in outcome.stderr.splitlines()] == ["error", "hint"]


def test_array_through_a_pipe(store, tmp_path):
    """An array that goes through a pipe arrives as it is."""
    array = np.arange(100_000.0)
    np.save(tmp_path / "in.npy", array)
    key = deposit(store, LOAD, ["a", [], {}], "npy/1", (tmp_path / "in.npy").read_bytes())
    store.close()
    with open(tmp_path / "out.npy", "wb") as out:
        subprocess.run(
            [sys.executable, "-c", RUN, "get", key, "--store", store.location], stdout=out, check=True, timeout=60
        )
    assert np.array_equal(np.load(tmp_path / "out.npy"), array)


@pytest.mark.parametrize("encoding", ["ascii", "utf-8"])
def test_any_text_can_be_printed(store, encoding):
    """What the output's encoding cannot hold is written out, never a traceback."""
    deposit(store, LOAD, ["µ\N{GRINNING FACE}", [], {}], "tree/1", b"\1", summary="µ")
    store.close()
    for arguments in (["ls", "load"], ["ls", "load", "--json"], ["stats"]):
        outcome = subprocess.run(
            [sys.executable, "-c", RUN, *arguments, "--store", store.location],
            capture_output=True,
            env={**os.environ, "PYTHONIOENCODING": encoding},
            timeout=60,
        )
        assert outcome.returncode == 0, outcome.stderr
        if "--json" in arguments:
            assert json.loads(outcome.stdout)[0]["arguments"]["path"] == "µ\N{GRINNING FACE}"
