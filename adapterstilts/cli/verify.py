"""`astilts verify`."""

from __future__ import annotations

import sys

import click

from adapterstilts.cli.flags import GroupedCommand, fields
from adapterstilts.cli.output import Output
from adapterstilts.commands.options import SharedReference, VerifyOptions


@click.command("verify", cls=GroupedCommand)
@fields(SharedReference, VerifyOptions, Output)
def verify(shared: SharedReference, options: VerifyOptions, output: Output) -> None:
    """Measure a shared model's published scores again, and say whether they are equal.

    The exit code is 0 where they agree in two decimals.

    \b
    Examples:
      astilts verify ./task_adapters/squad/mini
      astilts verify me/xlmr-squad-adapter --data-dir ./download
    """
    from adapterstilts.cli.progress import Terminal, quiet_libraries
    from adapterstilts.commands.results import to_json
    from adapterstilts.commands.verify import run_verify
    from adapterstilts.reporting.sharing import verify_text

    quiet_libraries()
    result = run_verify(shared.reference, options, Terminal())
    click.echo(to_json(result) if output.json_ else verify_text(result))
    if not result.agrees:
        sys.exit(1)
