"""The basic study: one or more targets, each with and without intermediate tasks."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from adapterstilts.data.splits import evaluation_split
from adapterstilts.errors import UsageError, unknown
from adapterstilts.languages import LANGUAGES, context_language, question_language, zero_shot_languages
from adapterstilts.modeling.composition import COMPOSITIONS
from adapterstilts.modeling.methods import METHODS
from adapterstilts.options import TransferOptions
from adapterstilts.planning import (
    Plan,
    evaluation_kind,
    evaluation_languages,
    make_plan,
    plan_evaluation,
    plan_training,
)
from adapterstilts.results import TransferResult, TransferRow
from adapterstilts.specs import Choice, EvaluateSpec, TrainSpec
from adapterstilts.stages import Reporter, check_training, run_evaluation, run_training
from adapterstilts.statistics import Interval, paired_bootstrap
from adapterstilts.store import Run
from adapterstilts.studies.intermediate import NONE, check_source_name, find_source, source_label
from adapterstilts.tasks.catalogue import recipe_for_phase, training_recipes
from adapterstilts.tasks.recipe import Recipe


def run_transfer(
    sources: Sequence[str], targets: Sequence[str], options: TransferOptions, reporter: Reporter
) -> TransferResult:
    """Trains and evaluates every (target, source) pair; see `adapterstilts.transfer`."""
    tasks = [recipe_for_phase(name, "target") for name in _distinct(targets, "target")]
    names = _distinct(sources, "source")
    for name in names:
        check_source_name(name)
    for name in options.languages or ():
        for code in (context_language(name), question_language(name)):
            if code not in LANGUAGES:
                raise unknown("language", code, LANGUAGES)
    if options.composition:
        COMPOSITIONS.get(options.composition)
    _check_used(options, tasks)
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


def _check_used(options: TransferOptions, tasks: Sequence[Recipe]) -> None:
    """Refuses options about sentence vectors where no target is evaluated by them."""
    given = [name for name in ("preset", "layer", "pooling", "margin") if getattr(options, name) is not None]
    if given and all(task.build_kind().trained for task in tasks):
        raise UsageError(
            f"--{given[0]} has no meaning for {', '.join(task.name for task in tasks)}.",
            remedy="It is for bucc2018 and tatoeba, which are evaluated without training.",
        )


def _check(plan: Plan, options: TransferOptions, task: Recipe, runs: Sequence[Run | None]) -> None:
    """Finds what would stop this target, before anything is trained for it or for another."""
    evaluation_kind(plan, task, options)
    evaluation_split(plan.source, task, evaluation_languages(plan.source, task, options), options.split)
    for run in runs:
        if phases := training_recipes(task, plan.source.name):
            check_training(plan, *_first_phase(plan, options, phases[0], run))
            for phase in phases[1:]:
                plan_training(plan, [phase], "train-target")


def _first_phase(
    plan: Plan, options: TransferOptions, trained: Recipe, source: Run | None
) -> tuple[TrainSpec, tuple[Run, ...]]:
    """The target phase of one pair, and the runs that it starts from."""
    if source is None:
        return plan_training(plan, [trained], "train-target"), ()
    composition = Choice(name=options.composition or METHODS.get(plan.method.name).compositions[0])
    spec = plan_training(plan, [trained], "train-target", composition=composition, head=options.head, inputs=(source,))
    return spec, (source,)


@dataclass(frozen=True)
class _Finished:
    """One pair: its intermediate run, the runs of the target phase (none where nothing is trained), its scores."""

    source: Run | None
    targets: tuple[Run, ...]
    evaluation: Run


def _transfer(plan: Plan, options: TransferOptions, task: Recipe, source: Run | None, reporter: Reporter) -> _Finished:
    """Target phase and evaluation of one pair; with several data sets to train on, each goes on from the one before."""
    targets: list[Run] = []
    for trained in training_recipes(task, plan.source.name):
        if targets:
            before = (targets[-1],)
            composition = Choice(name="continue")
            spec = plan_training(plan, [trained], "train-target", composition=composition, head="reuse", inputs=before)
            targets.append(run_training(plan, spec, before, reporter))
        else:
            targets.append(run_training(plan, *_first_phase(plan, options, trained, source), reporter))
    model = targets[-1] if targets else source
    evaluation = run_evaluation(plan, plan_evaluation(plan, task, model, options), model, reporter)
    return _Finished(source, tuple(targets), evaluation)


def _row(finished: _Finished, baseline: Run | None) -> TransferRow:
    source, targets, run = finished.source, finished.targets, finished.evaluation
    first = targets[0].spec if targets else None
    assert run.spec.stage == "evaluate" and not isinstance(first, EvaluateSpec)
    return TransferRow(
        task=run.spec.task,
        source=source_label(source),
        composition=str(first.composition) if first else NONE,
        method=_method(finished),
        split=run.spec.split,
        languages=run.metrics["languages"],
        english=run.metrics.get("english"),
        zero_shot=run.metrics.get("zero_shot"),
        cross_lingual=run.metrics.get("cross_lingual"),
        counts=run.metrics["counts"],
        calibrated_on_scored_rows=run.metrics["calibrated_on_scored_rows"],
        calibration=targets[-1].metrics["calibration"] if targets else run.metrics["calibration"],
        difference=_difference(run, baseline) if source and baseline else {},
        parameters=targets[-1].metrics["parameters"] if targets else run.metrics["parameters"],
        seconds={
            "intermediate": source.provenance["train_seconds"] if source else 0.0,
            "target": sum(target.provenance["train_seconds"] for target in targets),
            "evaluation": run.provenance["wall_seconds"],
        },
        folder=run.folder,
        trained=targets[-1].folder if targets else None,
    )


def _method(finished: _Finished) -> str:
    """How the model that was evaluated was trained."""
    for run in (*finished.targets, finished.source):
        if run is not None and isinstance(run.spec, TrainSpec):
            return str(run.spec.method)
    return NONE


def _difference(run: Run, baseline: Run) -> dict[str, Interval]:
    """Gain of the zero-shot mean, per metric."""
    mine, theirs = (
        {language: _items(one, language) for language in zero_shot_languages(one.metrics["languages"])}
        for one in (run, baseline)
    )
    languages = [language for language, items in mine.items() if items]  # without labels there are none
    if not languages:
        return {}
    names = set.intersection(*(set(item) for language in languages for item in mine[language].values()))
    for language in languages:
        # What neither adds to nor takes from a quotient is not kept.
        for one, other in ((mine, theirs), (theirs, mine)):
            for id_ in other[language].keys() - one[language].keys():
                one[language][id_] = dict.fromkeys(names, (0.0, 0.0))
    return {
        name: paired_bootstrap(
            {language: {id_: item[name] for id_, item in mine[language].items()} for language in languages},
            {language: {id_: item[name] for id_, item in theirs[language].items()} for language in languages},
        )
        for name in sorted(names)
    }


def _items(run: Run, language: str) -> dict[str, dict[str, Any]]:
    return json.loads((run.folder / "scores" / f"{language}.json").read_text(encoding="utf-8"))["items"]


def _distinct(names: Sequence[str], what: str) -> list[str]:
    if not names:
        raise UsageError(f"No {what} is given.", remedy="Name at least one.")
    if repeated := [name for name in names if list(names).count(name) > 1]:
        raise UsageError(f"The {what} {repeated[0]!r} is given twice.", remedy="Give each once.")
    return list(names)
