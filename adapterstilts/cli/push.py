"""`astilts push`."""

from __future__ import annotations

import click

from adapterstilts.cli.flags import GroupedCommand, fields
from adapterstilts.cli.output import Output, say
from adapterstilts.commands.options import PushedRun, PushOptions


@click.command("push", cls=GroupedCommand)
@fields(PushedRun, PushOptions, Output)
def push(pushed: PushedRun, options: PushOptions, output: Output) -> None:
    """Share a trained model on the Hub or in a registry, in its library's own format and with a card.

    The second push of the same model changes nothing.

    \b
    Examples:
      astilts push squad --to me/xlmr-squad-adapter --dry-run
      astilts push squad@6f0c1d --to ./adapters
    """
    from adapterstilts.commands.push import run_push
    from adapterstilts.commands.results import to_json
    from adapterstilts.reporting.progress import Terminal, quiet_libraries
    from adapterstilts.reporting.sharing import push_text

    quiet_libraries()
    result = run_push(pushed.run, options, Terminal().note)
    say(to_json(result) if output.json_ else push_text(result))
