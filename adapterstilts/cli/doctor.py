"""`astilts doctor`."""

from __future__ import annotations

import click


@click.command("doctor")
@click.option("--profile", default="paper", show_default=True, help="Set of defaults: paper or mini.")
@click.option("--backbone", metavar="ID|DIR", help="Hub id, folder, or mini. Default: the profile's.")
@click.option("--revision", help="Commit of a backbone on the Hub.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def doctor(profile: str, backbone: str | None, revision: str | None, as_json: bool) -> None:
    """Say what works on a backbone, and why the rest does not.

    Of the backbone only configuration and tokenizer are read.

    \b
    Examples:
      astilts doctor --backbone mini
      astilts doctor --backbone Qwen/Qwen3-0.6B --json
    """
    from adapterstilts import api
    from adapterstilts.cli.progress import quiet_libraries
    from adapterstilts.commands.results import to_json
    from adapterstilts.reporting.doctor import doctor_text

    quiet_libraries()
    report = api.doctor(profile=profile, backbone=backbone, revision=revision)
    click.echo(to_json(report) if as_json else doctor_text(report), nl=as_json)
