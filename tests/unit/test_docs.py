"""What the manual shows is true: its Python runs, and its commands exist."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest

from cas.cli import main

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?!https?:|#)([^)#\s]+)[^)]*\)")
CODE = re.compile(r"^```.*?^```$|`[^`\n]+`", re.MULTILINE | re.DOTALL)
TARGET = re.compile(r"^([a-z]+):", re.MULTILINE)


def blocks(page: Path, language: str) -> list[str]:
    """Return the fenced blocks of one language."""
    return [body for tag, body in FENCE.findall(page.read_text(encoding="utf-8")) if tag == language]


def typed(language: str = "console") -> list[list[str]]:
    """Return every command that the manual shows after a `$`, split as a shell would."""
    lines = [line for page in PAGES for block in blocks(page, language) for line in block.splitlines()]
    return [shlex.split(line[2:], comments=True) for line in lines if line.startswith("$ ")]


def named(page: Path) -> str:
    """Return what a test of a page is called."""
    return page.name


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page, "python")], ids=named)
def test_python_blocks_run(page: Path, tmp_path: Path) -> None:
    """The Python blocks of a page, one after another, run as a script in a fresh process and store."""
    script = tmp_path / f"{page.stem.lower()}.py"
    script.write_text("\n\n".join(blocks(page, "python")), encoding="utf-8")
    environment = os.environ | {"CAS_STORE": str(tmp_path / "store")}
    ran = subprocess.run(
        [sys.executable, "-W", "error", script],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert ran.returncode == 0, ran.stderr


@pytest.mark.parametrize("arguments", [words[1:] for words in typed() if words[0] == "cas"], ids=" ".join)
def test_cas_commands_exist(arguments: list[str]) -> None:
    """Every `cas` command that the manual shows exists and takes the arguments shown."""
    name, *rest = arguments
    command = main.get_command(click.Context(main), name)
    assert command is not None, f"no command {name}"
    with command.make_context(name, rest, resilient_parsing=False) as context:
        assert context.params


@pytest.mark.parametrize("words", [words for words in typed() if words[0] == "make"], ids=" ".join)
def test_make_targets_exist(words: list[str]) -> None:
    """Every `make` target that the manual shows is in the Makefile."""
    targets = TARGET.findall((ROOT / "Makefile").read_text(encoding="utf-8"))
    assert words[1] in targets


def test_commands_shown_are_known() -> None:
    """The manual shows no command that these tests do not look at."""
    assert {words[0] for words in typed()} <= {"cas", "make", "pip", "export", "sudo"}


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_links_lead_somewhere(page: Path) -> None:
    """Every link to a file of the project leads to one."""
    prose = CODE.sub("", page.read_text(encoding="utf-8"))
    assert [link for link in LINK.findall(prose) if not (page.parent / link).exists()] == []
