"""The command line, `cas`: one module a group of commands, over the Store interface.

Data goes to stdout, `error:` and `hint:` and progress to stderr; no command executes anything that is stored.
Only click is imported at start: a command's module is loaded when the command runs, rich when a terminal needs it.
"""

from __future__ import annotations

import io
import os
import sys
import warnings
from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

from cas.cli import exits
from cas.errors import CasError, StoreWarning

if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.metadata import EntryPoint

__all__ = ["main"]

_COMMANDS = {
    "ls": ("ls", "List functions, or one function's entries or versions."),
    "show": ("entries", "Show everything about one entry, or the code of one version."),
    "diff": ("diff", "Show what changed from one version of a function to another."),
    "why": ("why", "Tell why a call was computed, and not served."),
    "get": ("get", "Write a result to plain files."),
    "rm": ("entries", "Remove entries."),
    "gc": ("care", "Remove what nothing needs, and what you say may go."),
    "fsck": ("care", "Verify everything; --repair mends what can be."),
    "stats": ("care", "What the store holds, in figures."),
    "export": ("transfer", "Copy results into a folder that needs no software of ours."),
    "import": ("transfer", "Copy results from such a folder, another store, or another software's cache."),
    "merge": ("transfer", "Copy results from other stores."),
}
"""The commands in the order of the help: the module of each, and what it does."""


class _Commands(click.Group):
    """A group that speaks of errors in one voice, and ends with the documented exit codes."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        """Run a command and leave the process with its exit code."""
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")  # text may hold what the terminal's encoding has not
        try:
            code = super().main(args, prog_name or "cas", complete_var, standalone_mode=False, **extra)
        except click.Abort:
            code = exits.INTERRUPTED
        except click.UsageError as error:
            command = error.ctx.command_path if error.ctx else "cas"
            code = _complain(error.format_message(), f"`{command} --help` says what it takes", exits.USAGE)
        except click.ClickException as error:
            code = _complain(error.format_message(), "", error.exit_code)
        except CasError as error:
            code = _complain(error.message, error.hint, exits.exit_code(error))
        sys.exit(code or exits.OK)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands."""
        return [*_COMMANDS, *sorted(point.name for point in _added())]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load a command."""
        if cmd_name not in _COMMANDS:
            loaded = [point.load() for point in _added() if point.name == cmd_name]
            return loaded[0] if loaded else None
        module = import_module(f"cas.cli.{_COMMANDS[cmd_name][0]}")
        command: click.Command = getattr(module, f"{cmd_name}_command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write what the commands do, without loading them."""
        with formatter.section("Commands"):
            added = [(point.name, point.load().get_short_help_str()) for point in _added()]
            formatter.write_dl([*((name, text) for name, (_, text) in _COMMANDS.items()), *added])

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; a reader that has had enough (`cas ls | head`) ends it quietly."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("always", StoreWarning)
                warnings.showwarning = _say  # type: ignore[assignment]  # of many parameters, one is needed
                result = super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError:
            # Nothing more can be said there, nor when the interpreter flushes on its way out.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return exits.OK
        return result


def _added() -> list[EntryPoint]:
    """Return the commands that other installed packages add: `memo` has some that know functions."""
    from importlib.metadata import entry_points  # noqa: PLC0415 - slow to load, and no command of ours needs it

    return sorted(entry_points(group="cas.commands"))


def _say(message: Warning | str, *_: object) -> None:
    """Print a warning as the command line speaks, without the line of code that it comes from."""
    _print("warning", str(message))


def _complain(message: str, hint: str, code: int) -> int:
    _print("error", message)
    if hint:
        _print("hint", hint)
    return code


def _print(kind: str, text: str) -> None:
    from cas.cli.output import printable  # noqa: PLC0415 - only where something is wrong

    # Names that a foreign store made up stand in messages, too.
    click.echo("\n".join(map(printable, f"{kind}: {text}".split("\n"))), err=True)


@click.group(
    "cas",
    cls=_Commands,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name="cas-memo", prog_name="cas")
@click.pass_context
def main(context: click.Context) -> None:
    """Look into a store of computed results, and take care of it.

    The store is --store, or CAS_STORE, or [tool.cas] store in the nearest pyproject.toml, or the user's cache
    folder.

    Exit codes: 0 done, 1 findings or failure, 2 bad input, 3 not found, 4 ambiguous, 5 busy, 6 disk, 7 damage.
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help())
