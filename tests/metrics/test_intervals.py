"""Intervals against closed forms and plain loops with scipy."""

from __future__ import annotations

from dataclasses import astuple

import numpy as np
import pytest
from scipy import stats

from adapterstilts.metrics.intervals import (
    Interval,
    hierarchical_bootstrap,
    holm,
    interval,
    mean_gains,
    paired_bootstrap,
)
from adapterstilts.metrics.resampling import draws, numbered_alike, resample, united
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


def test_quotients_are_formed_for_each_seed_before_they_are_averaged() -> None:
    systems = [{"de": {"a": (1, 2), "b": (1, 2)}}, {"de": {"a": (3, 30), "b": (0, 0)}}]
    nothing = [{"de": {"a": (0, 1), "b": (0, 1)}}] * 2
    assert hierarchical_bootstrap(systems, nothing).mean == pytest.approx((2 / 4 + 3 / 30) / 2)


def test_questions_on_one_paragraph_are_resampled_together() -> None:
    """Against the t interval over the means of equally large paragraphs, each question of which says the same."""
    of_paragraph = np.random.default_rng(5).normal(2, 10, size=40)
    system, baseline = {"de": scores(np.repeat(of_paragraph, 6))}, {"de": scores(np.zeros(240))}
    groups = {f"q{number}": f"q{number - number % 6}" for number in range(240)}
    together = paired_bootstrap(system, baseline, groups=groups)
    expected = stats.ttest_1samp(of_paragraph, 0)
    low, high = expected.confidence_interval()
    assert (together.mean, together.low, together.high) == pytest.approx((of_paragraph.mean(), low, high), abs=0.3)
    assert together.p == pytest.approx(expected.pvalue, rel=0.15)
    alone = paired_bootstrap(system, baseline)
    assert together.high - together.low == pytest.approx(6**0.5 * (alone.high - alone.low), rel=0.08)


def test_one_group_says_nothing_of_others() -> None:
    system, baseline = {"de": {"a": 1.0, "b": 3.0}}, {"de": {"a": 0.0, "b": 0.0}}
    assert paired_bootstrap(system, baseline, groups={"a": "a", "b": "a"}) == Interval(2.0, None, None)


def test_groups_that_share_an_example_in_some_language_are_one() -> None:
    """German lacks the first question on the paragraph, and Chinese the second: each names it by what it has."""
    german, chinese = {"q2": "q2", "q3": "q2", "q9": "q9"}, {"q1": "q1", "q3": "q1"}
    found = united([german, chinese])
    assert found["q1"] == found["q2"] == found["q3"] != found["q9"]


@pytest.mark.parametrize(
    ("other", "alike"),
    [
        ("aaabbbccc", True),
        ("aabbccc", False),  # two rows are missing, and those after them have their numbers
        ("bbbccc", True),  # a whole group is: whose numbers these are does not show, and does not matter
        ("abcdefghi", True),  # groups that are parts of the other ones, as where texts are cut in another way
        ("aaaaaaccc", True),  # and groups that have several
        ("xaaabbbcc", False),
    ],
)
def test_an_id_is_not_the_same_example_where_groups_overlap(other: str, alike: bool) -> None:
    def groups(names: str) -> dict[str, str]:
        return {str(place): str(names.index(name)) for place, name in enumerate(names)}

    found = numbered_alike({"de": groups("aaabbbccc"), "zh": groups(other), "ru": groups("aaabbbccc")})
    assert found == ([["de", "zh", "ru"]] if alike else [["de", "ru"], ["zh"]])
    assert numbered_alike({"de": {"a": "a"}, "zh": {"b": "b"}, "ru": {}}) == [["de", "zh", "ru"]]


def crossed(seeds: int, groups: int, of_seed: float, of_group: float, of_both: float) -> np.ndarray:
    """Gains `(seed, group)` that are sums of effects with just these standard deviations, without any by accident."""
    random = np.random.default_rng(4)
    first, second = random.normal(size=(seeds, 1)), random.normal(size=(1, groups))
    both = random.normal(size=(seeds, groups))
    both -= both.mean(axis=0)
    both -= both.mean(axis=1, keepdims=True)
    return sum(
        size * (effect - effect.mean()) / (effect.std(ddof=1) if size else 1)
        for size, effect in ((of_seed, first), (of_group, second), (of_both, both))
    )


