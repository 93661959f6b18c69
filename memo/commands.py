"""The commands of `cas` that know functions: found by their entry points, so that `cas` need not know `memo`."""

from __future__ import annotations

import click


@click.command("adopt")
def adopt_command() -> None:
    """Take over results of an earlier version of a function, after recomputing a sample."""
