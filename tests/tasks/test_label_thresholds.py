"""The threshold of labels against a search that computes every metric by its definition."""

from __future__ import annotations

import numpy as np
import pytest

from adapterstilts.metrics import METRICS
from adapterstilts.tasks.label_thresholds import best_threshold, scores_above


@pytest.mark.slow
@pytest.mark.parametrize("metric", ["f1_micro", "f1_macro", "accuracy"])
def test_no_threshold_is_better_on_the_rows_that_it_was_chosen_on(metric: str) -> None:
    random = np.random.default_rng(3)
    wanted = random.random((60, 5)) < 0.3
    scores = random.normal(size=(60, 5)) + 1.5 * wanted - 1

    def value(threshold: float) -> float:
        given = [[str(n) for n in np.flatnonzero(1 / (1 + np.exp(-row)) >= threshold)] for row in scores]
        gold = [[str(n) for n in np.flatnonzero(row)] for row in wanted]
        return METRICS.get("multi_label").score(given, gold, language="en")[metric]

    chosen = best_threshold(scores, wanted, metric)
    assert value(chosen) == pytest.approx(max(value(n / 100) for n in range(1, 100)))


def test_of_equally_good_ones_the_nearest_to_a_half_is_taken() -> None:
    assert best_threshold(np.array([[4.0, -4.0]]), np.array([[True, False]]), "f1_micro") == 0.5
    assert scores_above(np.array([0.0, -0.01]), 0.5).tolist() == [True, False]