@pytest.mark.parametrize("effects", [(3, 0, 0), (0, 10, 0), (2, 10, 0), (2, 10, 10)])
def test_interval_over_seeds_and_questions_agrees_with_the_analysis_of_variance(effects: tuple[float, ...]) -> None:
    gains = 1 + crossed(4, 200, *effects)
    interval = hierarchical_bootstrap(
        [{"de": scores(row)} for row in gains], [{"de": scores(np.zeros(200))} for _ in gains]
    )
    of_groups = gains.mean(axis=0).var(ddof=1) / 200
    within = (gains - gains.mean(axis=0)).var(axis=1, ddof=1).sum() / 200 / 4**2
    of_seeds = max(0.0, gains.mean(axis=1).var(ddof=1) / 4 - within)
    share = of_seeds / (of_seeds + of_groups)
    quantile = share * stats.t.isf(0.025, 3) + (1 - share) * stats.t.isf(0.025, 199)
    half = quantile * (of_seeds + of_groups) ** 0.5
    assert interval.mean == pytest.approx(1)
    assert (interval.low, interval.high) == pytest.approx((1 - half, 1 + half), abs=0.06 * half)


def test_p_is_the_level_whose_interval_ends_at_no_difference() -> None:
    gains = 2 + crossed(3, 50, 2, 10, 5)
    both = [{"de": scores(row)} for row in gains], [{"de": scores(np.zeros(50))} for _ in gains]
    p = hierarchical_bootstrap(*both).p
    assert p is not None and 0.05 < p < 1
    assert hierarchical_bootstrap(*both, confidence=1 - p).low == pytest.approx(0, abs=1e-6)
    surely = [{"de": scores(row + 1000)} for row in gains]
    assert hierarchical_bootstrap(surely, both[1]).p < 1e-3


def test_holm_is_that_of_the_textbook() -> None:
    """Expected: worked by hand; the second smallest of four times three, and never less than the one before."""
    found = holm([Interval(0, 0, 0, p) for p in (0.04, 0.01, 0.03, 0.9)] + [Interval(0, None, None)])
    assert [one.p_holm for one in found] == [pytest.approx(p) for p in (0.09, 0.04, 0.09, 0.9)] + [None]
    assert holm([Interval(0, 0, 0, 0.02)])[0].p_holm == 0.02


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
    for lacking in (other, {**one, "zh": {"c": 1.0}}, {}):
        with pytest.raises(ValueError, match="same questions"):
            hierarchical_bootstrap([one, one], [one, lacking])


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

    ours, theirs = (
        [{code: {id_: {"it": item} for id_, item in items.items()} for code, items in one.items()} for one in side]
        for side in (systems, baselines)
    )
    groups = {id_: ids[number - number % 2] for number, id_ in enumerate(ids)}
    found = resample(ours, theirs, groups=groups, statistics={"it": statistic}, samples=20)
    values = found.values["it"]
    gains = np.nanmean(values[0] - values[1], axis=-1)
    draws = np.random.default_rng(0).integers(0, 15, size=(20, 15))
    for number, drawn in enumerate([np.arange(15), *draws]):
        asked = [question for group in drawn for question in (2 * group, 2 * group + 1)]
        for seed in (0, 1):
            assert gains[seed, number] == pytest.approx(gain(np.array(asked), np.array([seed])))
    interval = hierarchical_bootstrap(systems, baselines, statistic=statistic)
    assert interval.mean == pytest.approx(gain(np.arange(30), np.arange(2)))
    assert interval.low < interval.mean < interval.high


def test_a_side_of_one_value_has_no_correlation_with_anything() -> None:
    items = np.array([[0.1, 1.0], [0.1, 2.0], [0.3, 2.0]])
    times = np.array([[1, 1, 1], [2, 1, 0], [0, 2, 1], [3, 0, 0]])
    expected = [100 * stats.pearsonr([0.1, 0.1, 0.3], [1.0, 2.0, 2.0]).statistic, 0.0, 0.0, 0.0]
    assert pearson(items, times) == pytest.approx(expected)
    assert spearman(items, times) == pytest.approx(expected)


@pytest.mark.parametrize("size", [1e-300, 1e-200, 1e100])
def test_a_correlation_is_the_same_in_any_unit(size: float) -> None:
    """Also where squares of the numbers would be too small or too large for numbers."""
    items = np.array([[0.1, 1.0], [0.4, 2.0], [0.3, 2.0], [0.7, 5.0], [0.2, 3.0]])
    times = np.array([[1, 1, 1, 1, 1], [2, 1, 0, 1, 1], [0, 2, 1, 2, 0]])
    for statistic in (pearson, spearman):
        plain = statistic(items, times)
        assert statistic(items * [size, 1 / size], times) == pytest.approx(plain) and (abs(plain) > 10).all()


