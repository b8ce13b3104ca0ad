from __future__ import annotations

import numpy as np
import pytest

from adapterstilts.statistics import paired_bootstrap


def scores(values: np.ndarray) -> dict[str, float]:
    return {f"q{index}": float(value) for index, value in enumerate(values)}


def test_interval_of_a_mean_agrees_with_the_normal_approximation() -> None:
    random = np.random.default_rng(1)
    difference = random.normal(3.0, 10.0, size=400)
    interval = paired_bootstrap({"de": scores(50 + difference)}, {"de": scores(np.full(400, 50.0))})
    half_width = 1.96 * difference.std(ddof=1) / 20
    assert interval.mean == pytest.approx(difference.mean())
    assert interval.low == pytest.approx(difference.mean() - half_width, abs=0.15)
    assert interval.high == pytest.approx(difference.mean() + half_width, abs=0.15)


def test_translations_of_a_question_are_resampled_together() -> None:
    """The same differences in two languages carry no more information than in one."""
    difference = np.random.default_rng(2).normal(0, 10, size=200)
    zero = scores(np.zeros(200))
    one = paired_bootstrap({"de": scores(difference)}, {"de": zero})
    two = paired_bootstrap({"de": scores(difference), "zh": scores(difference)}, {"de": zero, "zh": zero})
    assert (two.low, two.high) == pytest.approx((one.low, one.high))


def test_languages_weigh_the_same_whatever_their_size() -> None:
    system = {"de": {"a": 100.0}, "zh": {f"b{n}": 0.0 for n in range(99)}}
    baseline = {"de": {"a": 0.0}, "zh": {f"b{n}": 0.0 for n in range(99)}}
    assert paired_bootstrap(system, baseline).mean == pytest.approx(50.0)


def test_no_difference_has_an_interval_of_no_width() -> None:
    same = {"de": {"a": 1.0, "b": 2.0}}
    interval = paired_bootstrap(same, same)
    assert (interval.mean, interval.low, interval.high) == (0, 0, 0)


def test_different_questions_are_refused() -> None:
    with pytest.raises(ValueError, match="same questions"):
        paired_bootstrap({"de": {"a": 1.0}}, {"de": {"b": 1.0}})
