"""`astilts transfer`."""

from __future__ import annotations

import click

from adapterstilts.cli.flags import GroupedCommand, fields
from adapterstilts.cli.output import PlannedTableOutput, show
from adapterstilts.cli.stages import StageOutput, show_part
from adapterstilts.commands.options import TransferOptions, TransferTasks


@click.command("transfer", cls=GroupedCommand)
@fields(TransferTasks, TransferOptions, StageOutput, PlannedTableOutput)
def transfer(tasks: TransferTasks, options: TransferOptions, stages: StageOutput, output: PlannedTableOutput) -> None:
    """Train target tasks in English from intermediate ones, and score them zero-shot in every language.

    \b
    Examples:
      astilts transfer --from squad --to mlqa --profile mini
      astilts transfer --from all --to mlqa --select --seeds 3 --profile mini
      astilts transfer --from squad --to xquad,mlqa --languages en,de,zh
    """
    from adapterstilts.commands import transfer as command
    from adapterstilts.reporting.transfer import transfer_report

    reporter = stages.reporter()
    if output.plan or stages.only is not None:
        work = command.plan_transfer(tasks.from_, tasks.to, options, note=reporter.note, planned_only=output.plan)
        show_part(work, stages, options, output, reporter)
        return
    result = command.run_transfer(tasks.from_, tasks.to, options, reporter)
    show(result, transfer_report(result), output)
