"""Intervals of scores themselves, against exact ones and simulations."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats

from adapterstilts.metrics.intervals import score_interval


def drawn_again(right: np.ndarray, samples: int = 2000) -> np.ndarray:
    """One model's score in resamples of its answers, `(seed, sample)`, in percent."""
    drawn = np.random.default_rng(0).integers(0, len(right), (samples, len(right)))
    return 100 * np.concatenate([[right.mean()], right[drawn].mean(1)])[None]


@pytest.mark.parametrize(("right", "count"), [(24, 24), (0, 24), (2, 5), (500, 1000), (990, 1000)])
def test_the_interval_of_a_share_is_that_of_clopper_and_pearson(right: int, count: int) -> None:
    """Which also says how little is known of the rest where all answers are right."""
    answers = np.r_[np.ones(right), np.zeros(count - right)]
    found = score_interval(drawn_again(answers, 20_000), groups=count, examples=count)
    exact = stats.binomtest(right, count).proportion_ci()
    assert (found.low, found.high) == pytest.approx((100 * exact.low, 100 * exact.high), abs=0.3)
    assert found.mean == pytest.approx(100 * right / count) and found.p is None


@pytest.mark.parametrize("draw", [lambda random: random.random(20) < 0.95, lambda random: random.beta(0.5, 0.2, 20)])
def test_the_interval_of_a_score_is_right_often_enough(draw: Callable[[np.random.Generator], np.ndarray]) -> None:
    """Of few answers, nearly all of them right; and of answers that are partly right."""
    random = np.random.default_rng(1)
    truth = 100 * np.mean([draw(random).mean() for _ in range(20_000)])
    found = [score_interval(drawn_again(1.0 * draw(random), 300), groups=20, examples=20) for _ in range(300)]
    assert np.mean([one.low <= truth <= one.high for one in found]) >= 0.94
    assert all(0 <= one.low <= one.mean <= one.high <= 100 for one in found)


@pytest.mark.parametrize("almost", [0.99, 0.999, 2 / 3])
def test_what_is_not_all_right_is_not_surer_than_what_is(almost: float) -> None:
    """Answers that are partly right, or right by two of three models: a little of one says nothing of how often."""
    perfect = stats.binomtest(24, 24).proportion_ci().low
    for right, end in ((np.r_[np.ones(23), almost], "low"), (np.r_[np.zeros(23), 1 - almost], "high")):
        found = score_interval(drawn_again(right), groups=24, examples=24)
        share = getattr(found, end) / 100
        assert (share if end == "low" else 1 - share) <= perfect + 1e-9 and found.low < found.mean < found.high


def test_the_interval_of_scores_that_are_seldom_0_is_right_often_enough() -> None:
    """Of 24 answers one in twenty is wrong and another one partly right: in many samples there is none of the first."""
    random = np.random.default_rng(1)

    def drawn(count: int) -> np.ndarray:
        places = random.random(count)
        return np.where(places < 0.9, 1.0, np.where(places < 0.95, random.uniform(0.9, 1.0, count), 0.0))

    found = [score_interval(drawn_again(drawn(24), 300), groups=24, examples=24) for _ in range(300)]
    assert np.mean([one.low <= 94.75 <= one.high for one in found]) >= 0.94


def test_what_is_no_share_has_an_interval_without_ends() -> None:
    values = drawn_again(np.r_[np.ones(23), 0.0])
    plain, share = (score_interval(values, groups=24, examples=24, share=share) for share in (False, True))
    assert plain.high > 100 > share.high and plain.p is None
