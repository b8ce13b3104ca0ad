"""The scorers of SQuAD-format tasks as `evaluate` metrics."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import datasets
import evaluate

from adapterstilts.metrics.answer_text import SQUAD, AnswerText, mlqa
from adapterstilts.metrics.characters import CMRC, JSQUAD, KORQUAD
from adapterstilts.metrics.statistics import fraction

_FEATURES = datasets.Features(
    {
        "predictions": {"id": datasets.Value("string"), "prediction_text": datasets.Value("string")},
        "references": {
            "id": datasets.Value("string"),
            "answers": {
                "text": datasets.Sequence(datasets.Value("string")),
                "answer_start": datasets.Sequence(datasets.Value("int32")),
            },
        },
    }
)


class SquadMetric(evaluate.Metric):
    """Exact match and F1 of SQuAD v1.1, for SQuAD, XQuAD and TyDiQA-GoldP in any language.

    Takes the same predictions and references as the Hub's `squad` metric and returns percentages, plus `items`:
    the two values of every reference, in order. Predictions are looked up by id, as the official script does.
    """

    def _info(self) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            description="Exact match and token F1 of answer spans, best over the gold answers.",
            citation="Rajpurkar et al. 2016, arXiv 1606.05250; Lewis et al. 2020, arXiv 1910.07475",
            features=_FEATURES,
        )

    def _answer_text(self) -> AnswerText:
        return SQUAD

    def _compute(self, predictions: Any, references: Any) -> dict[str, Any]:
        compare = self._answer_text()
        given = {prediction["id"]: prediction["prediction_text"] for prediction in predictions}
        items = [compare.best(given[row["id"]], row["answers"]["text"]) for row in references]
        means = {name: sum(item[name] for item in items) / len(items) for name in ("exact_match", "f1")}
        return {**means, "items": items}


class MlqaMetric(SquadMetric):
    """Exact match and F1 of MLQA; the metric's configuration name is the language of the answers."""

    def _answer_text(self) -> AnswerText:
        return mlqa(self.config_name)


class CharactersMetric(SquadMetric):
    """Exact match and F1 of characters of KorQuAD 1.0 (Lim et al. 2019, arXiv 1909.07005)."""

    def _answer_text(self) -> AnswerText:
        return KORQUAD


class JsquadMetric(SquadMetric):
    """Exact match and F1 of characters of JSQuAD (Kurihara et al. 2022, LREC)."""

    def _answer_text(self) -> AnswerText:
        return JSQUAD


class CmrcMetric(SquadMetric):
    """Exact match and F1 of CMRC 2018 (Cui et al. 2019, arXiv 1810.07366)."""

    def _answer_text(self) -> AnswerText:
        return CMRC


class SquadV2Metric(SquadMetric):
    """Exact match and F1 of SQuAD v2.0, where the right answer can be none, which is the empty string.

    Adds `has_answer_exact`, `has_answer_f1`, `no_answer_exact` and `no_answer_f1`: the means over the questions with
    and without answer; their items are (value, 1), or (0, 0) for questions that do not count.
    """

    def compare(self, prediction: str, golds: Sequence[str]) -> dict[str, float]:
        """Best exact match and F1 over the gold answers, in percent; an answer of articles only is none."""
        kept = [gold for gold in golds if SQUAD.normalize(gold)]
        if kept:
            return SQUAD.best(prediction, kept)
        value = 100.0 * (SQUAD.normalize(prediction) == "")
        return {"exact_match": value, "f1": value}

    def _compute(self, predictions: Any, references: Any) -> dict[str, Any]:
        given = {prediction["id"]: prediction["prediction_text"] for prediction in predictions}
        items: list[dict[str, Any]] = []
        for row in references:
            golds = row["answers"]["text"]
            item: dict[str, Any] = self.compare(given[row["id"]], golds)
            for group, member in (("has_answer", bool(golds)), ("no_answer", not golds)):
                item[f"{group}_exact"] = (item["exact_match"] * member, float(member))
                item[f"{group}_f1"] = (item["f1"] * member, float(member))
            items.append(item)
        names = list(items[0])
        return {**{name: _quotient([item[name] for item in items]) for name in names}, "items": items}


def _quotient(values: Sequence[Any]) -> float:
    """The mean of numbers, or the quotient of the sums of (numerator, denominator); 0 where there is nothing."""
    pairs = [fraction(value) for value in values]
    below = sum(denominator for _, denominator in pairs)
    return sum(numerator for numerator, _ in pairs) / below if below else 0.0
