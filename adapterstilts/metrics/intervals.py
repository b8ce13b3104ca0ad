"""Intervals and tests for the difference between two systems that answered the same questions.

A difference between two ways of training varies for two reasons: other training seeds would have given other models,
and other texts would have been other questions. The two are crossed, because all models answer the same questions.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from adapterstilts.metrics.resampling import Resamples, resample
from adapterstilts.metrics.statistics import Item, Statistic

CONFIDENCE = 0.95
# What is smaller is a difference of rounding alone, and p values are not told apart below the other.
_FEWEST_SAMPLES = 100
_NOTHING = 1e-12
_LEAST = 1e-15


@dataclass(frozen=True)
class Interval:
    """A mean with the ends of its confidence interval, and the test that goes with it.

    Attributes:
        mean: The difference.
        low: None, and so are the others, where there is one group of examples alone, which says nothing of others.
        p: Two-sided p value for no difference: below 0.05 where the 95% interval is on one side of 0.
        p_holm: The same after Holm's correction for the other differences of its table; see `holm`.
    """

    mean: float
    low: float | None
    high: float | None
    p: float | None = None
    p_holm: float | None = None


Scores = Mapping[str, Mapping[str, Item]]
"""Language to example id to its item of one metric."""


def paired_bootstrap(
    system: Scores,
    baseline: Scores,
    *,
    groups: Mapping[str, str] | None = None,
    statistic: Statistic | None = None,
    confidence: float = CONFIDENCE,
) -> Interval:
    """Difference of two models' scores, in the mean over languages, with an interval over groups of examples.

    It is about these two models alone. Groups are resampled, not (group, language) pairs: where the languages of a
    task are translations of each other, a question's answers in all languages are drawn together, because their errors
    are not independent; nor are those on one paragraph.

    Args:
        baseline: The same examples, scored for the other system.
        groups: As in `hierarchical_bootstrap`, and so is `statistic`.

    Raises:
        ValueError: The two do not have the same languages and examples.
    """
    return hierarchical_bootstrap([system], [baseline], groups=groups, statistic=statistic, confidence=confidence)


def hierarchical_bootstrap(
    systems: Sequence[Scores],
    baselines: Sequence[Scores],
    *,
    groups: Mapping[str, str] | None = None,
    statistic: Statistic | None = None,
    confidence: float = CONFIDENCE,
) -> Interval:
    """The difference of `paired_bootstrap`, averaged over training seeds, with an interval over seeds and groups.

    Seeds with the same number are paired, and so are groups. See `interval` for what it is.

    Args:
        systems: One for each seed.
        baselines: Likewise, in the same order.
        groups: Example id to what names its group, such as a paragraph; None for examples that are independent.
        statistic: What the items of a language make; None for means, and quotients of sums.

    Raises:
        ValueError: There are not as many of the one as of the other, or they do not all have the same languages and
            examples.
    """
    ours, theirs = ([_named(one) for one in side] for side in (systems, baselines))
    found = resample(ours, theirs, groups=groups, statistics={"": statistic} if statistic else {})
    count = found.count(found.languages, "")
    return interval(mean_gains(found, found.languages), groups=count, confidence=confidence)


def _named(scores: Scores) -> dict[str, dict[str, dict[str, Item]]]:
    return {language: {id_: {"": item} for id_, item in items.items()} for language, items in scores.items()}


def mean_gains(found: Resamples, languages: Sequence[str], metric: str = "") -> np.ndarray:
    """The gain of each seed in each sample, `(seed, sample)`: of the mean over some languages that are there."""
    columns = [found.languages.index(language) for language in languages]
    return difference(means(found.values[metric], columns))


def means(values: np.ndarray, columns: Sequence[int]) -> np.ndarray:
    """Means over languages, of which those that a sample has nothing of do not count; not a number without any.

    Args:
        values: `(system or baseline, seed, sample, language)`.
    """
    chosen = values[..., list(columns)]
    there = np.isfinite(chosen)
    count = there.sum(axis=-1)
    return np.where(count > 0, np.where(there, chosen, 0.0).sum(axis=-1) / np.maximum(count, 1), np.nan)


def difference(values: np.ndarray) -> np.ndarray:
    """Of `(system or baseline, ...)`, the first minus the second."""
    return values[0] - values[1]


def interval(gains: np.ndarray, *, groups: int, confidence: float = CONFIDENCE) -> Interval:
    """A t interval over seeds and groups, of which the variances are estimated separately.

    The variance of the mean gain is that over groups, from the resamples, plus what the seeds' gains differ by beyond
    that they answered a finite number of groups (the plug-in variance of seeds within groups):
    `V = V_groups + max(0, V_seeds - V_interaction)`. The quantile is Cochran's (1964) for variances with different
    degrees of freedom: the mean of Student's with (groups - 1) and with (seeds - 1), weighted by the two parts of `V`.
    With one seed it is Student's over groups alone, about these models and no others. `scripts/coverage` simulates how
    often such intervals are right.

    Where each seed has a model of each of several draws of training rows, draws are a third part of `V` like seeds: the
    means over draws tell that of seeds, and the means over seeds that of draws. What belongs to single pairs of them is
    in both, so that the interval is rather too wide than too narrow.

    Args:
        gains: `(seed, sample)` or `(seed, draw, sample)`, of which the first sample is the data as they are. Samples
            without any example that counts are not numbers, and are left out.
        groups: How many groups were resampled.
    """
    mean, spread = float(gains[..., 0].mean()), _spread(gains, groups)
    if spread is None:
        return Interval(mean, None, None)
    half = spread.quantile(1 - confidence) * spread.error
    return Interval(mean, mean - half, mean + half, spread.p(abs(mean)))


def score_interval(
    values: np.ndarray, *, groups: int, examples: int, share: bool = True, confidence: float = CONFIDENCE
) -> Interval:
    """The interval of a score itself, without a test: `interval` of one that has no ends, of a share that of Clopper.

    A share of few groups that is near 100% varies to one side. Its ends are those of Clopper and Pearson (1934) for as
    many independent answers as would vary like it: the effective sample size of Korn and Graubard (1998). Where all
    groups are alike that is their number. Where few are unlike the others how a score varies is not known, so that no
    lower end is above that of as many groups without a fault, and no upper end below that of as many without a merit.

    Args:
        values: As the `gains` of `interval`, in percent.
        examples: How many there are in the groups.
        share: Whether it is between 0 and 100, like the share of right answers.
    """
    from scipy.special import stdtrit

    found, spread = interval(values, groups=groups, confidence=confidence), _spread(values, groups)
    if spread is None or not share:
        return replace(found, p=None)
    mean, outside = min(max(found.mean / 100, 0.0), 1.0), 1 - confidence
    others = max(examples - 1, 1)
    error = spread.quantile(outside) * spread.error / 100 / -float(stdtrit(others, outside / 2))
    # Independent answers of that number have the variance mean * (1 - mean) / (number - 1).
    count = mean * (1 - mean) / error**2 * examples / others if error > _NOTHING else float(groups)
    (low, high), (surest, _), (_, least) = (
        _clopper_pearson(right, of, outside) for right, of in ((mean * count, count), (groups, groups), (0.0, groups))
    )
    return Interval(found.mean, 100 * min(low, surest), 100 * max(high, least))


def _clopper_pearson(right: float, count: float, outside: float) -> tuple[float, float]:
    """The ends of a share of `count` answers, of which `right` are; neither has to be a whole number."""
    from scipy.special import betaincinv

    wrong = count - right
    low = float(betaincinv(right, wrong + 1, outside / 2)) if right > _NOTHING else 0.0
    return low, float(betaincinv(right + 1, wrong, 1 - outside / 2)) if wrong > _NOTHING else 1.0


def _spread(values: np.ndarray, groups: int) -> _Spread | None:
    """How values vary, of samples that are numbers; None where there is too little of it."""
    values = values[..., np.isfinite(values).all(axis=tuple(range(values.ndim - 1)))]
    return None if groups < 2 or values.shape[-1] < _FEWEST_SAMPLES else _Spread.of(values, groups)


@dataclass(frozen=True)
class _Spread:
    """The variance of a mean gain.

    Attributes:
        parts: What comes from groups, from seeds, and from draws if there are any, each with its degrees of freedom.
    """

    parts: tuple[tuple[float, int], ...]

    @classmethod
    def of(cls, gains: np.ndarray, groups: int) -> _Spread:
        """Estimates all parts; see `interval`."""
        # A resample of n groups has (n - 1) / n of the variance of n new ones.
        size = groups / (groups - 1)
        factors = tuple(range(gains.ndim - 1))
        of_groups = size * float(gains[..., 1:].mean(axis=factors).var())
        found = [(of_groups, groups - 1)]
        for factor in factors:
            own = gains.mean(axis=tuple(other for other in factors if other != factor))
            count, drawn = len(own), own[:, 1:]
            between = float(own[:, 0].var(ddof=1)) / count if count > 1 else 0.0
            interaction = size * float((drawn - drawn.mean(axis=0)).var(axis=1).sum()) / count**2
            found.append((max(0.0, between - interaction), max(1, count - 1)))
        return cls(tuple(found))

    @property
    def error(self) -> float:
        """The standard error."""
        return float(np.sqrt(sum(part for part, _ in self.parts)))

    def quantile(self, outside: float) -> float:
        """How many standard errors the interval reaches to each side that leaves out a probability of `outside`."""
        from scipy.special import stdtrit

        whole = sum(part for part, _ in self.parts)
        of_groups, *others = (-float(stdtrit(degrees, outside / 2)) for _, degrees in self.parts)
        shares = [part / whole if part else 0.0 for part, _ in self.parts[1:]]
        return (1 - sum(shares)) * of_groups + sum(share * own for share, own in zip(shares, others, strict=True))

    def p(self, size: float) -> float:
        """The probability outside of the interval that reaches just to 0 from a mean of `size`."""
        if size <= _NOTHING:
            return 1.0
        if self.error <= _NOTHING * size:
            return 0.0
        errors = size / self.error
        if errors >= self.quantile(_LEAST):
            return _LEAST
        from scipy.optimize import brentq

        return float(brentq(lambda outside: self.quantile(outside) - errors, _LEAST, 1.0))


def holm(found: Iterable[Interval]) -> list[Interval]:
    """Intervals with p values adjusted for how many they are (Holm 1979); with one, they stay what they are."""
    given = list(found)
    tested = sorted((one.p, number) for number, one in enumerate(given) if one.p is not None)
    adjusted, least = dict[int, float](), 0.0
    for rank, (p, number) in enumerate(tested):
        least = max(least, min(1.0, (len(tested) - rank) * p))
        adjusted[number] = least
    return [replace(one, p_holm=adjusted.get(number)) for number, one in enumerate(given)]
