"""From the runs of a transfer to its rows: means over seeds, differences to the baseline, the rows of a selection."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from statistics import fmean, stdev
from typing import Any

from adapterstilts.commands.intermediate_runs import NONE, label, run_label
from adapterstilts.commands.language_adapters import LanguageAdapters
from adapterstilts.commands.results import ORACLE, SELECTED, Cost, Metrics, SeedScores, TransferRow
from adapterstilts.files import file_digest
from adapterstilts.languages import zero_shot_languages
from adapterstilts.metrics import METRICS
from adapterstilts.metrics.intervals import Interval, hierarchical_bootstrap
from adapterstilts.modeling.methods import METHODS
from adapterstilts.runs.memory import Memory
from adapterstilts.runs.specs import TrainSpec
from adapterstilts.runs.store import MANIFEST, Run
from adapterstilts.stages.graph import finished
from adapterstilts.tasks.catalogue import Catalogue

# Groups of languages of which a row has means; `spread` has the same names.
_GROUPS = ("english", "zero_shot", "cross_lingual")


@dataclass(frozen=True)
class SeedRuns:
    """The target phase with one seed: its runs (none where nothing is trained), and the evaluation of the last.

    Attributes:
        before: Runs on the target's data that the first of these starts from.
        languages: The languages that were scored, in the order in which they were asked for.
    """

    targets: tuple[Run, ...]
    evaluation: Run
    before: tuple[Run, ...] = ()
    languages: tuple[str, ...] = ()


@dataclass(frozen=True)
class TargetRuns:
    """The runs that reached a target one way, with one seed or several.

    Attributes:
        intermediates: The intermediate runs.
        variant: What is different about it where it is a baseline.
        full: Whether it is a baseline of full fine-tuning.
    """

    intermediates: tuple[Run, ...]
    seeds: tuple[SeedRuns, ...]
    variant: str | None = None
    full: bool = False


@dataclass(frozen=True)
class Rows:
    """What the rows of one command share.

    Attributes:
        memory: Where intervals are kept, which take longer than the rest of a command that the store answers.
    """

    catalogue: Catalogue
    adapters: LanguageAdapters | None
    memory: Memory

    def of(self, reached: Sequence[TargetRuns]) -> list[TransferRow]:
        """The rows of one target, each compared with the one that has no intermediate task."""
        return [self._row(one, _compared_with(one, reached)) for one in reached]

    def _row(self, reached: TargetRuns, baseline: TargetRuns | None) -> TransferRow:
        seeds = [_seed_scores(one) for one in reached.seeds]
        first, runs = seeds[0], reached.seeds[0]
        spec = runs.evaluation.evaluation
        trained = runs.targets[0].training if runs.targets else None
        last = runs.targets[-1] if runs.targets else runs.evaluation
        every = [one for seed in reached.seeds for one in (*seed.before, *seed.targets)]
        validation = [one.validation for one in seeds if one.validation is not None]
        task = self.catalogue.recipe(spec.task)
        return TransferRow(
            task=spec.task,
            title=task.title,
            metric_labels=dict(task.build_kind().metrics),
            intermediate=label(tuple(map(finished, reached.intermediates))),
            variant=reached.variant,
            train_languages=list(trained.only.data.languages) if trained else [],
            translate_test=bool(spec.translate_test),
            intermediate_languages={_label(run): found for run in reached.intermediates if (found := _translated(run))},
            intermediate_runs={_label(run): run.key for run in reached.intermediates},
            composition=_composition(trained) if trained else NONE,
            method=str(made[0].training.method) if (made := [*runs.targets, *reached.intermediates]) else NONE,
            split=spec.split,
            languages={name: _over_seeds([one.languages[name] for one in seeds], fmean) for name in first.languages},
            **_means(seeds),
            validation=fmean(validation) if validation else None,
            counts=first.counts,
            calibrated_on_scored_rows=runs.evaluation.metrics["calibrated_on_scored_rows"],
            calibration=first.calibration,
            difference=self._difference(reached, baseline) if baseline else {},
            parameters=last.metrics["parameters"],
            seconds={
                "intermediate": sum((run.provenance["train_seconds"] for run in reached.intermediates), 0.0),
                "target": sum(run.provenance["train_seconds"] for run in every),
                "evaluation": sum(seed.evaluation.provenance["wall_seconds"] for seed in reached.seeds),
            },
            cost={"intermediate": Cost.of(reached.intermediates), "target": Cost.of(every)},
            fusion_attention=runs.evaluation.metrics.get("fusion_attention", {}),
            hidden=runs.evaluation.metrics.get("hidden", {}),
            folder=first.folder,
            trained=first.trained,
            seeds=seeds,
            catalogue=self.catalogue,
            language_adapter=self.adapters.trained_over if self.adapters else None,
            language_adapters={name: self.adapters.label(name) for name in first.languages} if self.adapters else {},
            differs=task.differs(spec.source, spec.split),
        )

    def _difference(self, reached: TargetRuns, baseline: TargetRuns) -> dict[str, Interval]:
        """Gain of the zero-shot mean, per metric, over seeds with the same number."""
        mine, theirs = ([seed.evaluation for seed in one.seeds] for one in (reached, baseline))
        languages = zero_shot_languages(reached.seeds[0].languages)
        if METRICS.get(mine[0].evaluation.metric).statistics:  # whose code can change
            found = _intervals(mine, theirs, languages)
        else:
            scored = [f"{run.key} {file_digest(run.folder / MANIFEST)}" for run in (*mine, *theirs)]
            find = partial(_intervals, mine, theirs, languages)
            found = self.memory.recall("difference", *languages, *scored, find=find)
        return {name: Interval(**values) for name, values in found.items()}


def _compared_with(one: TargetRuns, reached: Sequence[TargetRuns]) -> TargetRuns | None:
    """The row without intermediate task, of the same method."""
    without = (other for other in reached if not other.intermediates and (other.variant is None or other.full))
    found = next((other for other in without if other.full == one.full), None)
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


def _label(run: Run) -> str:
    return run_label(finished(run))


def _translated(run: Run) -> list[str]:
    """The languages of an intermediate run's training data, if any of them are translations."""
    data = [task.data for task in run.training.tasks if task.data.translations]
    return list(data[0].languages) if data else []


