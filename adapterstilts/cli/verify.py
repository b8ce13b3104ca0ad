"""`astilts verify`."""

from __future__ import annotations

import sys

import click

from adapterstilts.cli.flags import GroupedCommand, fields
from adapterstilts.cli.output import TableOutput, show
from adapterstilts.commands.options import SharedReference, VerifyOptions


@click.command("verify", cls=GroupedCommand)
@fields(SharedReference, VerifyOptions, TableOutput)
def verify(shared: SharedReference, options: VerifyOptions, output: TableOutput) -> None:
    """Measure a shared model's published scores again, and say whether they are equal.

    The exit code is 0 where they agree in two decimals.

    \b
    Examples:
      astilts verify ./task_adapters/squad/mini
      astilts verify me/xlmr-squad-adapter --data-dir ./download
    """
    from adapterstilts.commands.verify import run_verify
    from adapterstilts.reporting.progress import Terminal, quiet_libraries
    from adapterstilts.reporting.sharing import verify_report

    quiet_libraries()
    result = run_verify(shared.reference, options, Terminal())
    show(result, verify_report(result), output)
    if not result.agrees:
        sys.exit(1)
