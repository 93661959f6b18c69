"""The command line, `cas`: one module a group of commands, over the Store interface.

Data goes to stdout, `error:` and `hint:` and progress to stderr; no command executes anything that is stored.
Only click is imported at start; rich and the rest are loaded by the commands that need them.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

import click

from cas.cli import exits
from cas.cli.care import fsck_command, gc_command, stats_command
from cas.cli.entries import rm_command, show_command
from cas.cli.get import get_command
from cas.cli.ls import ls_command
from cas.errors import CasError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main"]


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

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; a reader that has had enough (`cas ls | head`) ends it quietly."""
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError:
            # Nothing more can be said there, nor when the interpreter flushes on its way out.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return exits.OK
        return result


def _complain(message: str, hint: str, code: int) -> int:
    click.echo(f"error: {message}", err=True)
    if hint:
        click.echo(f"hint: {hint}", err=True)
    return code


@click.group(
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


for _command in (
    ls_command,
    show_command,
    get_command,
    rm_command,
    gc_command,
    fsck_command,
    stats_command,
):
    main.add_command(_command)
