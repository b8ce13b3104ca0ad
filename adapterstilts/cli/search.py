"""`astilts search`."""

from __future__ import annotations

import click

from adapterstilts.cli.flags import GroupedCommand, fields
from adapterstilts.cli.output import Output
from adapterstilts.commands.options import SearchedTask, SearchOptions


@click.command("search", cls=GroupedCommand)
@fields(SearchedTask, SearchOptions, Output)
def search(searched: SearchedTask, options: SearchOptions, output: Output) -> None:
    """Find shared models in registries and on the Hub.

    \b
    Examples:
      astilts search squad --backbone xlm-roberta-large
      astilts search --no-hub --registry ./adapters
    """
    from adapterstilts.cli.progress import Terminal, quiet_libraries
    from adapterstilts.commands.results import to_json
    from adapterstilts.commands.search import run_search
    from adapterstilts.reporting.sharing import search_table

    quiet_libraries()
    result = run_search(searched.task, options, Terminal().note)
    click.echo(to_json(result) if output.json_ else search_table(result))
