"""`astilts methods`."""

from __future__ import annotations

import click

from adapterstilts.cli.flags import GroupedCommand, fields
from adapterstilts.cli.output import TableOutput, show
from adapterstilts.commands.options import MethodsOptions


@click.command("methods", cls=GroupedCommand)
@fields(MethodsOptions, TableOutput)
def methods(options: MethodsOptions, output: TableOutput) -> None:
    """List the tuning methods, with what each trains and stores on a backbone.

    Of the backbone only the configuration is read.

    \b
    Examples:
      astilts methods --backbone mini
      astilts methods --backbone ./xlm-r --method 'seq_bn[reduction_factor=8]'
    """
    from adapterstilts.commands.methods import list_methods
    from adapterstilts.reporting.methods import methods_report
    from adapterstilts.reporting.progress import quiet_libraries

    quiet_libraries()
    found = list_methods(options)
    show(found, methods_report(found), output)
