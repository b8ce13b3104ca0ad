"""`astilts info`."""

from __future__ import annotations

import click

from adapterstilts.cli.flags import GroupedCommand, fields
from adapterstilts.cli.output import Output, say
from adapterstilts.commands.options import PullOptions, SharedReference


@click.command("info", cls=GroupedCommand)
@fields(SharedReference, PullOptions, Output)
def info(shared: SharedReference, options: PullOptions, output: Output) -> None:
    """Say what a shared model is: trained on what, with what, and what it scores.

    \b
    Examples:
      astilts info me/xlmr-squad-adapter
      astilts info squad
    """
    from adapterstilts.commands.pull import run_info
    from adapterstilts.commands.results import to_json
    from adapterstilts.reporting.progress import Terminal, quiet_libraries
    from adapterstilts.reporting.sharing import shared_text

    quiet_libraries()
    result = run_info(shared.reference, options, Terminal().note)
    say(to_json(result) if output.json_ else shared_text(result))
