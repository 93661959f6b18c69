"""The commands of `cas` that know functions: found by their entry points, so that `cas` need not know `memo`.

Loaded for `cas --help`: what a command does is imported when it runs.
"""

from __future__ import annotations

import click

from cas.cli.options import store_option


@click.command("adopt")
@click.argument("version", metavar="F@CODE")
@click.option("--verify", default=5, metavar="N", show_default=True, help="How many calls to compute again.")
@click.option("--rtol", default=0.0, metavar="X", help="Let numbers differ by X times their size.")
@click.option("--atol", default=0.0, metavar="X", help="Let numbers differ by X.")
@click.option("--ulp", default=0, metavar="N", help="Let numbers differ by N units in the last place.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@store_option
def adopt_command(
    version: str, verify: int, rtol: float, atol: float, ulp: int, yes: bool, location: str | None
) -> None:
    """Take over results of an earlier version of a function, after computing a few of them again.

    F@CODE is the earlier version as `cas ls F --versions` shows it. The present function is imported from the current
    folder and called: what it does besides returning a result, it does again. Unless every result equals the stored
    one, bit by bit or within --rtol, --atol or --ulp, nothing is changed.
    """
    from memo.adopting.difference import Tolerance  # noqa: PLC0415 - as said above
    from memo.conversation import converse  # noqa: PLC0415 - as said above

    converse(version, verify, Tolerance(rtol, atol, ulp), yes, location)
