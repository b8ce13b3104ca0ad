"""`astilts compare`."""

from __future__ import annotations

import click

from adapterstilts.cli.flags import GroupedCommand, fields
from adapterstilts.cli.output import PlannedTableOutput
from adapterstilts.cli.stages import StageOutput, show_part
from adapterstilts.cli.study import finish
from adapterstilts.commands.options import ComparedTasks, CompareOptions, ComparisonOptions, ReportOptions, given_values
from adapterstilts.settings import Strict


@click.command("compare", cls=GroupedCommand)
@fields(ComparedTasks, ComparisonOptions, CompareOptions, ReportOptions, StageOutput, PlannedTableOutput)
def compare(
    tasks: ComparedTasks,
    grid: ComparisonOptions,
    options: Strict,
    report: ReportOptions,
    stages: StageOutput,
    output: PlannedTableOutput,
) -> None:
    """Compare intermediate tasks, methods and baselines on many targets, each stage of them made once.

    Intermediate tasks that have no run yet are trained.

    \b
    Examples:
      astilts compare --from squad,mnli --to mlqa,tatoeba --profile mini
      astilts compare --from squad,mnli --to mlqa,xnli --methods full,seq_bn,lora --baselines mlm,longer-target
      astilts compare --from squad --to xtreme --out report --plan
    """
    from adapterstilts.studies.compare import comparison
    from adapterstilts.studies.run import plan_study

    reporter = stages.reporter()
    study = comparison(tasks, grid)
    work = plan_study(study, given_values(options), note=reporter.note, planned_only=output.plan)
    if output.plan or stages.only is not None:
        show_part(work, stages, options, output, reporter)  # type: ignore[arg-type]  # its fields are among them
        return
    finish(work, options, report, output, reporter)
