"""`astilts methods`."""

from __future__ import annotations

import click


@click.command("methods")
@click.option("--profile", default="paper", show_default=True, help="Set of defaults: paper or mini.")
@click.option("--backbone", metavar="ID|DIR", help="Hub id, folder, or mini. Default: the profile's.")
@click.option("--revision", help="Commit of a backbone on the Hub.")
@click.option("--method", "only", metavar="NAME[OPTION=VALUE,...]", help="Only this one, with these options.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def methods(profile: str, backbone: str | None, revision: str | None, only: str | None, as_json: bool) -> None:
    """List the tuning methods, with what each trains and stores on a backbone.

    Of the backbone only the configuration is read.

    \b
    Examples:
      astilts methods --backbone mini
      astilts methods --backbone ./xlm-r --method 'seq_bn[reduction_factor=8,leave_out=0-11]'
    """
    from adapterstilts import api
    from adapterstilts.cli.progress import quiet_libraries
    from adapterstilts.commands.results import to_json
    from adapterstilts.reporting.methods import methods_table

    quiet_libraries()
    found = api.methods(profile=profile, backbone=backbone, revision=revision, method=only)
    click.echo(to_json(found) if as_json else methods_table(found), nl=as_json)
