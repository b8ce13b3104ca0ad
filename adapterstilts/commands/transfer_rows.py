"""From the runs of a transfer to its rows: means over seeds, differences to the baseline, the rows of a selection."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean, stdev
from typing import Any

from adapterstilts.commands.baselines import FULL, Way
from adapterstilts.commands.intermediate import NONE, source_label
from adapterstilts.commands.intermediate_runs import Sources, label
from adapterstilts.commands.language_adapters import LanguageAdapters
from adapterstilts.commands.results import ORACLE, SELECTED, Cost, Metrics, SeedScores, TransferRow
from adapterstilts.languages import zero_shot_languages
from adapterstilts.metrics import METRICS
from adapterstilts.metrics.intervals import Interval, hierarchical_bootstrap
from adapterstilts.modeling.methods import METHODS
from adapterstilts.runs.specs import EvaluateSpec, TrainSpec
from adapterstilts.runs.store import Run
from adapterstilts.tasks.catalogue import recipe

# Groups of languages of which a row has means; `spread` has the same names.
_GROUPS = ("english", "zero_shot", "cross_lingual")


@dataclass(frozen=True)
class SeedRuns:
    """The target phase with one seed: its runs (none where nothing is trained), and the evaluation of the last.

    Attributes:
        before: Runs on the target's data that the first of these starts from.
    """

    targets: tuple[Run, ...]
    evaluation: Run
    before: tuple[Run, ...] = ()


@dataclass(frozen=True)
class Reached:
    """A target that was reached one way, with one seed or several.

    Attributes:
        way: What is different about it where it is a baseline of `--compare`.
    """

    sources: Sources
    seeds: tuple[SeedRuns, ...]
    way: Way | None = None


def build_rows(reached: Sequence[Reached], adapters: LanguageAdapters | None) -> list[TransferRow]:
    """The rows of one target, each compared with the one that has no intermediate task."""
    return [_row(one, _compared_with(one, reached), adapters) for one in reached]


def _compared_with(one: Reached, reached: Sequence[Reached]) -> Reached | None:
    """The row without intermediate task, of the same method."""
    full = one.way is not None and one.way.name == FULL
    without = (other for other in reached if not other.sources and (other.way is None or other.way.name == FULL))
    found = next((other for other in without if (other.way is not None) == full), None)
    return None if found is one else found


def selection_rows(rows: Sequence[TransferRow]) -> list[TransferRow]:
    """Two of the rows again: the best on English validation data, and the best where it counts.

    The first of equals is taken, which is the one without intermediate task if it is among them. Without scores in
    other languages than English there is no oracle.
    """
    selected = max(rows, key=lambda row: -1.0 if row.validation is None else row.validation)
    scored = [row for row in rows if row.zero_shot]
    oracle = [max(scored, key=lambda row: row.zero_shot["score"])] if scored else []  # type: ignore[index]
    return [replace(selected, selection=SELECTED), *(replace(row, selection=ORACLE) for row in oracle)]


def _row(reached: Reached, baseline: Reached | None, adapters: LanguageAdapters | None) -> TransferRow:
    seeds = [_seed_scores(one) for one in reached.seeds]
    first, runs = seeds[0], reached.seeds[0]
    last = runs.targets[-1] if runs.targets else runs.evaluation
    spec, trained = runs.evaluation.spec, runs.targets[0].spec if runs.targets else None
    assert isinstance(spec, EvaluateSpec) and not isinstance(trained, EvaluateSpec)
    task = recipe(spec.task)
    every = [one for seed in reached.seeds for one in (*seed.before, *seed.targets)]
    groups = {name: [group for one in seeds if (group := getattr(one, name))] for name in _GROUPS}
    means: dict[str, Any] = {name: _over_seeds(found, fmean) if found else None for name, found in groups.items()}
    return TransferRow(
        task=spec.task,
        title=task.title,
        metric_labels=dict(task.build_kind().metrics),
        source=label(reached.sources),
        variant=reached.way.name if reached.way else None,
        train_languages=list(trained.only.data.languages) if trained else [],
        translate_test=bool(spec.translate_test),
        source_languages={source_label(run): found for run in reached.sources if (found := _translated(run))},
        sources={source_label(run): run.key for run in reached.sources},
        composition=_composition(trained) if trained else NONE,
        method=_method([*runs.targets, *reached.sources]),
        split=spec.split,
        languages={name: _over_seeds([one.languages[name] for one in seeds], fmean) for name in first.languages},
        **means,
        spread={name: _over_seeds(found, stdev) for name, found in groups.items() if len(found) > 1},
        validation=fmean(known) if (known := [one.validation for one in seeds if one.validation is not None]) else None,
        counts=first.counts,
        calibrated_on_scored_rows=runs.evaluation.metrics["calibrated_on_scored_rows"],
        calibration=first.calibration,
        difference=_difference(reached, baseline) if baseline else {},
        parameters=last.metrics["parameters"],
        seconds={
            "intermediate": sum((run.provenance["train_seconds"] for run in reached.sources), 0.0),
            "target": sum(run.provenance["train_seconds"] for run in every),
            "evaluation": sum(seed.evaluation.provenance["wall_seconds"] for seed in reached.seeds),
        },
        cost={"intermediate": Cost.of(reached.sources), "target": Cost.of(every)},
        fusion_attention=runs.evaluation.metrics.get("fusion_attention", {}),
        folder=first.folder,
        trained=first.trained,
        seeds=seeds,
        language_adapter=adapters.trained_over if adapters else None,
        language_adapters={name: adapters.label(name) for name in first.languages} if adapters else {},
        differs=task.differs(spec.source, spec.split),
    )


def _translated(run: Run) -> list[str]:
    """The languages of a source's training data, if any of them are translations."""
    assert isinstance(run.spec, TrainSpec)
    data = [task.data for task in run.spec.tasks if task.data.translations]
    return list(data[0].languages) if data else []


