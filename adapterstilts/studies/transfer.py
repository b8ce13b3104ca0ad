"""The basic study: one or more targets, each with and without intermediate tasks."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from adapterstilts.data.splits import evaluation_split
from adapterstilts.errors import UsageError
from adapterstilts.languages import LANGUAGES, check_languages
from adapterstilts.modeling.composition import COMPOSITIONS
from adapterstilts.modeling.methods import METHODS
from adapterstilts.options import TransferOptions
from adapterstilts.planning import Plan, evaluation_languages, make_plan, plan_evaluation, plan_training
from adapterstilts.results import TransferResult, TransferRow
from adapterstilts.specs import TrainSpec
from adapterstilts.stages import Reporter, check_training, run_evaluation, run_training
from adapterstilts.statistics import Interval, paired_bootstrap
from adapterstilts.store import Run
from adapterstilts.studies.intermediate import check_source_name, find_source, source_label
from adapterstilts.tasks.catalogue import recipe_for_phase
from adapterstilts.tasks.recipe import Recipe


def run_transfer(
    sources: Sequence[str], targets: Sequence[str], options: TransferOptions, reporter: Reporter
) -> TransferResult:
    """Trains and evaluates every (target, source) pair; see `adapterstilts.transfer`."""
    tasks = [recipe_for_phase(name, "target") for name in _distinct(targets, "target")]
    names = _distinct(sources, "source")
    for name in names:
        check_source_name(name)
    check_languages(options.languages or (), available=LANGUAGES, owner="XTREME-R")
    if options.composition:
        COMPOSITIONS.get(options.composition)
    plan = make_plan(options)
    runs = [find_source(plan, name) for name in names]
    if None in runs or options.baseline:
        # The row that the others are compared with comes first.
        runs = [None, *(run for run in runs if run is not None)]
    for task in tasks:
        _check(plan, options, task, runs)
    result = TransferResult()
    for task in tasks:
        finished = [_transfer(plan, options, task, run, reporter) for run in runs]
        baseline = next((one.evaluation for one in finished if one.source is None), None)
        result.rows.extend(_row(one, baseline) for one in finished)
    return result


def _check(plan: Plan, options: TransferOptions, task: Recipe, runs: Sequence[Run | None]) -> None:
    """Finds what would stop this target, before anything is trained for it or for another."""
    evaluation_split(plan.source, task, evaluation_languages(plan.source, task, options.languages), options.split)
    for run in runs:
        check_training(plan, *_target_spec(plan, options, task, run))


def _target_spec(
    plan: Plan, options: TransferOptions, task: Recipe, source: Run | None
) -> tuple[TrainSpec, tuple[Run, ...]]:
    """The target phase of one pair, and the runs that it starts from."""
    if source is None:
        return plan_training(plan, task, "train-target"), ()
    composition = options.composition or METHODS.get(plan.method.name).compositions[0]
    inputs = (source,)
    return plan_training(plan, task, "train-target", composition=composition, head=options.head, inputs=inputs), inputs


@dataclass(frozen=True)
class _Finished:
    source: Run | None
    target: Run
    evaluation: Run


def _transfer(plan: Plan, options: TransferOptions, task: Recipe, source: Run | None, reporter: Reporter) -> _Finished:
    """Target phase and evaluation of one pair."""
    spec, inputs = _target_spec(plan, options, task, source)
    target = run_training(plan, spec, inputs, reporter)
    evaluation = run_evaluation(plan, plan_evaluation(plan, task, target, options), target, reporter)
    return _Finished(source, target, evaluation)


def _row(finished: _Finished, baseline: Run | None) -> TransferRow:
    source, target, run = finished.source, finished.target, finished.evaluation
    assert run.spec.stage == "evaluate" and target.spec.stage != "evaluate"
    return TransferRow(
        task=run.spec.task,
        source=source_label(source),
        composition=target.spec.composition,
        method=str(target.spec.method),
        split=run.spec.split,
        languages=run.metrics["languages"],
        english=run.metrics.get("english"),
        zero_shot=run.metrics.get("zero_shot"),
        difference=_difference(run, baseline) if source and baseline else {},
        parameters=target.metrics["parameters"],
        seconds={
            "intermediate": source.provenance["train_seconds"] if source else 0.0,
            "target": target.provenance["train_seconds"],
            "evaluation": run.provenance["wall_seconds"],
        },
        folder=run.folder,
        trained=target.folder,
    )


def _difference(run: Run, baseline: Run) -> dict[str, Interval]:
    """Gain of the zero-shot mean, per metric."""
    languages = [language for language in run.metrics["languages"] if language != "en"]
    if not languages:
        return {}
    mine, theirs = ({language: _items(one, language) for language in languages} for one in (run, baseline))
    names = next(iter(mine[languages[0]].values()))
    return {
        name: paired_bootstrap(
            {language: {id_: item[name] for id_, item in mine[language].items()} for language in languages},
            {language: {id_: item[name] for id_, item in theirs[language].items()} for language in languages},
        )
        for name in names
    }


def _items(run: Run, language: str) -> dict[str, dict[str, float]]:
    return json.loads((run.folder / "scores" / f"{language}.json").read_text(encoding="utf-8"))["items"]


def _distinct(names: Sequence[str], what: str) -> list[str]:
    if not names:
        raise UsageError(f"No {what} is given.", remedy="Name at least one.")
    if repeated := [name for name in names if list(names).count(name) > 1]:
        raise UsageError(f"The {what} {repeated[0]!r} is given twice.", remedy="Give each once.")
    return list(names)
