"""The scorers of tasks whose answer is a label for each item or token, as `evaluate` metrics."""

from __future__ import annotations

from typing import Any

import datasets
import evaluate

from adapterstilts.metrics.chunks import span_scores


class AccuracyMetric(evaluate.Metric):
    """Share of equal labels, in percent, with 0 or 100 for every item as `items`.

    Scores XNLI, PAWS-X, XCOPA, and Tatoeba, whose labels are line numbers.
    """

    def _info(self) -> evaluate.MetricInfo:
        label = datasets.Value("string")
        return evaluate.MetricInfo(
            description="Accuracy.",
            citation="Hu et al. 2020, arXiv 2003.11080",
            features=datasets.Features({"predictions": label, "references": label}),
        )

    def _compute(self, predictions: Any, references: Any) -> dict[str, Any]:
        items = [100.0 * (mine == gold) for mine, gold in zip(predictions, references, strict=True)]
        return {"accuracy": sum(items) / len(items), "items": items}


class TaggingMetric(evaluate.Metric):
    """Span F1, precision and recall as seqeval 0.0.12 gives them, and token accuracy, all in percent.

    Scores PAN-X and UD-POS. One prediction is the list of a sentence's tags.
    """

    def _info(self) -> evaluate.MetricInfo:
        tags = datasets.Sequence(datasets.Value("string"))
        return evaluate.MetricInfo(
            description="Micro-averaged F1 of tagged spans, and accuracy of tokens.",
            citation="Hu et al. 2020, arXiv 2003.11080; seqeval 0.0.12",
            features=datasets.Features({"predictions": tags, "references": tags}),
        )

    def _compute(self, predictions: Any, references: Any) -> dict[str, float]:
        pairs = [
            (mine, gold)
            for ours, theirs in zip(predictions, references, strict=True)
            for mine, gold in zip(ours, theirs, strict=True)
        ]
        accuracy = 100 * sum(mine == gold for mine, gold in pairs) / len(pairs)
        return {**span_scores(predictions, references), "accuracy": accuracy}