def test_a_language_that_is_missing_from_a_resample_does_not_count() -> None:
    """One question alone is in Swahili, so that in a third of the resamples its language is not there."""
    system = {"de": {"a": 4.0, "b": 6.0}, "sw": {"c": 100.0}}
    nothing = {"de": {"a": 0.0, "b": 0.0}, "sw": {"c": 0.0}}
    mean = computed_anew(lambda items: float(items.mean()))
    anew, usual = (hierarchical_bootstrap([system], [nothing], statistic=one) for one in (mean, None))
    assert astuple(anew)[:4] == pytest.approx(astuple(usual)[:4])
    found = resample(
        [{code: {id_: {"it": item} for id_, item in items.items()} for code, items in system.items()}],
        [{code: {id_: {"it": item} for id_, item in items.items()} for code, items in nothing.items()}],
        samples=40,
    )
    drawn = found.values["it"][0, 0, 1:, 1]
    assert np.isnan(drawn).any() and set(drawn[~np.isnan(drawn)]) == {100.0}
    assert found.count(["de"]) == 2 and found.count(["de", "sw"]) == 3


@pytest.mark.parametrize("effects", [(0.0, 1.0, 0.0), (1.0, 0.0, 0.0), (1.0, 1.0, 1.0)])
def test_interval_over_seeds_draws_and_groups_is_right_often_enough(effects: tuple[float, float, float]) -> None:
    """Three seeds with three draws each: what both have, one of them, or single pairs, as large as what groups give."""
    seeds, number, groups = 3, 3, 60
    times = np.concatenate([one for _, one in draws(groups, 200)])
    random = np.random.default_rng(0)
    shapes = ((seeds, 1, 1), (1, number, 1), (seeds, number, 1))
    held = 0
    for _ in range(200):
        gains = 1.0 + random.normal(size=(1, 1, groups))
        for effect, shape in zip(effects, shapes, strict=True):
            gains = gains + 2 * effect / np.sqrt(groups) * random.normal(size=shape)
        found = interval(gains @ times.T / groups, groups=groups)
        held += found.low <= 1.0 <= found.high
    assert held >= 0.92 * 200


def test_one_draw_is_no_draw() -> None:
    gains = np.random.default_rng(1).normal(size=(3, 201))
    assert interval(gains[:, None], groups=20) == interval(gains, groups=20)
    assert interval(gains[None], groups=20) == interval(gains, groups=20)  # one seed, three draws


def test_samples_without_an_example_that_counts_are_left_out() -> None:
    """A category of few examples: some resamples have none of them."""
    scores = {"de": {str(n): {"x": (float(n == 0), float(n < 2))} for n in range(8)}}
    base = {"de": {str(n): {"x": (float(n == 1), float(n < 2))} for n in range(8)}}
    drawn = resample([scores], [base], groups={str(n): str(n) for n in range(8)}, statistics={})
    gains = mean_gains(drawn, ["de"], "x")
    assert np.isnan(gains).any() and gains[0, 0] == 0.0
    found = interval(gains, groups=8)
    assert found.mean == 0.0 and found.low is not None and found.low < 0.0 < found.high and found.p == 1.0
    assert interval(gains[:, :50], groups=8).low is None


@pytest.mark.parametrize("few", [4, 8])
def test_only_examples_that_a_category_counts_are_degrees_of_freedom(few: int) -> None:
    """Each of few examples among many others: as often right as a t interval over these few alone."""
    random, times = np.random.default_rng(0), np.concatenate([one for _, one in draws(few, 400)])
    held = 0
    for _ in range(100):
        values = random.normal(size=few)
        items = {f"q{number}": {"x": (float(value), 1.0)} for number, value in enumerate(values)}
        others = {f"r{number}": {"x": (0.0, 0.0)} for number in range(100)}
        nothing = {id_: {"x": (0.0, item["x"][1])} for id_, item in (items | others).items()}
        found = resample([{"de": items | others}], [{"de": nothing}], samples=400)
        assert (found.count(["de"]), found.count(["de"], "x")) == (100 + few, few)
        one = interval(mean_gains(found, ["de"], "x"), groups=found.count(["de"], "x"))
        assert one.low is not None and one.high is not None
        held += one.low <= 0 <= one.high
        alone = interval((times @ values / few)[None], groups=few)
        assert alone.high is not None and one.high - one.mean > 0.9 * (alone.high - alone.mean)
    assert held >= 90


def test_one_example_of_a_category_says_nothing_of_others() -> None:
    """Right by the one system and wrong by the other, in every resample that has it."""
    ours, theirs = (
        {"de": {f"q{number}": (value * (number == 0), float(number == 0)) for number in range(30)}}
        for value in (100.0, 0.0)
    )
    assert paired_bootstrap(ours, theirs) == Interval(100.0, None, None)
