"""`astilts doctor`."""

from __future__ import annotations

import sys
from typing import Any

import click

from adapterstilts.cli.flags import GroupedCommand, fields
from adapterstilts.cli.output import Output, say
from adapterstilts.commands.options import DoctorOptions


@click.command("doctor", cls=GroupedCommand)
@fields(DoctorOptions, Output)
def doctor(options: DoctorOptions, output: Output) -> None:
    """Say what works on a backbone or for a run store, and why the rest does not.

    Of a backbone only configuration and tokenizer are read; in a store's folder it is tried what a store does. Exit
    code 1 where no store can be there.

    \b
    Examples:
      astilts doctor --backbone mini
      astilts doctor --backbone Qwen/Qwen3-0.6B --json
      astilts doctor --store /shared/runs
    """
    from adapterstilts.commands.results import to_json

    found: dict[str, Any] = {}
    usable = True
    if options.store is not None:
        from adapterstilts.reporting.store import file_system_text
        from adapterstilts.runs.file_system import try_file_system

        found["store"] = tried = try_file_system(options.store)
        usable = tried.usable
        if not output.json_:
            say(file_system_text(tried), nl=False)
    if options.store is None or options.backbone is not None:
        from adapterstilts.commands.doctor import examine
        from adapterstilts.reporting.doctor import doctor_text
        from adapterstilts.reporting.progress import quiet_libraries

        quiet_libraries()
        found["backbone"] = report = examine(
            profile=options.profile, backbone=options.backbone, revision=options.revision
        )
        if not output.json_:
            say(doctor_text(report), nl=False)
    if output.json_:  # one value, whatever was asked for
        say(to_json(found if len(found) > 1 else next(iter(found.values()))))
    if not usable:
        sys.exit(1)
