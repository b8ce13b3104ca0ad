"""The scorers of SQuAD-format tasks as `evaluate` metrics."""

from __future__ import annotations

from typing import Any

import datasets
import evaluate

from adapterstilts.metrics.answer_text import SQUAD, AnswerText, mlqa

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
