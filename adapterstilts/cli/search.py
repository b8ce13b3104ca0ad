"""`astilts search`."""

from __future__ import annotations

import click

from adapterstilts.cli.flags import GroupedCommand, fields
from adapterstilts.cli.output import TableOutput, show
from adapterstilts.commands.options import SearchedTask, SearchOptions


@click.command("search", cls=GroupedCommand)
@fields(SearchedTask, SearchOptions, TableOutput)
def search(searched: SearchedTask, options: SearchOptions, output: TableOutput) -> None:
    """Find shared models in registries and on the Hub.

    \b
    Examples:
      astilts search squad --backbone xlm-roberta-large
      astilts search --no-hub --registry ./adapters
    """
    from adapterstilts.commands.search import run_search
    from adapterstilts.reporting.progress import Terminal, quiet_libraries
    from adapterstilts.reporting.sharing import search_report

    quiet_libraries()
    result = run_search(searched.task, options, Terminal().note)
    show(result, search_report(result), output)
