"""Scorers of labels, sets of labels and numbers, against their definitions, scipy, and scikit-learn where it is."""

from __future__ import annotations

import tracemalloc
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from scipy import stats

from adapterstilts.metrics import METRICS
from adapterstilts.metrics.by_class import MOST_CLASSES, by_class, confusion
from adapterstilts.metrics.intervals import paired_bootstrap
from adapterstilts.metrics.resampling import resample
from adapterstilts.metrics.statistics import macro_f1

NAMES = ["art", "food", "sport", "war"]


def labels(seed: int, count: int = 80) -> tuple[list[str], list[str]]:
    random = np.random.default_rng(seed)
    gold = random.choice(NAMES, size=count, p=[0.6, 0.25, 0.1, 0.05])
    return list(np.where(random.random(count) < 0.6, gold, random.choice(NAMES, size=count))), list(gold)


def sets(seed: int, count: int = 60) -> tuple[list[list[str]], list[list[str]]]:
    random = np.random.default_rng(seed)
    gold = random.random((count, 4)) < [0.5, 0.3, 0.2, 0.1]
    given = gold ^ (random.random((count, 4)) < 0.2)
    mine, theirs = ([[NAMES[n] for n in np.flatnonzero(row)] for row in side] for side in (given, gold))
    return mine, theirs


def macro(given: Sequence[Any], gold: Sequence[Any]) -> float:
    """The mean F1 over the labels that occur, by its definition."""
    found = []
    for name in sorted({one for side in (given, gold) for row in side for one in row}):
        right = sum(name in mine and name in theirs for mine, theirs in zip(given, gold, strict=True))
        precision = right / max(1, sum(name in mine for mine in given))
        recall = right / max(1, sum(name in theirs for theirs in gold))
        found.append(2 * precision * recall / (precision + recall) if right else 0.0)
    return 100 * float(np.mean(found))


@pytest.mark.parametrize("seed", range(5))
def test_one_label_each(seed: int) -> None:
    given, gold = labels(seed)
    found = METRICS.get("classification").score(given, gold, language="en")
    accuracy = 100 * float(np.mean([mine == theirs for mine, theirs in zip(given, gold, strict=True)]))
    assert found["accuracy"] == found["f1_micro"] == pytest.approx(accuracy)
    assert found["f1_macro"] == pytest.approx(macro([[one] for one in given], [[one] for one in gold]))
    assert METRICS.get("accuracy").score(given, gold, language="en")["accuracy"] == pytest.approx(accuracy)
    alone = METRICS.get("f1_macro").score(given, gold, language="en")
    assert alone.keys() == {"f1_macro", "items"} and alone["f1_macro"] == found["f1_macro"]


def test_several_labels_each() -> None:
    given, gold = sets(1)
    found = METRICS.get("multi_label").score(given, gold, language="en")
    right = sum(len(set(mine) & set(theirs)) for mine, theirs in zip(given, gold, strict=True))
    precision, recall = right / sum(map(len, given)), right / sum(map(len, gold))
    assert found["f1_micro"] == pytest.approx(200 * precision * recall / (precision + recall))
    assert found["f1_macro"] == pytest.approx(macro(given, gold))
    assert found["accuracy"] == pytest.approx(100 * np.mean([a == b for a, b in zip(given, gold, strict=True)]))
    nothing = METRICS.get("multi_label").score([[], []], [[], []], language="en")
    assert (nothing["f1_micro"], nothing["f1_macro"], nothing["accuracy"]) == (0.0, 0.0, 100.0)


def test_scores_equal_those_of_scikit_learn() -> None:
    sklearn = pytest.importorskip("sklearn.metrics")
    given, gold = labels(7)
    found = METRICS.get("classification").score(given, gold, language="en")
    for average in ("macro", "micro"):
        assert found[f"f1_{average}"] == pytest.approx(100 * sklearn.f1_score(gold, given, average=average))
    assert found["accuracy"] == pytest.approx(100 * sklearn.accuracy_score(gold, given))


