"""`astilts export`."""

from __future__ import annotations

import click

from adapterstilts.cli.flags import GroupedCommand, fields
from adapterstilts.cli.output import Output, say
from adapterstilts.commands.options import ExportedRuns, ExportOptions


@click.command("export", cls=GroupedCommand)
@fields(ExportedRuns, ExportOptions, Output)
def export(exported: ExportedRuns, options: ExportOptions, output: Output) -> None:
    """Collect the predictions of the evaluations RUNS, by key or folder, into a benchmark submission.

    \b
    Example:
      astilts export 0123456789ab evaluate-xquad-ba9876543210 --out submission
    """
    from adapterstilts.commands.export import export_runs
    from adapterstilts.commands.results import to_json
    from adapterstilts.reporting.export import export_summary
    from adapterstilts.tasks.catalogue import Catalogue

    store, catalogue = options.open_store(), Catalogue.load(options.tasks)
    found = [store.resolve(run) for run in exported.runs]
    result = export_runs(
        found,
        options.out,
        benchmark=options.benchmark,
        partial=options.partial,
        catalogue=catalogue,
        store=store,
    )
    say(to_json(result) if output.json_ else export_summary(result, options.benchmark))
