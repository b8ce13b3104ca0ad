"""`astilts methods`."""

from __future__ import annotations

import click

from adapterstilts.cli.flags import GroupedCommand, fields
from adapterstilts.cli.output import Output
from adapterstilts.commands.options import MethodsOptions


@click.command("methods", cls=GroupedCommand)
@fields(MethodsOptions, Output)
def methods(options: MethodsOptions, output: Output) -> None:
    """List the tuning methods, with what each trains and stores on a backbone.

    Of the backbone only the configuration is read.

    \b
    Examples:
      astilts methods --backbone mini
      astilts methods --backbone ./xlm-r --method 'seq_bn[reduction_factor=8]'
    """
    from adapterstilts.cli.progress import quiet_libraries
    from adapterstilts.commands.methods import list_methods
    from adapterstilts.commands.results import to_json
    from adapterstilts.reporting.methods import methods_table

    quiet_libraries()
    found = list_methods(options)
    click.echo(to_json(found) if output.json_ else methods_table(found), nl=output.json_)
