"""`astilts doctor`."""

from __future__ import annotations

import click

from adapterstilts.cli.flags import GroupedCommand, fields
from adapterstilts.cli.output import Output, say
from adapterstilts.commands.options import BackboneOptions


@click.command("doctor", cls=GroupedCommand)
@fields(BackboneOptions, Output)
def doctor(options: BackboneOptions, output: Output) -> None:
    """Say what works on a backbone, and why the rest does not.

    Of the backbone only configuration and tokenizer are read.

    \b
    Examples:
      astilts doctor --backbone mini
      astilts doctor --backbone Qwen/Qwen3-0.6B --json
    """
    from adapterstilts.commands.doctor import examine
    from adapterstilts.commands.results import to_json
    from adapterstilts.reporting.doctor import doctor_text
    from adapterstilts.reporting.progress import quiet_libraries

    quiet_libraries()
    report = examine(**dict(options))
    say(to_json(report) if output.json_ else doctor_text(report), nl=output.json_)
