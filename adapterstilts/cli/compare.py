"""`astilts compare`."""

from __future__ import annotations

import click

from adapterstilts.cli.flags import GroupedCommand, fields
from adapterstilts.cli.output import PlannedTableOutput, show, show_plan
from adapterstilts.commands.options import (
    ComparedTasks,
    CompareOptions,
    ComparisonOptions,
    EngineOptions,
    ReportOptions,
    given_values,
)
from adapterstilts.settings import Strict


@click.command("compare", cls=GroupedCommand)
@fields(ComparedTasks, ComparisonOptions, CompareOptions, EngineOptions, ReportOptions, PlannedTableOutput)
def compare(
    tasks: ComparedTasks,
    grid: ComparisonOptions,
    options: Strict,
    engine: EngineOptions,
    report: ReportOptions,
    output: PlannedTableOutput,
) -> None:
    """Compare intermediate tasks, methods and baselines on many targets, each stage of them trained once.

    Intermediate tasks that have no run yet are trained.

    \b
    Examples:
      astilts compare --from squad,mnli --to mlqa,tatoeba --profile mini
      astilts compare --from squad,mnli --to mlqa,xnli --methods full,seq_bn,lora --baselines mlm,translate-train
      astilts compare --from squad --to xtreme --out report --plan
    """
    from adapterstilts.studies import commands
    from adapterstilts.studies.compare import comparison

    work = commands.planned(comparison(tasks, grid), given_values(options), commands.terminal(engine))
    if output.plan:
        show_plan(work.summary(), output)
        return
    result = commands.run(work, engine, report.out)
    show(result, commands.report_of(result), output)