def _composition(spec: TrainSpec) -> str:
    """The composition, and what it is made of where a library has another way of doing it."""
    merged = METHODS.get(spec.method.name).library_name == "peft" and spec.composition.name == "stack"
    return f"{spec.composition} by merging" if merged else str(spec.composition)


def _seed_scores(runs: SeedRuns) -> SeedScores:
    run, last = runs.evaluation, runs.targets[-1] if runs.targets else None
    return SeedScores(
        seed=last.spec.seed if last and isinstance(last.spec, TrainSpec) else None,
        validation=last.metrics["best_score"] if last else None,
        languages=run.metrics["languages"],
        **{name: run.metrics.get(name) for name in _GROUPS},
        counts=run.metrics["counts"],
        calibration=(last or run).metrics["calibration"],
        folder=run.folder,
        trained=last.folder if last else None,
    )


def _over_seeds(found: Sequence[Metrics], of: Callable[[Sequence[float]], float]) -> Metrics:
    """Each metric's mean or standard deviation; with one seed its value, and counts as they are."""
    if len(found) == 1:
        return found[0]
    return {
        name: found[0][name] if name == "examples" else of([metrics[name] for metrics in found]) for name in found[0]
    }


def _method(runs: Sequence[Run]) -> str:
    """How the model that was evaluated was trained."""
    for run in runs:
        if isinstance(run.spec, TrainSpec):
            return str(run.spec.method)
    return NONE


def _difference(reached: Reached, baseline: Reached) -> dict[str, Interval]:
    """Gain of the zero-shot mean, per metric, over seeds with the same number."""
    mine, theirs = ([_scored(seed.evaluation) for seed in one.seeds] for one in (reached, baseline))
    every = [*mine, *theirs]
    languages = [language for language in mine[0] if all(one[language] for one in every)]
    if not languages:  # without labels there are none
        return {}
    names = set.intersection(*(set(item) for one in every for language in languages for item in one[language].values()))
    for language in languages:
        # What neither adds to nor takes from a quotient is not kept.
        known = set().union(*(one[language] for one in every))
        for one in every:
            for id_ in known - one[language].keys():
                one[language][id_] = dict.fromkeys(names, (0.0, 0.0))
    spec = reached.seeds[0].evaluation.spec
    assert isinstance(spec, EvaluateSpec)
    statistics = METRICS.get(spec.metric).statistics
    return {
        name: hierarchical_bootstrap(
            _metric(mine, languages, name), _metric(theirs, languages, name), statistic=statistics.get(name)
        )
        for name in sorted(names)
    }


def _metric(scored: Sequence[Mapping[str, Any]], languages: Sequence[str], name: str) -> list[dict[str, Any]]:
    """The items of one metric, for each seed."""
    return [
        {language: {id_: item[name] for id_, item in one[language].items()} for language in languages} for one in scored
    ]


def _scored(run: Run) -> dict[str, dict[str, dict[str, Any]]]:
    """Language to example id to its part in each metric, for the languages of the zero-shot mean."""
    return {
        language: json.loads((run.folder / "scores" / f"{language}.json").read_text(encoding="utf-8"))["items"]
        for language in zero_shot_languages(run.metrics["languages"])
    }
