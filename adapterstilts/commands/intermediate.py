"""The intermediate runs in a store, as sources of a transfer."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from adapterstilts.errors import UsageError
from adapterstilts.runs.specs import TrainSpec
from adapterstilts.runs.store import Run
from adapterstilts.stages.setup import Plan
from adapterstilts.tasks.catalogue import recipe_for_phase

NONE = "none"
# Between the names of tasks that were trained together.
_AND = "+"


def check_source_name(text: str) -> None:
    """Refuses a source whose task is unknown or given twice, or whose key is empty, without looking for the run.

    Raises:
        UsageError: See above.
    """
    task, at, key = text.partition("@")
    tasks = task.split(_AND)
    for one in tasks if text != NONE else ():
        recipe_for_phase(one, "intermediate")
    if repeated := [one for one in tasks if tasks.count(one) > 1]:
        raise UsageError(f"--from {text}: the task {repeated[0]!r} is given twice.", remedy="Give each once.")
    if at and not key:
        raise UsageError(f"--from {text} has no key.", remedy="Write TASK@KEY; `astilts runs` lists the keys.")


def find_source(plan: Plan, text: str) -> Run | None:
    """The intermediate run that `--from` names.

    Args:
        text: `none`; a task, whose only run on this backbone with this method is meant, or else the adapter that
            the package has for the embedded backbone; or `TASK@KEY`. Several tasks that were trained together are
            written with `+` between them; in another order they mean the same, unless the store has runs of both.

    Raises:
        UsageError: There is no such run, or a task has several.
    """
    if text == NONE:
        return None
    task, at, key = text.partition("@")
    shipped = shipped_run(task)
    if at:
        run = shipped if shipped and shipped.key.startswith(key) else plan.store.resolve(key)
        if run.spec.stage != "train-intermediate" or not _same_tasks(run, task):
            raise UsageError(
                f"{run.folder.name} is not an intermediate run of {task}.",
                remedy="`astilts runs` lists what is there.",
            )
        return run.check()
    runs = [run for run in plan.store.runs() if run.spec.stage == "train-intermediate" and _same_tasks(run, task)]
    fitting = [run for run in runs if fits(run, plan)]
    fitting = [run for run in fitting if run.spec.task == task] or fitting
    # A task by its name is the task in English; what was trained in other languages too is chosen by key, or if there
    # is nothing else.
    english = [run for run in fitting if _in_english(run)]
    if not english and shipped and fits(shipped, plan):
        english = [shipped]
    fitting = english or fitting
    if len(fitting) == 1:
        return fitting[0].check()
    if fitting:
        listed = "; ".join(f"{source_label(run)} ({_describe(run)})" for run in fitting)
        raise UsageError(
            f"{task} has {len(fitting)} intermediate runs: {listed}.",
            remedy=f"Choose one with --from {source_label(fitting[-1])}.",
        )
    others = ", ".join(f"{source_label(run)} ({_describe(run)})" for run in runs)
    raise UsageError(
        f"{plan.store.root} has no intermediate run of {task} with method {plan.method} on {plan.backbone.name}."
        + (f" Others there: {others}." if others else ""),
        remedy=f"Train it first: astilts train-intermediate {task.replace(_AND, ' ')} "
        f"--profile {plan.options.profile}, with the same --backbone, --method and --data-dir as here.",
    )


def shipped_run(task: str) -> Run | None:
    """The run that made the adapter which the package has for the embedded backbone, if there is one."""
    folder = Path(str(files("task_adapters").joinpath(task).joinpath("mini")))
    return Run(folder) if folder.is_dir() else None


def source_label(run: Run | None) -> str:
    """How a source is written in results and in `--from`."""
    return f"{run.spec.task}@{run.short_key}" if run else NONE


def _same_tasks(run: Run, text: str) -> bool:
    return sorted(run.spec.task.split(_AND)) == sorted(text.split(_AND))


def _in_english(run: Run) -> bool:
    spec = run.spec
    return isinstance(spec, TrainSpec) and all(task.data.languages == ("en",) for task in spec.tasks)


def fits(run: Run, plan: Plan) -> bool:
    """Whether a run was trained on the plan's backbone with its method."""
    spec = run.spec
    return isinstance(spec, TrainSpec) and spec.backbone == plan.backbone.fingerprint and spec.method == plan.method


def _describe(run: Run) -> str:
    spec = run.spec
    assert isinstance(spec, TrainSpec)
    sampling = f"sampling {spec.sampling}, " if spec.sampling else ""
    spoken = sorted({code for task in spec.tasks for code in task.data.languages if task.data.translations})
    languages = f"trained in {'+'.join(spoken)}, " if spoken else ""
    return (
        f"{run.provenance['backbone']}, {spec.method}, {sampling}{languages}"
        f"{run.metrics['train_examples']:,} examples, seed {spec.seed}, validation {run.metrics['best_score']:.1f}"
    )
