"""What the Python API returns and `--json` prints."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from adapterstilts.commands.costs import Cost
from adapterstilts.commands.doubts import training_doubts
from adapterstilts.commands.stored_predictions import read_predictions
from adapterstilts.commands.table.contrasts import Contrast
from adapterstilts.commands.table.few_shot_results import FewShotRow
from adapterstilts.commands.table.row_names import RowName
from adapterstilts.languages import ENGLISH
from adapterstilts.metrics.intervals import Interval
from adapterstilts.runs.shots import Labelled
from adapterstilts.runs.specs import ModelSpec
from adapterstilts.runs.store import Run
from adapterstilts.tasks.catalogue import Catalogue
from adapterstilts.tasks.kind import OF, shown_metrics

if TYPE_CHECKING:
    from pandas import DataFrame

Metrics = dict[str, float]

_MEANS = ("zero_shot", "cross_lingual")
SELECTED = "selected"
ORACLE = "oracle (chosen on the scored split itself: an upper bound, not a result)"


@dataclass(frozen=True)
class TaskResult:
    """What a training stage did with one task.

    Attributes:
        title: What tables call the task, and `metric_labels` its metrics: name to label.
        validation: Scores of the chosen checkpoint on the task's English validation data.
        examples_seen: Features in all batches, and `tokens_seen` their tokens.
    """

    title: str
    metric_labels: dict[str, str]
    validation: Metrics
    train_examples: int
    examples_seen: int
    tokens_seen: int


@dataclass(frozen=True)
class TrainResult:
    """A finished training stage.

    Attributes:
        task: The task trained on; of several, their names with `+` between them.
        languages: Languages of the training data.
        validation: Scores of the model on data in `validation_language`. Those of several tasks have
            the task's name and a `/` before theirs, and `score` is the mean of their main scores.
        validation_examples: How many these were; 0 where there were none.
        tasks: Each task by itself.
        sampling: How often each of several tasks was trained on.
        best_step: The step whose checkpoint was taken; None where the mean of several was.
        averaged_checkpoints: Of how many; 0 where one was taken.
        parameters: Number of `trained` and of all (`total`) parameters.
        seconds: Training time of the process that finished the stage.
        cost: What else it took.
        folder: The run folder, with weights, `log.jsonl`, metrics and provenance.
        warnings: What one should know before believing it: that it has collapsed, say, or that nothing has changed.
        next: The command that goes on from it.
    """

    task: str
    method: str
    languages: list[str]
    validation_language: str
    validation: Metrics
    validation_examples: int
    tasks: dict[str, TaskResult]
    sampling: str | None
    best_step: int | None
    steps: int
    parameters: dict[str, int]
    stored_bytes: int
    seconds: float
    cost: Cost
    key: str
    folder: Path
    warnings: list[str] = field(default_factory=list)
    next: str = field(default="", compare=False)
    averaged_checkpoints: int = 0

    @classmethod
    def of(cls, run: Run, catalogue: Catalogue, *, next: str = "") -> TrainResult:
        """Reads the result from a run folder, and what its tasks are called from the catalogue."""
        fields = ("validation", "validation_examples", "best_step", "steps", "parameters", "stored_bytes")
        spec = run.training
        return cls(
            task=spec.task,
            method=str(spec.method),
            languages=list(spec.tasks[0].data.languages),
            validation_language=spec.tasks[0].data.validation_language,
            tasks=_tasks(spec, run.metrics, catalogue),
            sampling=str(spec.sampling) if spec.sampling else None,
            **{name: run.metrics[name] for name in fields},
            seconds=run.provenance["train_seconds"],
            cost=Cost.of([run]),
            key=run.key,
            folder=run.folder,
            warnings=training_doubts(run),
            next=next,
            averaged_checkpoints=run.metrics.get("averaged_checkpoints", 0),
        )


def _tasks(spec: ModelSpec, metrics: dict[str, Any], catalogue: Catalogue) -> dict[str, TaskResult]:
    counted = ("train_examples", "examples_seen", "tokens_seen")
    found = {}
    for task in spec.tasks:
        alone = len(spec.tasks) == 1
        counts, prefix = (metrics, "") if alone else (metrics["tasks"][task.name], f"{task.name}/")
        own = {name[len(prefix) :]: value for name, value in metrics["validation"].items() if name.startswith(prefix)}
        found[task.name] = TaskResult(
            title=catalogue.recipe(task.name).title,
            metric_labels=shown_metrics(catalogue.build_kind(task), task.metric),
            validation=own,
            **{name: counts[name] for name in counted},
        )
    return found


@dataclass(frozen=True)
class SeedScores:
    """What one seed gave.

    Attributes:
        seed: Of the target phase; where no model is trained for the target, of the (first) intermediate run; None
            without one, and of the mean of several.
        intermediate_runs: The intermediate runs that it started from, as in `TransferRow`.
        validation: Main score of the target phase's checkpoint on English validation data; None without that phase.
        languages: As in `TransferRow`, and so are the others.
    """

    seed: int | None
    intermediate_runs: dict[str, str]
    validation: float | None
    languages: dict[str, Metrics]
    english: Metrics | None
    zero_shot: Metrics | None
    cross_lingual: Metrics | None
    counts: dict[str, dict[str, int]]
    calibration: dict[str, Any]
    folder: Path
    trained: Path | None
    by_class: dict[str, dict[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class MethodCost:
    """A tuning method on a backbone, heads aside.

    Attributes:
        compositions: How its intermediate weights can enter a target phase.
        trained: Number of trained parameters; None where the method does not work.
        total: Number of all parameters.
        stored_bytes: Size of what a run keeps.
        obstacle: Why it does not work on this backbone with its default options.
    """

    method: str
    library: str
    summary: str
    compositions: list[str]
    trained: int | None
    total: int | None
    stored_bytes: int | None
    obstacle: str | None


@dataclass(frozen=True)
class TransferRow:
    """One target task, reached one way.

    Attributes:
        title: What tables call the task, and `metric_labels` its metrics: name to label.
        intermediate: `none`, or the intermediate task with the key of its run, `squad@0123456789ab`; several that are
            composed into one model have ` + ` between them.
        intermediate_runs: Each of these with its full key. Those of further seeds are in `seeds`.
        variant: What is different about a baseline of `--compare`, or a row of `--average-seeds`; None for the others.
        averaged_seeds: Of how many seeds' models its only model is the mean, if it is one.
        train_languages: Languages of the target phase's training data; those other than English are translations.
        translate_test: Whether English translations of the test rows were scored instead of them.
        translations_are_english_rows: Whether these are the embedded suite's own English rows, the same ones for every
            language, so that every language has the scores of English.
        intermediate_languages: Of the runs that were trained on translations, the languages of their data.
        intermediate_shots: Of those that were trained on labelled rows of other languages, drawn ones or all of a task
            that was made in one, or begun with a model that was, which these were; in these languages the row's scores
            are not zero-shot.
        split: Split that was scored.
        languages: Language to its metrics, in percent, and its number of `examples`; means over seeds.
        english: Metrics in English, if it was scored, with the main score as `score`.
        zero_shot: Means over the other languages, likewise.
        cross_lingual: Means over the pairs of two languages, likewise.
        spread: The sample standard deviation over seeds of each metric of `english`, `zero_shot` and
            `cross_lingual`; empty with one seed.
        validation: Main score on the English validation data of the target phase, mean over seeds.
        counts: Language to what else has to be known about its predictions, e.g. how many labels occur in them.
        by_class: Language to what became of every class: precision, recall and F1 of each, how many examples are and
            were said to be of it, and which are taken for which; empty for tasks without classes.
        hidden: Language to why what stands in the place of its labels is not scored as such.
        examples: Rows of the target phase: how many it was `trained` on, and by how many its checkpoint was `selected`,
            or, where the mean of several was taken, how many it was `scored` on; empty where nothing is trained.
        calibrated_on_scored_rows: Languages whose calibration was chosen on the gold of the very rows that are scored.
        selected_on_scored_rows: Languages whose scored rows, or the English rows that these are translations of,
            selected the checkpoint.
        calibration: What was chosen on validation data to decode with, for the model or for each language.
        difference: Metric, and the task score as `score`, to the gain of the zero-shot mean over the row without an
            intermediate task, or that of `--against`.
        contrast: The same with the other differences to that row, and what their intervals are about.
        uncertainty: The scores themselves with intervals, in the form of a contrast: in a table without differences.
        seconds: Training of the intermediate and target phase, and evaluation; all seeds together.
        cost: What else these phases took: `intermediate` and `target`.
        fusion_attention: Language to layer to run to the mean share of attention that AdapterFusion gave it.
        folder: The run folder of the evaluation, with predictions and scores of every question.
        trained: The run folder of the target phase; None for tasks that no model is trained for.
        seeds: Scores and runs of every seed. Where there are several, `intermediate`, `counts`, `by_class`,
            `calibration`, `folder` and `trained` are those of the first.
        shared: Those of its intermediate runs that were not trained here, with the place that each is from.
        made_on: Libraries, processor and threads to the folders of the runs that were made with them.
        shared_data: The tasks whose training data both the intermediate and the target phase were trained on.
        language_adapter: The English language adapter that the target phase was trained over.
        language_adapters: Language to the language adapter that it was evaluated with.
        catalogue: What `predictions` are read with.
        selection: For a row that repeats another one: by which rule this one was picked, `SELECTED` or `ORACLE`.
        rival: Of a baseline that answers without a trained model: its `name`, the `value` of its `setting`, and how it
            was chosen; empty for the other rows.
        differs: How the scored rows differ from the benchmark's, where scores cannot be compared for that.
        warnings: What one should know before believing it: that a model has collapsed, or has learnt nothing.
    """

    task: str
    title: str
    metric_labels: dict[str, str]
    intermediate: str
    composition: str
    method: str
    split: str
    languages: dict[str, Metrics]
    english: Metrics | None
    zero_shot: Metrics | None
    cross_lingual: Metrics | None
    counts: dict[str, dict[str, int]]
    calibration: dict[str, Any]
    calibrated_on_scored_rows: list[str]
    difference: dict[str, Interval]
    contrast: Contrast | None
    parameters: dict[str, int]
    seconds: dict[str, float]
    cost: dict[str, Cost]
    folder: Path
    trained: Path | None
    intermediate_runs: dict[str, str]
    spread: dict[str, Metrics]
    validation: float | None
    seeds: list[SeedScores]
    catalogue: Catalogue = field(repr=False)
    variant: str | None = None
    train_languages: list[str] = field(default_factory=list)
    translate_test: bool = False
    translations_are_english_rows: bool = False
    intermediate_languages: dict[str, list[str]] = field(default_factory=dict)
    intermediate_shots: dict[str, list[Labelled]] = field(default_factory=dict)
    fusion_attention: dict[str, dict[str, dict[str, float]]] = field(default_factory=dict)
    language_adapter: str | None = None
    language_adapters: dict[str, str] = field(default_factory=dict)
    selection: str | None = None
    differs: str | None = None
    hidden: dict[str, str] = field(default_factory=dict)
    shared_data: list[str] = field(default_factory=list)
    examples: dict[str, int] = field(default_factory=dict)
    shared: dict[str, str] = field(default_factory=dict)
    made_on: dict[str, list[str]] = field(default_factory=dict)
    by_class: dict[str, dict[str, Any]] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    averaged_seeds: int = 0
    rival: dict[str, Any] = field(default_factory=dict)
    selected_on_scored_rows: list[str] = field(default_factory=list)
    uncertainty: Contrast | None = None

    @property
    def named(self) -> RowName:
        """What it is called in the table."""
        return RowName(
            intermediate=self.intermediate,
            runs=len(self.intermediate_runs),
            composition=self.composition if self.trained else None,
            variant=self.variant,
            alone=bool(self.rival),
            train_languages=tuple(self.train_languages),
            translate_test=self.translate_test,
        )

    def records(self, *, seeds: bool = False) -> list[dict[str, Any]]:
        """Every score by itself; see `TransferResult.records`."""
        named = {
            "task": self.task, "split": self.split, "row": str(self.named), "intermediate": self.intermediate,
            "composition": self.composition, "method": self.method, "variant": self.variant,
            "selection": self.selection,
        }  # fmt: skip
        models: list[tuple[int | None, Any]] = [(one.seed, one) for one in self.seeds] if seeds else [(None, self)]
        found = []
        for seed, model in models:
            means = {name: mean for name in _MEANS if (mean := getattr(model, name))}
            parts = {**model.languages, **means}
            for language, scores in parts.items():
                categories = [name for name in scores if OF in name]
                for metric in (*(name for name in self.metric_labels if name in scores), *categories):
                    found.append({
                        **named, "seed": seed, "language": language, "metric": metric, "value": scores[metric],
                        "examples": scores.get("examples"), **({} if seeds else self._apart(language, metric)),
                    })  # fmt: skip
        return found

    def _apart(self, language: str, metric: str) -> dict[str, Any]:
        """How a mean over seeds varies, and how it differs from another row's, or what interval it has itself."""
        spread = "english" if language == ENGLISH else language
        one = _part(self.contrast, language).get(metric)
        own = _part(self.uncertainty, language).get(metric)
        return {
            "spread": self.spread.get(spread, {}).get(metric),
            "against": self.contrast.against if self.contrast and one else None,
            "difference": one and one.mean,
            **{name: one and getattr(one, name) for name in ("low", "high", "p_holm")},
            **({f"score_{end}": own and getattr(own, end) for end in ("low", "high")} if self.uncertainty else {}),
        }

    def predictions(self, language: str) -> dict[str, Any]:
        """The predictions for one language, by example id; with several seeds, those of the first."""
        return read_predictions(Run(self.folder), language, self.catalogue)


