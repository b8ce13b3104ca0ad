"""`astilts transfer`."""

from __future__ import annotations

import click

from adapterstilts.cli.flags import GroupedCommand, fields
from adapterstilts.cli.output import PlannedTableOutput, show, show_plan
from adapterstilts.commands.options import TransferOptions, TransferTasks


@click.command("transfer", cls=GroupedCommand)
@fields(TransferTasks, TransferOptions, PlannedTableOutput)
def transfer(tasks: TransferTasks, options: TransferOptions, output: PlannedTableOutput) -> None:
    """Train target tasks in English from intermediate ones, and score them zero-shot in every language.

    \b
    Examples:
      astilts transfer --from squad --to mlqa --profile mini
      astilts transfer --from all --to mlqa --select --seeds 3 --profile mini
      astilts transfer --from squad --to xquad,mlqa --languages en,de,zh
    """
    from adapterstilts.commands import transfer as command
    from adapterstilts.reporting.progress import Terminal
    from adapterstilts.reporting.transfer import transfer_report

    terminal = Terminal()
    if output.plan:
        plan = command.plan_transfer(tasks.from_, tasks.to, options, note=terminal.note)
        show_plan(plan, output)
        return
    result = command.run_transfer(tasks.from_, tasks.to, options, terminal)
    show(result, transfer_report(result), output)