def test_numbers() -> None:
    random = np.random.default_rng(2)
    gold = random.normal(size=50).round(1)
    given = gold + random.normal(size=50).round(1)
    found = METRICS.get("regression").score(given.tolist(), gold.tolist(), language="en")
    assert found["spearman"] == pytest.approx(100 * stats.spearmanr(given, gold).statistic)
    assert found["pearson"] == pytest.approx(100 * stats.pearsonr(given, gold).statistic)
    assert found["mse"] == pytest.approx(float(((given - gold) ** 2).mean()))
    assert METRICS.get("mse").score([1.0, 2.0], [1.0, 4.0], language="en")["mse"] == 2.0


@pytest.mark.parametrize("name", ["classification", "multi_label"])
def test_values_in_resamples_are_those_of_the_drawn_examples(name: str) -> None:
    """Against the scorer itself on the examples that are drawn, each as often as it is."""
    make = {"classification": labels, "multi_label": sets}[name]
    entry = METRICS.get(name)
    sides = [make(seed, 24) for seed in (3, 4)]
    gold = sides[0][1]
    sides = [sides[0], (sides[1][0], gold)]
    ids = [f"q{number:02}" for number in range(24)]
    scored = [{"de": dict(zip(ids, entry.score(*side, language="de")["items"], strict=True))} for side in sides]
    found = resample([scored[0]], [scored[1]], statistics=entry.statistics, samples=10)
    draws = [np.arange(24), *np.random.default_rng(0).integers(0, 24, size=(10, 24))]
    for number, drawn in enumerate(draws):
        for side, (given, right) in enumerate(sides):
            again = entry.score([given[n] for n in drawn], [right[n] for n in drawn], language="de")
            for value in entry.gives:
                assert found.values[value][side, 0, number, 0] == pytest.approx(again[value]), value


def test_many_classes_and_examples_take_little_memory() -> None:
    """A table of all examples by all classes would be 3.2 GB: 20,000 by 20,000."""
    random = np.random.default_rng(0)
    label, said = np.arange(20_000), random.integers(1, 4, 20_000)
    tracemalloc.start()
    found = macro_f1((4 * label + said)[:, None], np.ones((1, len(label))))
    assert tracemalloc.get_traced_memory()[1] < 50e6
    tracemalloc.stop()
    assert found == pytest.approx(100 * (said == 3).mean())


def test_the_difference_of_two_macro_f1_has_an_interval() -> None:
    entry = METRICS.get("f1_macro")
    (better, gold), (worse, _) = labels(5), labels(6)
    scored = [
        {"de": {str(n): item["f1_macro"] for n, item in enumerate(entry.score(side, gold, language="de")["items"])}}
        for side in (better, worse)
    ]
    interval = paired_bootstrap(*scored, statistic=entry.statistics["f1_macro"])
    expected = macro([[one] for one in better], [[one] for one in gold]) - macro(
        [[one] for one in worse], [[one] for one in gold]
    )
    assert interval.mean == pytest.approx(expected) and interval.low < interval.mean < interval.high


def test_every_class_by_itself() -> None:
    found = by_class([["a"], ["a"], ["b"], []], [["a"], ["b"], ["b"], ["b"]], labels=["a", "b", "c"])["classes"]
    assert found["a"] == {
        "precision": 50.0, "recall": 100.0, "f1": pytest.approx(200 / 3), "support": 1, "predicted": 2
    }  # fmt: skip
    assert found["b"] == {
        "precision": 100.0,
        "recall": pytest.approx(100 / 3),
        "f1": 50.0,
        "support": 3,
        "predicted": 1,
    }
    assert found["c"] == {"precision": 0.0, "recall": 0.0, "f1": 0.0, "support": 0, "predicted": 0}


def test_which_classes_are_taken_for_which() -> None:
    found = confusion(["a", "a", "b"], ["a", "b", "b"], labels=["a", "b"])
    assert found == {"confusion": {"a": {"a": 1, "b": 0}, "b": {"a": 1, "b": 1}}}
    names = [f"c{n}" for n in range(MOST_CLASSES + 1)]
    many = confusion(["c1", "c1", "c2", "c0"], ["c0", "c0", "c1", "c0"], labels=names)
    assert many == {"confused": [["c0", "c1", 2], ["c1", "c2", 1]]}
