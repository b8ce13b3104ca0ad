"""Metrics, one entry each: what scores, which files have its predictions, and what resampling has to know of it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from adapterstilts.metrics import matching
from adapterstilts.metrics.statistics import Statistic, macro_f1, pearson, spearman
from adapterstilts.registry import Registry

Row = Mapping[str, Any]
Match = Callable[[Path, Path], tuple[list, list]]


def _compute(scorer: Any, predictions: list, references: list) -> dict[str, Any]:
    return scorer.compute(predictions=predictions, references=references)


def _compute_pairs(scorer: Any, predictions: list, references: list) -> dict[str, Any]:
    return scorer.score(predictions, references)


def _compute_answers(scorer: Any, predictions: list, references: list) -> dict[str, Any]:
    return scorer.compute(
        predictions=[
            {"id": id_, "prediction_text": text} for text, (id_, _) in zip(predictions, references, strict=True)
        ],
        references=[
            {"id": id_, "answers": {"text": golds, "answer_start": [0] * len(golds)}} for id_, golds in references
        ],
    )


def only(name: str) -> Callable[[Any, list, list], dict[str, Any]]:
    """How a metric is computed that is one value of a scorer whose `items` have the parts of several."""

    def compute(scorer: Any, predictions: list, references: list) -> dict[str, Any]:
        found = _compute(scorer, predictions, references)
        return {name: found[name], "items": [{name: item[name]} for item in found["items"]]}

    return compute


def _alone(row: Row) -> str:
    return row["id"]


def _by_text(row: Row) -> str:
    """Examples about one text: the questions on a paragraph, the hypotheses for a premise."""
    return row.get("context") or row.get("text_a") or row["id"]


@dataclass(frozen=True)
class Metric:
    """One metric of a benchmark; it may have several values, such as exact match and F1.

    Attributes:
        scorer: `module:Class` of the `evaluate.Metric` that computes it, which is imported when it is needed, because
            importing `evaluate` takes a second.
        suffix: How names of prediction and label files end.
        match: Reads a prediction file and its label file into predictions and gold answers, once the two belong
            together; None where no benchmark has such files.
        compute: The result of the scorer for predictions and gold answers: each value in percent, and in `items` the
            examples' parts in them if the scorer tells them.
        statistics: Value to the way in which the items of resampled examples make it, where it is neither the mean of
            numbers nor the quotient of the sums of (numerator, denominator).
        group: A canonical row to what it has in common with those whose errors are not independent of its own.
        unit: What such groups are called, in the plural.
        answers: What it scores of classification: a `label`, several `labels` or a `number` for each example; None
            where the kind of task alone says what an answer is.
        gives: Names of its values, where a task may show all of them or some; none where the kind alone says which.
    """

    name: str
    scorer: str
    suffix: str
    match: Match | None = None
    compute: Callable[[Any, list, list], dict[str, Any]] = _compute
    statistics: Mapping[str, Statistic] = field(default_factory=dict)
    group: Callable[[Row], str] = _alone
    unit: str = "groups"
    answers: str | None = None
    gives: tuple[str, ...] = ()

    @property
    def grouped(self) -> bool:
        """Whether some examples have errors that are not independent."""
        return self.group is not _alone

    def load(self, language: str) -> Any:
        """The `evaluate.Metric`, set up for the language of the answers."""
        module, _, attribute = self.scorer.partition(":")
        scorer = getattr(import_module(module), attribute)
        # It makes a folder even if it keeps nothing there, by default in a home that may not be writable.
        with TemporaryDirectory() as folder:
            return scorer(config_name=language, keep_in_memory=True, cache_dir=folder)

    def score(self, predictions: Iterable[Any], references: Iterable[Any], *, language: str) -> dict[str, Any]:
        """What `compute` makes of predictions and gold answers, in the form in which `match` gives them.

        Raises:
            UsageError: The metric has no rules for this language.
        """
        return self.compute(self.load(language), list(predictions), list(references))

    def groups(self, rows: Iterable[Row], ids: Collection[str]) -> dict[str, str]:
        """Each of the scored examples to the first one of its group, which names it alike in parallel languages.

        Args:
            rows: The canonical rows, among which those of the examples `ids` are.
        """
        first: dict[str, str] = {}
        found: dict[str, str] = {}
        for row in rows:
            if row["id"] in ids:
                found.setdefault(row["id"], first.setdefault(self.group(row), row["id"]))
        return found


METRICS: Registry[Metric] = Registry("metric")


def _add(name: str, scorer: str, suffix: str, **values: Any) -> None:
    METRICS.add(name, Metric(name, f"adapterstilts.metrics.{scorer}", suffix, **values))


def _add_answers(name: str, scorer: str, match: Match) -> None:
    _add(
        name,
        f"question_answering:{scorer}",
        ".json",
        match=match,
        compute=_compute_answers,
        group=_by_text,
        unit="paragraphs",
    )


_add_answers("squad", "SquadMetric", matching.match_answerable)
_add_answers("squad_v2", "SquadV2Metric", matching.match_answers)
_add_answers("mlqa", "MlqaMetric", matching.match_answerable)
_add_answers("squad_characters", "CharactersMetric", matching.match_answerable)
_add_answers("jsquad", "JsquadMetric", matching.match_answerable)
_add_answers("cmrc2018", "CmrcMetric", matching.match_answerable)
_add(
    "accuracy",
    "labels:AccuracyMetric",
    ".tsv",
    match=matching.match_lines,
    group=_by_text,
    unit="premises",
    answers="label",
    gives=("accuracy",),
)
_add("tagging", "labels:TaggingMetric", ".tsv", match=matching.match_tags)
_add("pairs", "retrieval:PairsMetric", ".tsv", match=matching.match_pairs, compute=_compute_pairs)
_add("map@20", "retrieval:MeanAveragePrecisionMetric", ".json", match=matching.match_rankings)
_add("masked_lm", "language_modelling:MaskedTokensMetric", ".json")


_ANEW: dict[str, Statistic] = {"f1_macro": macro_f1, "spearman": spearman, "pearson": pearson}
"""Values of classification that are neither means nor quotients of sums."""


def _add_classification(name: str, scorer: str, suffix: str, match: Match, answers: str, *values: str) -> None:
    """A metric with all its values, and one of each value that there is no metric of yet."""
    shared: dict[str, Any] = {"match": match, "group": _by_text, "unit": "texts", "answers": answers}
    for one, given in [(name, values), *((value, (value,)) for value in values)]:
        if one not in METRICS:
            compute = {"compute": only(one)} if len(given) == 1 else {}
            own = {value: _ANEW[value] for value in given if value in _ANEW}
            _add(one, f"classification:{scorer}", suffix, statistics=own, gives=given, **shared, **compute)


_add_classification(
    "classification", "ClassificationMetric", ".tsv", matching.match_lines, "label", "accuracy", "f1_macro", "f1_micro"
)
_add_classification(
    "multi_label", "MultiLabelMetric", ".json", matching.match_labels, "labels", "f1_micro", "f1_macro", "accuracy"
)
_add_classification(
    "regression", "RegressionMetric", ".tsv", matching.match_numbers, "number", "spearman", "pearson", "mse"
)
