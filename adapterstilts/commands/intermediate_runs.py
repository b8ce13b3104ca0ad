"""What `--from` asks for: the intermediate runs of each row of a transfer."""

from __future__ import annotations

from collections.abc import Sequence

from adapterstilts.commands.intermediate import (
    NONE,
    check_source_name,
    find_source,
    fits,
    shipped_run,
    source_label,
)
from adapterstilts.errors import UsageError
from adapterstilts.runs.store import Run
from adapterstilts.stages.setup import Plan
from adapterstilts.tasks.catalogue import task_names

ALL = "all"

Sources = tuple[Run, ...]
"""The intermediate runs that one row starts from: none, one, or several that are composed into one model."""


def check_source_names(names: Sequence[str]) -> None:
    """Refuses what `find_sources` could never find, without looking for runs.

    Raises:
        UsageError: A task is unknown, or a key is empty.
    """
    for name in names:
        if name != ALL:
            check_source_name(name)


def find_sources(plan: Plan, names: Sequence[str], *, together: bool, baseline: bool) -> list[Sources]:
    """The sources of each row; those of the row that the others are compared with come first, if it is wanted.

    Args:
        names: As in `--from`. Beside `all`, `TASK@KEY` says which of a task's runs is meant.
        together: Whether all intermediate runs belong into one row.
        baseline: Whether a row without any is wanted although `none` is not among the names.

    Raises:
        UsageError: A run is not there, or a task has several.
    """
    runs = [run for name in _expanded(plan, names) if (run := find_source(plan, name)) is not None]
    if repeated := [run for run in runs if [other.key for other in runs].count(run.key) > 1]:
        raise UsageError(f"The source {source_label(repeated[0])} is given twice.", remedy="Give each once.")
    rows: list[Sources] = [()] if baseline or NONE in names else []
    return [*rows, *([tuple(runs)] if together and runs else [(run,) for run in runs])]


def label(sources: Sources) -> str:
    """How the sources of a row are written in results."""
    return " + ".join(source_label(run) for run in sources) if sources else NONE


def _expanded(plan: Plan, names: Sequence[str]) -> list[str]:
    """The names, with those of all tasks that have a fitting run in the place of `all`."""
    if ALL not in names:
        return list(names)
    given = {name.partition("@")[0] for name in names}
    found = [task for task in _available(plan) if task not in given]
    if not found and given <= {ALL, NONE}:
        raise UsageError(
            f"--from {ALL}: {plan.store.root} has no intermediate run with method {plan.method} on "
            f"{plan.backbone.name}.",
            remedy=f"Train one first: astilts train-intermediate TASK --profile {plan.options.profile}, with the same "
            "--backbone, --method and --data-dir as here.",
        )
    position = list(names).index(ALL)
    return [*names[:position], *found, *names[position + 1 :]]


def _available(plan: Plan) -> list[str]:
    """Names of the tasks that have an intermediate run for this backbone and method, sorted."""
    stored = [run for run in plan.store.runs() if run.spec.stage == "train-intermediate"]
    shipped = [run for name in task_names() if (run := shipped_run(name))]
    # Runs of several tasks together are named where they are wanted.
    return sorted({run.spec.task for run in (*stored, *shipped) if fits(run, plan) and "+" not in run.spec.task})
