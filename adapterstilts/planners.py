"""The stages of commands before they run, from the keywords of their functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from adapterstilts.commands.options import (
    ComparedTasks,
    CompareOptions,
    ComparisonOptions,
    IntermediateOptions,
    IntermediateTasks,
    StudyName,
    StudyOptions,
    StudySize,
    TransferOptions,
    TransferTasks,
    given_values,
)
from adapterstilts.commands.plan import CommandPlan
from adapterstilts.commands.train_intermediate import plan_intermediate, plan_separately
from adapterstilts.commands.transfer import plan_transfer
from adapterstilts.settings import Strict
from adapterstilts.signatures import takes
from adapterstilts.studies.compare import comparison
from adapterstilts.studies.definition import load_study
from adapterstilts.studies.run import plan_study


@takes(IntermediateTasks, IntermediateOptions)
def _intermediate(tasks: IntermediateTasks, options: IntermediateOptions) -> CommandPlan:
    return plan_intermediate(tasks.names, options, planned_only=True).summary()


@takes(IntermediateTasks, IntermediateOptions)
def _separately(tasks: IntermediateTasks, options: IntermediateOptions) -> CommandPlan:
    return plan_separately(tasks.names, options, planned_only=True).summary()


@takes(TransferTasks, TransferOptions)
def _transfer(tasks: TransferTasks, options: TransferOptions) -> CommandPlan:
    return plan_transfer(tasks.from_, tasks.to, options, planned_only=True).summary()


@takes(ComparedTasks, ComparisonOptions, CompareOptions)
def _compare(tasks: ComparedTasks, grid: ComparisonOptions, options: Strict) -> CommandPlan:
    return plan_study(comparison(tasks, grid), given_values(options), planned_only=True).summary()


@takes(StudyName, StudySize, StudyOptions)
def _study(name: StudyName, size: StudySize, options: Strict) -> CommandPlan:
    return plan_study(load_study(name.name), given_values(options), size=size.size, planned_only=True).summary()


PLANNERS: Mapping[str, Callable[..., CommandPlan]] = {
    "train_intermediate": _intermediate,
    "train_separately": _separately,
    "transfer": _transfer,
    "compare": _compare,
    "study": _study,
}
"""By the names of the functions."""
