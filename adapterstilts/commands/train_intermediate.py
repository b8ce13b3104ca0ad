"""The intermediate phase: one task, several together, or several one after the other."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from adapterstilts.commands.options import IntermediateOptions
from adapterstilts.commands.results import TrainResult
from adapterstilts.commands.translated_data import check_translated_training, training_languages
from adapterstilts.errors import DataError, UsageError, unknown
from adapterstilts.runs.specs import Sampling, TrainSpec
from adapterstilts.stages.run import Reporter, check_training, run_training
from adapterstilts.stages.setup import Plan, check_pooling, make_plan, plan_training
from adapterstilts.tasks.catalogue import Catalogue, recipe, recipe_for_phase, task_names
from adapterstilts.tasks.recipe import Recipe

# What stands for all intermediate tasks that the source has training data of.
ALL = "all"
MLM = "mlm"

# Strategy to the option that it needs and no other one takes, and an example of it.
_NEEDED = {"temperature": "--temperature 2", "capped": "--cap 10000", "weights": "--weights {0}=2,{1}=1"}


def run_together(names: Sequence[str], options: IntermediateOptions, reporter: Reporter) -> TrainResult:
    """Trains one model on all tasks; see `adapterstilts.train_intermediate`."""
    chosen = _check_names(names)
    languages = training_languages(options.languages, options.translations, flag="--languages")
    if chosen:  # before anything is looked for
        choose_sampling(options, [task.name for task in chosen])
    plan = make_plan(options, translations=options.translations)
    tasks = chosen or _available(plan, reporter)
    spec = plan_together(plan, tasks, options, languages)
    check_translated_training(plan, spec)
    return TrainResult.of(run_training(plan, spec, (), reporter), Catalogue.load())


def plan_together(
    plan: Plan, tasks: Sequence[Recipe], options: IntermediateOptions, translated: Sequence[str] = ("en",)
) -> TrainSpec:
    """The spec of one intermediate phase on all tasks, with masked language modelling if it is to be mixed in.

    Args:
        translated: Languages to train in, of those other than English on translations.

    Raises:
        UsageError: Options about sampling, languages or masked language modelling do not fit.
        DataError: Training data are not there.
    """
    sampling = choose_sampling(options, [task.name for task in tasks])
    check_pooling(options, tasks)
    languages = {task.name: tuple(translated) for task in tasks if task.name != MLM}
    if options.languages and not languages:
        raise UsageError(
            f"--languages has no meaning for {MLM}, which is trained on each language's own text.",
            remedy="Use --mlm-languages.",
        )
    languages |= _mlm_languages(plan, tasks, options)
    if options.mlm_rate is not None:
        tasks = [*tasks, recipe(MLM)]
        mixed = sampling or Sampling()
        sampling = mixed.model_copy(update={"added": {MLM: options.mlm_rate}})
    return plan_training(plan, tasks, "train-intermediate", sampling=sampling, languages=languages)


def _mlm_languages(plan: Plan, tasks: Sequence[Recipe], options: IntermediateOptions) -> dict[str, tuple[str, ...]]:
    """The languages of masked language modelling, where it is wanted and they are said."""
    alone = MLM in [task.name for task in tasks]
    if alone and options.mlm_rate is not None:
        raise UsageError(
            f"--mlm-rate {options.mlm_rate:g}: {MLM} is a task already.", remedy="Leave out one of the two."
        )
    if options.mlm_languages is None:
        if options.mlm_rate is not None:
            raise UsageError("--mlm-rate needs --mlm-languages.", remedy="Name them, e.g. --mlm-languages en,de,zh.")
        return {}
    if not alone and options.mlm_rate is None:
        raise UsageError(
            "--mlm-languages has no meaning without masked language modelling.",
            remedy=f"Give --mlm-rate too, or train the task {MLM}.",
        )
    offered = plan.source.languages(recipe(MLM), None)
    for code in options.mlm_languages:
        if code not in offered:
            raise unknown(f"language of {MLM} in the {plan.source.name} source", code, offered)
    return {MLM: options.mlm_languages}


def run_separately(names: Sequence[str], options: IntermediateOptions, reporter: Reporter) -> list[TrainResult]:
    """Trains a model on each task; see `adapterstilts.train_separately`."""
    if given := _given(options):
        raise UsageError(
            f"{given[0]} has no meaning for tasks that are trained separately.",
            remedy="Leave it out, or train them together.",
        )
    chosen = _check_names(names)
    languages = training_languages(options.languages, options.translations, flag="--languages")
    plan = make_plan(options, translations=options.translations)
    tasks = chosen or _available(plan, reporter)
    if options.mlm_rate is not None:
        raise UsageError(
            "--mlm-rate has no meaning with --separately.", remedy="Train each task with a command of its own."
        )
    specs = [plan_together(plan, [task], options, languages) for task in tasks]
    for spec in specs:
        check_training(plan, spec, ())
        check_translated_training(plan, spec)
    return [TrainResult.of(run_training(plan, spec, (), reporter), Catalogue.load()) for spec in specs]


def choose_sampling(options: IntermediateOptions, tasks: Sequence[str]) -> Sampling | None:
    """How often each task is trained on; None where there is one.

    Raises:
        UsageError: An option is missing, has no meaning, or does not name exactly the tasks.
    """
    given = _given(options)
    if len(tasks) == 1:
        if given:
            raise UsageError(
                f"{given[0]} has no meaning for {tasks[0]} alone.", remedy="Leave it out, or name several tasks."
            )
        return None
    strategy = options.sampling or "proportional"
    values = {"temperature": options.temperature, "capped": options.cap, "weights": options.weights}
    for needed, value in values.items():
        example = _NEEDED[needed].format(*tasks)
        flag = example.split()[0]
        if needed == strategy and value is None:
            raise UsageError(f"--sampling {strategy} needs {flag}.", remedy=f"Give it, e.g. {example}.")
        if needed != strategy and value is not None:
            raise UsageError(
                f"{flag} {_shown(value)} has no meaning for --sampling {strategy}.",
                remedy=f"Give --sampling {needed}, or leave {flag} out.",
            )
    _check_weights(options.weights, tasks)
    return Sampling(strategy=strategy, temperature=options.temperature, cap=options.cap, weights=options.weights or {})


def _check_weights(weights: dict[str, float] | None, tasks: Sequence[str]) -> None:
    if weights is None:
        return
    for what, names in (
        ("names no weight for", [task for task in tasks if task not in weights]),
        ("has a weight for a task that is not trained,", [task for task in weights if task not in tasks]),
    ):
        if names:
            raise UsageError(
                f"--weights {what} {', '.join(names)}.",
                remedy=f"Give one for each of {', '.join(tasks)}, and no other.",
            )
    for task, weight in weights.items():
        if not (weight > 0 and math.isfinite(weight)):
            raise UsageError(
                f"--weights {task}={weight:g} is not a share.", remedy="Give a number above 0, or leave the task out."
            )


def _given(options: IntermediateOptions) -> list[str]:
    """The options about sampling that are given, as flags."""
    values = {name: getattr(options, name) for name in ("sampling", "temperature", "cap", "weights")}
    return [f"--{name} {_shown(value)}" for name, value in values.items() if value is not None]


def _shown(value: Any) -> str:
    """A value as a flag is given it."""
    if isinstance(value, dict):
        return ",".join(f"{task}={weight:g}" for task, weight in value.items())
    return f"{value:g}" if isinstance(value, float) else str(value)


def _check_names(names: Sequence[str]) -> list[Recipe]:
    """The recipes of the tasks that are named, none for `all`.

    Raises:
        UsageError: A task is unknown, is not for this phase, or is named twice.
    """
    if not names:
        raise UsageError("No task is given.", remedy="Name at least one; `astilts tasks` lists them.")
    if ALL in names:
        if len(names) > 1:
            other = next((name for name in names if name != ALL), ALL)
            raise UsageError(f"{other!r} is given beside 'all'.", remedy="Give one of the two.")
        return []
    if repeated := [name for name in names if list(names).count(name) > 1]:
        raise UsageError(f"The task {repeated[0]!r} is given twice.", remedy="Give each once.")
    return [recipe_for_phase(name, "intermediate") for name in names]


def _available(plan: Plan, reporter: Reporter) -> list[Recipe]:
    """The intermediate tasks that the plan's source has English training data of, those of plain text aside."""
    offered = [task for task in map(recipe, task_names()) if "intermediate" in task.phases]
    offered = [task for task in offered if task.build_kind().averaged]
    there = [task for task in offered if _has_training_data(plan, task)]
    if not there:
        raise DataError(
            f"all: the {plan.source.name} source has training data of no intermediate task.",
            remedy="Check --data-dir, or name the tasks: what is missing is then said.",
        )
    absent = [task.name for task in offered if task not in there]
    without = f"; without training data: {', '.join(absent)}" if absent else ""
    reporter.note(f"all: {', '.join(task.name for task in there)}{without}")
    return there


def _has_training_data(plan: Plan, task: Recipe) -> bool:
    source = plan.source
    return getattr(task.sources, source.name) is not None and source.missing(task, "train", "en") is None
