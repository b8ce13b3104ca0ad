"""The scorers of classification: one label, several labels or a number for each text, as `evaluate` metrics.

Correlations and everything about labels are in percent. Each scorer has all values of its form of answer, of which an
entry of the registry may give one alone; `items` has the part of every example in each of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import datasets
import evaluate
import numpy as np

from adapterstilts.metrics.statistics import FILLER, Item, Statistic, macro_f1, pearson, spearman

Sets = Sequence[frozenset[str]]


class ClassificationMetric(evaluate.Metric):
    """Accuracy, and F1 over one label for each example.

    `f1_macro` is the mean F1 of the labels that occur among answers or gold; `f1_micro` is F1 over all examples and
    labels together, which is the accuracy where each example has one. Both as `f1_score` of scikit-learn, with 0 for a
    label that is never right.
    """

    def _info(self) -> evaluate.MetricInfo:
        label = datasets.Value("string")
        return evaluate.MetricInfo(
            description="Accuracy, macro-averaged and micro-averaged F1.",
            citation="Pedregosa et al. 2011, JMLR 12: sklearn.metrics.f1_score",
            features=datasets.Features({"predictions": label, "references": label}),
        )

    def _compute(self, predictions: Any, references: Any) -> dict[str, Any]:
        return _of_sets([frozenset((one,)) for one in predictions], [frozenset((one,)) for one in references])


class MultiLabelMetric(evaluate.Metric):
    """Exact match of the sets of labels as `accuracy`, and F1 likewise; a prediction is a list of labels."""

    def _info(self) -> evaluate.MetricInfo:
        labels = datasets.Sequence(datasets.Value("string"))
        return evaluate.MetricInfo(
            description="Micro-averaged and macro-averaged F1, and exact match, of sets of labels.",
            citation="Pedregosa et al. 2011, JMLR 12: sklearn.metrics.f1_score",
            features=datasets.Features({"predictions": labels, "references": labels}),
        )

    def _compute(self, predictions: Any, references: Any) -> dict[str, Any]:
        return _of_sets(list(map(frozenset, predictions)), list(map(frozenset, references)))


class RegressionMetric(evaluate.Metric):
    """Spearman's and Pearson's correlation in percent, and the mean squared error in the square of the data's unit.

    A correlation is 0 where all predictions, or all gold values, are the same.
    """

    def _info(self) -> evaluate.MetricInfo:
        number = datasets.Value("float64")
        return evaluate.MetricInfo(
            description="Spearman's and Pearson's correlation, and the mean squared error.",
            citation="Spearman 1904; Pearson 1895; as scipy.stats.spearmanr and pearsonr",
            features=datasets.Features({"predictions": number, "references": number}),
        )

    def _compute(self, predictions: Any, references: Any) -> dict[str, Any]:
        pairs = [(float(mine), float(gold)) for mine, gold in zip(predictions, references, strict=True)]
        errors = [(mine - gold) ** 2 for mine, gold in pairs]
        return {
            "spearman": _value(spearman, pairs),
            "pearson": _value(pearson, pairs),
            "mse": sum(errors) / len(errors),
            "items": [
                {"spearman": pair, "pearson": pair, "mse": error} for pair, error in zip(pairs, errors, strict=True)
            ],
        }


def _of_sets(predictions: Sets, references: Sets) -> dict[str, Any]:
    """All values, and every example's part in each of them."""
    found = list(zip(predictions, references, strict=True))
    exact = [100.0 * (mine == gold) for mine, gold in found]
    parts = [(200.0 * len(mine & gold), float(len(mine) + len(gold))) for mine, gold in found]
    codes = _codes(predictions, references)
    below = sum(labels for _, labels in parts)
    return {
        "accuracy": sum(exact) / len(exact),
        "f1_micro": sum(both for both, _ in parts) / below if below else 0.0,
        "f1_macro": _value(macro_f1, codes),
        "items": [
            {"accuracy": right, "f1_micro": part, "f1_macro": code}
            for right, part, code in zip(exact, parts, codes, strict=True)
        ],
    }


def _codes(predictions: Sets, references: Sets) -> list[list[int]]:
    """What `macro_f1` takes of each example: a number for each of its labels, equally many for all examples."""
    numbers = {name: number for number, name in enumerate(sorted(frozenset().union(*predictions, *references)))}
    found = [
        [4 * numbers[name] + (name in gold) + 2 * (name in mine) for name in sorted(mine | gold)]
        for mine, gold in zip(predictions, references, strict=True)
    ]
    width = max(1, *map(len, found))
    return [codes + [FILLER] * (width - len(codes)) for codes in found]


def _value(statistic: Statistic, items: Sequence[Item]) -> float:
    """The value on the examples as they are."""
    return float(statistic(np.array(items, dtype=float), np.ones((1, len(items))))[0])