def _composition(spec: TrainSpec) -> str:
    """The composition, and what it is made of where a library has another way of doing it."""
    merged = METHODS.get(spec.method.name).library_name == "peft" and spec.composition.name == "stack"
    return f"{spec.composition} by merging" if merged else str(spec.composition)


def _seed_scores(runs: SeedRuns) -> SeedScores:
    run, last = runs.evaluation, runs.targets[-1] if runs.targets else None
    return SeedScores(
        seed=last.training.seed if last else None,
        validation=last.metrics["best_score"] if last else None,
        languages={name: run.metrics["languages"][name] for name in runs.languages},
        **{name: run.metrics.get(name) for name in _GROUPS},
        counts={name: run.metrics["counts"][name] for name in runs.languages},
        calibration=(last or run).metrics["calibration"],
        folder=run.folder,
        trained=last.folder if last else None,
    )


def _means(seeds: Sequence[SeedScores]) -> dict[str, Any]:
    """The mean over seeds of each group of languages, and their standard deviations as `spread`."""
    groups = {name: [group for one in seeds if (group := getattr(one, name))] for name in _GROUPS}
    spread = {name: _over_seeds(found, stdev) for name, found in groups.items() if len(found) > 1}
    return {**{name: _over_seeds(found, fmean) if found else None for name, found in groups.items()}, "spread": spread}


def _over_seeds(found: Sequence[Metrics], of: Callable[[Sequence[float]], float]) -> Metrics:
    """Each metric's mean or standard deviation; with one seed its value, and counts as they are."""
    if len(found) == 1:
        return found[0]
    return {
        name: found[0][name] if name == "examples" else of([metrics[name] for metrics in found]) for name in found[0]
    }


def _intervals(mine: Sequence[Run], theirs: Sequence[Run], languages: Sequence[str]) -> dict[str, dict[str, float]]:
    """The intervals of the difference between the evaluations of two rows, with every seed, as JSON."""
    ours, others = ([_scored(run, languages) for run in runs] for runs in (mine, theirs))
    every = [*ours, *others]
    languages = [language for language in languages if all(one[language] for one in every)]
    if not languages:  # without labels there are none
        return {}
    names = set.intersection(*(set(item) for one in every for language in languages for item in one[language].values()))
    for language in languages:
        # What neither adds to nor takes from a quotient is not kept.
        known = set().union(*(one[language] for one in every))
        for one in every:
            for id_ in known - one[language].keys():
                one[language][id_] = dict.fromkeys(names, (0.0, 0.0))
    statistics = METRICS.get(mine[0].evaluation.metric).statistics
    found = {
        name: hierarchical_bootstrap(
            _metric(ours, languages, name), _metric(others, languages, name), statistic=statistics.get(name)
        )
        for name in sorted(names)
    }
    return {name: asdict(interval) for name, interval in found.items()}


def _metric(scored: Sequence[Mapping[str, Any]], languages: Sequence[str], name: str) -> list[dict[str, Any]]:
    """The items of one metric, for each seed."""
    return [
        {language: {id_: item[name] for id_, item in one[language].items()} for language in languages} for one in scored
    ]


def _scored(run: Run, languages: Sequence[str]) -> dict[str, dict[str, dict[str, Any]]]:
    """Language to example id to its part in each metric."""
    return {
        language: json.loads((run.folder / "scores" / f"{language}.json").read_text(encoding="utf-8"))["items"]
        for language in languages
    }
