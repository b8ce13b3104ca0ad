"""`astilts doctor`."""

from __future__ import annotations

import sys

import click

from adapterstilts.cli.flags import GroupedCommand, fields
from adapterstilts.cli.output import Output, say
from adapterstilts.commands.options import DoctorOptions


@click.command("doctor", cls=GroupedCommand)
@fields(DoctorOptions, Output)
def doctor(options: DoctorOptions, output: Output) -> None:
    """Say what works on a backbone or for a run store, and why the rest does not.

    Of a backbone only configuration and tokenizer are read; in a store's folder it is tried what a store does.

    \b
    Examples:
      astilts doctor --backbone mini
      astilts doctor --backbone Qwen/Qwen3-0.6B --json
      astilts doctor --store /shared/runs
    """
    from adapterstilts.commands.results import to_json

    if options.store is not None:
        from adapterstilts.reporting.store import file_system_text
        from adapterstilts.runs.file_system import try_file_system

        found = try_file_system(options.store)
        say(to_json(found) if output.json_ else file_system_text(found), nl=output.json_)
        if options.backbone is None:
            sys.exit(0 if found.usable else 1)
    from adapterstilts.commands.doctor import examine
    from adapterstilts.reporting.doctor import doctor_text
    from adapterstilts.reporting.progress import quiet_libraries

    quiet_libraries()
    report = examine(profile=options.profile, backbone=options.backbone, revision=options.revision)
    say(to_json(report) if output.json_ else doctor_text(report), nl=output.json_)