def _part(contrast: Contrast | None, language: str) -> dict[str, Interval]:
    """What a contrast has of a language, or of a mean over several."""
    found: Any = contrast and (getattr(contrast, language, None) or contrast.languages.get(language))
    return found or {}


@dataclass(frozen=True)
class TransferResult:
    """All rows of one `transfer`, those of one target next to each other.

    Attributes:
        few_shots: What went on from them with labelled rows of other languages.
    """

    rows: list[TransferRow] = field(default_factory=list)
    few_shots: list[FewShotRow] = field(default_factory=list)

    def records(self, *, seeds: bool = False) -> list[dict[str, Any]]:
        """Every score by itself: one record for each row, language and metric.

        Args:
            seeds: One for each seed too, in place of their mean.

        Returns:
            Records with the same names. `language` is a code, or `zero_shot` for the mean of those other than English,
            or `cross_lingual` for that of pairs;
            `value` is in percent, `spread` its standard deviation over seeds where that is kept, and `difference`
            with `low`, `high` and `p_holm` what sets it apart from the row of `against`; without such rows,
            `score_low` and `score_high` are the score's own interval. Where there are few shots, theirs follow, with
            the number of labelled rows of the language as `shots`, and with `seeds` the `draw`.
        """
        found = [record for row in self.rows for record in row.records(seeds=seeds)]
        names = dict.fromkeys(name for record in found for name in record)
        found = [{name: record.get(name) for name in names} for record in found]
        if not self.few_shots:
            return found
        more = [record for row in self.few_shots for record in row.records(seeds=seeds)]
        return [*({**record, "shots": None, "draw": None} for record in found), *more]

    def to_pandas(self, *, seeds: bool = False) -> DataFrame:
        """The records as a data frame; see `records`."""
        import pandas

        return pandas.DataFrame(self.records(seeds=seeds))


def to_json(result: Any) -> str:
    """A result, or a list of them, as indented JSON; paths are strings, and what `repr` leaves out is left out."""
    return json.dumps(result, indent=1, ensure_ascii=False, default=_plain)


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return {one.name: getattr(value, one.name) for one in fields(value) if one.repr}
    return value.model_dump(mode="json") if isinstance(value, BaseModel) else str(value)
