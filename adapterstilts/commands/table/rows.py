"""From the runs of a transfer to its rows: means over seeds, differences to the baseline, the rows of a selection."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from statistics import fmean, stdev
from typing import Any

from adapterstilts.commands.costs import Cost
from adapterstilts.commands.doubts import evaluation_doubts, left_out_doubts, training_doubts
from adapterstilts.commands.models.intermediate_runs import NONE, label, run_label
from adapterstilts.commands.models.language_adapters import LanguageAdapters
from adapterstilts.commands.models.shared import shared_from
from adapterstilts.commands.results import ORACLE, SELECTED, Metrics, SeedScores, TransferRow
from adapterstilts.commands.table.contrasts import Compared, Contrast, adjusted, contrast, uncertainty
from adapterstilts.commands.table.row_names import composition_name
from adapterstilts.data.translation.reading import are_parallel_rows
from adapterstilts.languages import ENGLISH
from adapterstilts.modeling.compositions import MEAN
from adapterstilts.runs.lineage import labelled_behind, lineage
from adapterstilts.runs.memory import Memory
from adapterstilts.runs.provenance import surroundings
from adapterstilts.runs.rivals import FrozenClassifier
from adapterstilts.runs.shots import Labelled
from adapterstilts.runs.specs import EvaluateSpec, TaskSpec
from adapterstilts.runs.store import Run, RunStore
from adapterstilts.stages.graph import finished
from adapterstilts.tasks.catalogue import Catalogue
from adapterstilts.tasks.recipe import Recipe

# Groups of languages of which a row has means; `spread` has the same names.
_GROUPS = ("english", "zero_shot", "cross_lingual")


@dataclass(frozen=True)
class SeedRuns:
    """One seed: the runs of its target phase (none where nothing is trained), and the evaluation of the last.

    Attributes:
        intermediates: The intermediate runs that it starts from.
        before: Runs on the target's data that the first of these starts from.
        languages: The languages that were scored, in the order in which they were asked for.
    """

    targets: tuple[Run, ...]
    evaluation: Run
    intermediates: tuple[Run, ...] = ()
    before: tuple[Run, ...] = ()
    languages: tuple[str, ...] = ()


@dataclass(frozen=True)
class TargetRuns:
    """The runs that reached a target one way, with one seed or several.

    Attributes:
        variant: What is different about it where it is a baseline.
        full: Whether it is a baseline of full fine-tuning.
        mean_of: The runs of whose seeds its only model is the mean.
    """

    seeds: tuple[SeedRuns, ...]
    variant: str | None = None
    full: bool = False
    mean_of: TargetRuns | None = None

    @property
    def intermediates(self) -> tuple[Run, ...]:
        """The intermediate runs of the first seed."""
        return self.seeds[0].intermediates

    @property
    def every_intermediate(self) -> list[Run]:
        """Those of all seeds, each once."""
        return list({run.key: run for seed in self.seeds for run in seed.intermediates}.values())


@dataclass(frozen=True)
class Rows:
    """What the rows of one command share.

    Attributes:
        memory: Where intervals are kept, which take longer than the rest of a command that the store answers.
    """

    catalogue: Catalogue
    adapters: LanguageAdapters | None
    memory: Memory
    store: RunStore

    def of(self, reached: Sequence[TargetRuns], *, against: int | None = None) -> list[TransferRow]:
        """The rows of one target, each compared with another one.

        Args:
            against: The number of this one; None for that without intermediate task, of the same method.
        """
        rows = [self._row(one) for one in reached]
        others = [without(one, reached) if against is None else reached[against] for one in reached]
        compared = {id(one): _compared(one, row) for one, row in zip(reached, rows, strict=True)}
        if all(other is None or other is one for one, other in zip(reached, others, strict=True)):
            return [
                replace(row, uncertainty=self._uncertainty(compared[id(one)]))
                for one, row in zip(reached, rows, strict=True)
            ]
        contrasts = [
            self._contrast(compared[id(one)], compared[id(other)]) if other is not None and other is not one else None
            for one, other in zip(reached, others, strict=True)
        ]
        return [
            replace(row, contrast=one, difference=one.zero_shot) if one else row
            for row, one in zip(rows, adjusted(contrasts), strict=True)
        ]

    def _shared_data(self, runs: SeedRuns) -> list[str]:
        """The tasks whose training data an intermediate run and the target phase both have."""
        phases = (
            [task for run in runs.intermediates for spec in lineage(run, self.store) for task in spec.tasks],
            [task for run in (*runs.before, *runs.targets) for task in run.training.tasks],
        )
        intermediate, target = map(self.catalogue.training_data, phases)
        return sorted(intermediate & target)

    def _selected_on_scored(self, runs: SeedRuns, task: Recipe) -> list[str]:
        """The scored languages whose rows, or the English ones that they are translations of, selected a checkpoint."""
        spec = runs.evaluation.evaluation
        if isinstance(spec.rival, FrozenClassifier):
            selecting = [spec.rival.tasks[-1]]
        elif any(run.metrics.get("averaged_checkpoints") for run in runs.targets):
            selecting = []
        else:
            selecting = [one for run in (*runs.before, *runs.targets) for one in run.training.tasks]
        if not any(_selects_by(one, spec, task.originals.get(spec.split, task.name)) for one in selecting):
            return []
        parallel = task.parallel or (spec.source == "mini" and self.catalogue.build_kind(spec).parallel)
        return [name for name in runs.languages if parallel or name == ENGLISH]

    def _trained_on(self, intermediates: Sequence[Run]) -> dict[str, Any]:
        """What runs were trained on beside English rows: languages with translations, and labelled rows."""
        languages: dict[str, list[str]] = {}
        shots: dict[str, list[Labelled]] = {}
        for run in intermediates:
            tasks = [task for spec in lineage(run, self.store) for task in spec.tasks]
            translated = [code for task in tasks if task.data.translations for code in task.data.languages]
            if translated:
                languages[_label(run)] = list(dict.fromkeys(translated))
            if seen := labelled_behind(run, self.store):
                shots[_label(run)] = seen
        return {"intermediate_languages": languages, "intermediate_shots": shots}

    def _contrast(self, mine: Compared, theirs: Compared) -> Contrast | None:
        kind = self.catalogue.build_kind(mine.runs[0].evaluation)
        return contrast(mine, theirs, kind=kind, memory=self.memory)

    def _uncertainty(self, row: Compared) -> Contrast | None:
        return uncertainty(row, kind=self.catalogue.build_kind(row.runs[0].evaluation), memory=self.memory)

    def _row(self, reached: TargetRuns) -> TransferRow:
        seeds = [_seed_scores(one) for one in reached.seeds]
        first, runs = seeds[0], reached.seeds[0]
        spec = runs.evaluation.evaluation
        trained = (reached.mean_of or reached).seeds[0].targets[0].training if runs.targets else None
        last = runs.targets[-1] if runs.targets else runs.evaluation
        every = [one for seed in reached.seeds for one in (*seed.before, *seed.targets)]
        validation = [one.validation for one in seeds if one.validation is not None]
        task = self.catalogue.recipe(spec.task)
        return TransferRow(
            task=spec.task,
            title=task.title,
            metric_labels=task.metric_labels,
            intermediate=label(tuple(map(finished, reached.intermediates))),
            variant=reached.variant,
            train_languages=list(
                trained.only.data.languages if trained else spec.rival.languages if spec.rival else ()
            ),
            translate_test=bool(spec.translate_test),
            translations_are_english_rows=any(map(are_parallel_rows, spec.translate_test.values())),
            **self._trained_on(reached.intermediates),
            intermediate_runs={_label(run): run.key for run in reached.intermediates},
            composition=composition_name(trained, [one.training for one in reached.intermediates]) if trained else NONE,
            method=_method(runs, reached.intermediates),
            rival=runs.evaluation.metrics.get("rival", {}),
            split=spec.split,
            languages={name: _over_seeds([one.languages[name] for one in seeds], fmean) for name in first.languages},
            **_means(seeds),
            validation=fmean(validation) if validation else None,
            counts=first.counts,
            by_class=first.by_class,
            calibrated_on_scored_rows=runs.evaluation.metrics["calibrated_on_scored_rows"],
            selected_on_scored_rows=self._selected_on_scored(runs, task),
            calibration=first.calibration,
            difference={},
            contrast=None,
            parameters=last.metrics["parameters"],
            seconds={
                "intermediate": sum((run.provenance["train_seconds"] for run in reached.every_intermediate), 0.0),
                "target": sum(run.provenance["train_seconds"] for run in every),
                "evaluation": sum(seed.evaluation.provenance["wall_seconds"] for seed in reached.seeds),
            },
            cost={"intermediate": Cost.of(reached.every_intermediate), "target": Cost.of(every)},
            fusion_attention=runs.evaluation.metrics.get("fusion_attention", {}),
            hidden=runs.evaluation.metrics.get("hidden", {}),
            folder=first.folder,
            trained=first.trained,
            seeds=seeds,
            catalogue=self.catalogue,
            language_adapter=self.adapters.trained_over if self.adapters else None,
            language_adapters={name: self.adapters.label(name) for name in first.languages} if self.adapters else {},
            differs=task.differs(spec.source, spec.split),
            shared_data=self._shared_data(runs),
            shared={_label(run): place for run in reached.every_intermediate if (place := shared_from(run))},
            made_on=_made_on(reached),
            examples=_examples(runs),
            warnings=_doubts(reached),
            averaged_seeds=len(reached.mean_of.seeds) if reached.mean_of else 0,
        )


def _selects_by(task: TaskSpec, scored: EvaluateSpec, original: str) -> bool:
    """Whether the English rows that select a task's checkpoints are those that are scored, or would be in English.

    Args:
        original: The task that has these.
    """
    selecting = task.data.fingerprints.get("validation", {}).get(ENGLISH)
    if selecting is None or ENGLISH in scored.fingerprints:
        return selecting is not None and selecting == scored.fingerprints[ENGLISH]
    return scored.split == "validation" and task.name == original and not selecting.startswith("file:")


def without(one: TargetRuns, reached: Sequence[TargetRuns]) -> TargetRuns | None:
    """The row without intermediate task, of the same method; of means of several models, such a mean."""
    rows = (other for other in reached if not other.intermediates and bool(other.mean_of) == bool(one.mean_of))
    alike = (other for other in rows if other.variant is None or other.full or other.mean_of)
    return next((other for other in alike if other.full == one.full), None)


def _compared(reached: TargetRuns, row: TransferRow) -> Compared:
    shared = bool(reached.intermediates) and len(reached.every_intermediate) == len(reached.intermediates)
    runs = [seed.evaluation for seed in reached.seeds]
    return Compared(str(row.named), runs, reached.seeds[0].languages, shared=shared)


def _examples(runs: SeedRuns) -> dict[str, int]:
    """The rows of the target phase; where it has several data sets, those of all."""
    averages = any(run.metrics.get("averaged_checkpoints") for run in runs.targets)
    names = {"trained": "train_examples", "scored" if averages else "selected": "validation_examples"}
    rival = runs.evaluation.metrics.get("rival", {})
    learned = [run.metrics for run in runs.targets] or ([rival] if "train_examples" in rival else [])
    return {name: sum(one[metric] for one in learned) for name, metric in names.items()} if learned else {}


def _method(runs: SeedRuns, intermediates: Sequence[Run]) -> str:
    """The tuning method of the last phase there is, or what answers without any."""
    if rival := runs.evaluation.evaluation.rival:
        return rival.name
    made = [*runs.targets, *intermediates]
    return str(made[0].training.method) if made else NONE


def _doubts(reached: TargetRuns) -> list[str]:
    """What one should know of the models of a row, and of those that they start from."""
    found = [f"{_label(run)}: {one}" for run in reached.every_intermediate for one in training_doubts(run)]
    for seed in reached.seeds:
        which = f"seed {_seed_scores(seed).seed}: " if len(reached.seeds) > 1 else ""
        before = () if reached.mean_of else seed.before  # which are those of another row
        doubts = [one for run in (*before, *seed.targets) for one in training_doubts(run)]
        doubts += [*evaluation_doubts(seed.evaluation, seed.languages), *left_out_doubts(seed.evaluation)]
        found += [f"{which}{one}" for one in doubts]
    return found


def _made_on(reached: TargetRuns) -> dict[str, list[str]]:
    """Surroundings to the runs that were made in them."""
    found: dict[str, list[str]] = {}
    runs = [run for seed in reached.seeds for run in (*seed.before, *seed.targets, seed.evaluation)]
    for run in (*reached.every_intermediate, *runs):
        found.setdefault(surroundings(run.provenance), []).append(str(run.folder))
    return found


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


def _seed_scores(runs: SeedRuns) -> SeedScores:
    run, last = runs.evaluation, runs.targets[-1] if runs.targets else None
    seeded = last or next(iter(runs.intermediates), None)
    rival = run.metrics.get("rival", {})
    return SeedScores(
        seed=seeded.training.seed if seeded and seeded.training.composition.name != MEAN else None,
        intermediate_runs={_label(one): one.key for one in runs.intermediates},
        validation=(last.metrics["validation_all"] or {}).get("score") if last else rival.get("validation"),
        languages={name: run.metrics["languages"][name] for name in runs.languages},
        **{name: run.metrics.get(name) for name in _GROUPS},
        counts={name: run.metrics["counts"][name] for name in runs.languages},
        by_class={name: found for name, found in run.metrics.get("by_class", {}).items() if name in runs.languages},
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
