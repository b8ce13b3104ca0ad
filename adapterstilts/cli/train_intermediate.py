"""`astilts train-intermediate`."""

from __future__ import annotations

from typing import Annotated

import click
from pydantic import Field

from adapterstilts.cli.flags import GroupedCommand, fields
from adapterstilts.cli.output import PlannedOutput, say
from adapterstilts.cli.stages import StageOutput, show_part
from adapterstilts.commands.options import IntermediateOptions, IntermediateTasks
from adapterstilts.declared import Flag, Group
from adapterstilts.settings import Strict


class _Separately(Strict):
    """Which of two Python functions it is: `train_intermediate` or `train_separately`."""

    separately: Annotated[bool, Flag(Group.MIXING)] = Field(
        False, description="Train a model on each task, one after the other, as separate commands would."
    )


@click.command("train-intermediate", cls=GroupedCommand)
@fields(IntermediateTasks, _Separately, IntermediateOptions, StageOutput, PlannedOutput)
def train_intermediate(
    tasks: IntermediateTasks,
    how: _Separately,
    options: IntermediateOptions,
    stages: StageOutput,
    output: PlannedOutput,
) -> None:
    """Train an intermediate TASK in English, once, for any number of targets.

    Several tasks, or `all` that have training data here, share one adapter (with --method full, the backbone) and have
    a head each; learning rate, batch size and the like are the first one's. An adapter for each, as `transfer
    --composition fuse` takes them, comes from separate commands or from --separately.

    \b
    Examples:
      astilts train-intermediate squad --profile mini
      astilts train-intermediate squad --backbone xlm-roberta-base
      astilts train-intermediate squad --data-dir download --backbone ./xlm-r
      astilts train-intermediate squad mnli --sampling temperature --temperature 2
      astilts train-intermediate squad mnli --separately --profile mini
      astilts train-intermediate squad --mlm-rate 0.1 --mlm-languages en,de,zh
    """
    from adapterstilts.commands import train_intermediate as command
    from adapterstilts.commands.results import to_json
    from adapterstilts.reporting.train_intermediate import training_summary

    reporter = stages.reporter()
    if output.plan or stages.only is not None:
        planner = command.plan_separately if how.separately else command.plan_intermediate
        work = planner(tasks.names, options, reporter, planned_only=output.plan)
        show_part(work, stages, options, output, reporter)
    elif how.separately:
        results = command.run_separately(tasks.names, options, reporter)
        say(to_json(results) if output.json_ else "\n\n".join(map(training_summary, results)))
    else:
        result = command.run_together(tasks.names, options, reporter)
        say(to_json(result) if output.json_ else training_summary(result))
