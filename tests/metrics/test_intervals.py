"""Intervals against closed forms, every resample that there is, and plain loops with scipy."""

from __future__ import annotations

import itertools
from dataclasses import astuple

import numpy as np
import pytest
from scipy import stats

from adapterstilts.metrics.intervals import hierarchical_bootstrap, paired_bootstrap
from adapterstilts.metrics.statistics import computed_anew, pearson, spearman


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


def test_one_seed_is_the_paired_bootstrap() -> None:
    random = np.random.default_rng(3)
    system, baseline = ({"de": scores(random.normal(size=50))} for _ in range(2))
    assert hierarchical_bootstrap([system], [baseline]) == paired_bootstrap(system, baseline)


def test_every_resample_of_two_seeds_and_two_questions() -> None:
    """Among the sixteen draws each of the extremes has a share of more than 2.5%, so they are the interval's ends."""
    gains = np.array([[1.0, 4.0], [-3.0, 2.0]])  # (seed, question)
    interval = hierarchical_bootstrap(
        [{"de": scores(row)} for row in gains], [{"de": scores(np.zeros(2))} for _ in gains]
    )
    pairs = list(itertools.product(range(2), repeat=2))
    means = [gains[np.ix_(seeds, questions)].mean() for seeds in pairs for questions in pairs]
    assert interval.mean == pytest.approx(gains.mean())
    assert (interval.low, interval.high) == (min(means), max(means))


def test_quotients_are_formed_for_each_seed_before_they_are_averaged() -> None:
    systems = [{"de": {"a": (1, 2), "b": (1, 2)}}, {"de": {"a": (3, 30), "b": (0, 0)}}]
    nothing = [{"de": {"a": (0, 1), "b": (0, 1)}}] * 2
    assert hierarchical_bootstrap(systems, nothing).mean == pytest.approx((2 / 4 + 3 / 30) / 2)


def test_interval_over_seeds_and_questions_agrees_with_the_normal_approximation() -> None:
    """Additive effects: the variance of the mean is that of the seeds' effects plus that of the questions'."""
    random = np.random.default_rng(4)
    of_seed, of_question = random.normal(0, 2, size=30), random.normal(1, 10, size=300)
    systems = [{"de": scores(50 + effect + of_question)} for effect in of_seed]
    interval = hierarchical_bootstrap(systems, [{"de": scores(np.full(300, 50.0))}] * 30)
    half_width = 1.96 * np.sqrt(of_seed.var() / 30 + of_question.var() / 300)
    mean = of_seed.mean() + of_question.mean()
    assert interval.mean == pytest.approx(mean)
    assert interval.low == pytest.approx(mean - half_width, abs=0.12)
    assert interval.high == pytest.approx(mean + half_width, abs=0.12)
    questions_alone = paired_bootstrap(systems[0], {"de": scores(np.full(300, 50.0))})
    assert interval.high - interval.low > questions_alone.high - questions_alone.low


def test_seeds_are_paired() -> None:
    """However far seeds are apart, what system and baseline share of it says nothing about their difference."""
    levels = np.array([0.0, 40.0, 90.0])
    systems = [{"de": scores(np.full(5, level + 2))} for level in levels]
    interval = hierarchical_bootstrap(systems, [{"de": scores(np.full(5, level))} for level in levels])
    assert (interval.mean, interval.low, interval.high) == pytest.approx((2, 2, 2))


def test_other_numbers_of_seeds_and_other_questions_are_refused() -> None:
    one, other = {"de": {"a": 1.0}}, {"de": {"b": 1.0}}
    with pytest.raises(ValueError, match="same seeds"):
        hierarchical_bootstrap([one, one], [one])
    with pytest.raises(ValueError, match="same questions"):
        hierarchical_bootstrap([one, one], [one, other])


# Metrics that are no means


def correlated(seed: int, ids: range, spread: float) -> dict[str, tuple[float, float]]:
    """Pairs of a prediction and a gold value with many equal ones."""
    random = np.random.default_rng(seed)
    gold = random.integers(0, 6, size=len(ids))
    return {
        f"q{id_:03}": (float(round(value + random.normal(0, spread), 1)), float(value))
        for id_, value in zip(ids, gold, strict=True)
    }


def agreement(x: np.ndarray, y: np.ndarray) -> float:
    """Lin's concordance correlation coefficient."""
    spread = (x.var() + y.var()) / 2 + (x.mean() - y.mean()) ** 2 / 2
    return float(((x - x.mean()) * (y - y.mean())).mean() / spread)


STATISTICS = {
    "pearson": (pearson, lambda x, y: stats.pearsonr(x, y).statistic),
    "spearman": (spearman, lambda x, y: stats.spearmanr(x, y).statistic),
    "any function": (
        computed_anew(lambda items: 100 * agreement(*items.T)),
        lambda x, y: agreement(np.array(x), np.array(y)),
    ),
}


@pytest.mark.parametrize("name", STATISTICS)
def test_a_correlation_is_computed_anew_on_each_resample(name: str) -> None:
    """Against a plain loop over the same draws, with languages of which one lacks a third of the questions."""
    statistic, reference = STATISTICS[name]
    systems, baselines = (
        [
            {"de": correlated(seed, range(30), spread), "sw": correlated(seed + 50, range(10, 30), spread)}
            for seed in seeds
        ]
        for seeds, spread in (((1, 2), 1.0), ((3, 4), 2.0))
    )
    ids = [f"q{number:03}" for number in range(30)]

    def gain(asked: np.ndarray, trained: np.ndarray) -> float:
        gains = []
        for seed in trained:
            for language in ("de", "sw"):
                values = []
                for scores in (systems[seed], baselines[seed]):
                    items = [scores[language][ids[number]] for number in asked if ids[number] in scores[language]]
                    values.append(100 * reference(*zip(*items, strict=True)))
                gains.append(values[0] - values[1])
        return float(np.mean(gains))

    expected = stats.bootstrap(
        (np.arange(30), np.arange(2)), gain, n_resamples=2000, batch=50, vectorized=False, method="percentile", rng=0
    ).confidence_interval
    found = hierarchical_bootstrap(systems, baselines, statistic=statistic)
    assert found.mean == pytest.approx(gain(np.arange(30), np.arange(2)))
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))
    assert found.low < found.mean < found.high


def test_a_side_of_one_value_has_no_correlation_with_anything() -> None:
    items = np.array([[0.1, 1.0], [0.1, 2.0], [0.3, 2.0]])
    times = np.array([[1, 1, 1], [2, 1, 0], [0, 2, 1], [3, 0, 0]])
    expected = [100 * stats.pearsonr([0.1, 0.1, 0.3], [1.0, 2.0, 2.0]).statistic, 0.0, 0.0, 0.0]
    assert pearson(items, times) == pytest.approx(expected)
    assert spearman(items, times) == pytest.approx(expected)


def test_a_language_that_is_missing_from_a_resample_does_not_count() -> None:
    """One question alone is in Swahili, so that in a third of the resamples its language is not there."""
    system = {"de": {"a": 4.0, "b": 6.0}, "sw": {"c": 100.0}}
    nothing = {"de": {"a": 0.0, "b": 0.0}, "sw": {"c": 0.0}}
    mean = computed_anew(lambda items: float(items.mean()))
    anew, usual = (hierarchical_bootstrap([system], [nothing], statistic=one) for one in (mean, None))
    assert astuple(anew) == pytest.approx(astuple(usual)) and usual.high == 100.0
