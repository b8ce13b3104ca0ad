"""`astilts pull`."""

from __future__ import annotations

import click

from adapterstilts.cli.flags import GroupedCommand, fields
from adapterstilts.cli.output import Output, say
from adapterstilts.commands.options import PulledFolder, PullOptions


@click.command("pull", cls=GroupedCommand)
@fields(PulledFolder, PullOptions, Output)
def pull(pulled: PulledFolder, options: PullOptions, output: Output) -> None:
    """Get a shared model, or one of the store, as a folder that its library loads.

    \b
    Examples:
      astilts pull me/xlmr-squad-adapter ./squad-adapter
      astilts pull squad@6f0c1d ./squad-adapter
    """
    from adapterstilts.commands.pull import run_pull
    from adapterstilts.commands.results import to_json
    from adapterstilts.reporting.progress import Terminal, quiet_libraries
    from adapterstilts.reporting.sharing import shared_text

    quiet_libraries()
    result = run_pull(pulled.reference, pulled.folder, options, Terminal().note)
    say(to_json(result) if output.json_ else shared_text(result, pulled=True))
