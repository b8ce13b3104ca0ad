"""Intervals for differences between two systems that answered the same questions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from adapterstilts.metrics.statistics import Item, Statistic, fraction

_RESAMPLES = 2000
_SEED = 0


@dataclass(frozen=True)
class Interval:
    """A mean with the ends of its confidence interval."""

    mean: float
    low: float
    high: float


Scored = Mapping[str, Mapping[str, Item]]
"""Language to question id to item."""

Gains = Callable[[np.ndarray], np.ndarray]
"""From the times that each question was drawn, `(sample, question)`, to the mean gain over languages,
`(seed, sample)`."""


def paired_bootstrap(
    system: Scored, baseline: Scored, *, statistic: Statistic | None = None, confidence: float = 0.95
) -> Interval:
    """Difference of two systems' scores, in the mean over languages, with a percentile interval.

    Questions are resampled, not (question, language) pairs: where the languages of a task are translations of each
    other, a question's answers in all languages are drawn together, because their errors are not independent.

    Args:
        baseline: The same questions, scored for the other system.
        statistic: As in `hierarchical_bootstrap`.

    Raises:
        ValueError: The two do not have the same languages and questions.
    """
    return hierarchical_bootstrap([system], [baseline], statistic=statistic, confidence=confidence)


def hierarchical_bootstrap(
    systems: Sequence[Scored],
    baselines: Sequence[Scored],
    *,
    statistic: Statistic | None = None,
    confidence: float = 0.95,
) -> Interval:
    """The difference of `paired_bootstrap`, averaged over training seeds, with a percentile interval over both.

    Each resample draws seeds, and with each the system's and the baseline's model of that seed; and it draws questions
    as `paired_bootstrap` does, the same for all seeds, because all models answered the same ones (Owen 2007, "The
    pigeonhole bootstrap"). With one seed the interval is over questions alone.

    Args:
        systems: One for each seed.
        baselines: Likewise, in the same order.
        statistic: What the items of a language make; None for means, and quotients of sums.

    Raises:
        ValueError: There are not as many of the one as of the other, or they do not all have the same languages and
            questions.
    """
    from scipy.stats import bootstrap

    _check(systems, baselines)
    places = {id_: n for n, id_ in enumerate(sorted({id_ for items in systems[0].values() for id_ in items}))}
    seeds, questions = len(systems), len(places)
    pairs = list(zip(systems, baselines, strict=True))
    gains_of = _mean_gains(pairs, places) if statistic is None else _gains_anew(pairs, places, statistic)

    def difference(asked: np.ndarray, *trained: np.ndarray, axis: int = -1) -> np.ndarray:
        # How often each question was drawn, rather than copies of what was drawn.
        gains = gains_of(_times(asked, questions))
        weights = _times(trained[0], seeds).T if trained else np.ones((seeds, 1))
        return ((gains * weights).sum(axis=0) / weights.sum(axis=0)).reshape(asked.shape[:-1])

    drawn = [np.arange(questions), *([np.arange(seeds)] if seeds > 1 else [])]
    mean = float(difference(*drawn))
    if questions < 2:
        return Interval(mean, mean, mean)
    result = bootstrap(
        drawn,
        difference,
        n_resamples=_RESAMPLES,
        batch=50,
        vectorized=True,
        confidence_level=confidence,
        method="percentile",
        rng=_SEED,
    )
    return Interval(mean, float(result.confidence_interval.low), float(result.confidence_interval.high))


def _check(systems: Sequence[Scored], baselines: Sequence[Scored]) -> None:
    if len(systems) != len(baselines):
        raise ValueError("both systems have to be trained with the same seeds")
    first = systems[0]
    for scores in (*systems, *baselines):
        if any(first[language].keys() != scores.get(language, {}).keys() for language in first):
            raise ValueError("both systems have to be scored on the same questions of the same languages")


def _times(drawn: np.ndarray, count: int) -> np.ndarray:
    """How often each of `count` things is in each sample, `(sample, count)`."""
    return np.stack([np.bincount(one, minlength=count) for one in drawn.reshape(-1, drawn.shape[-1])])


def _mean_gains(pairs: Sequence[tuple[Scored, Scored]], places: Mapping[str, int]) -> Gains:
    """Gains of means and quotients, which the sums of what was drawn decide.

    Args:
        pairs: (system, baseline) for each seed.
        places: Question id to its number.
    """
    languages = list(pairs[0][0])
    # (seed, system or baseline, numerator or denominator, question, language); what is not there adds nothing
    parts = np.zeros((len(pairs), 2, 2, len(places), len(languages)))
    for seed, number, column, items in _columns(pairs):
        for id_, item in items.items():
            parts[seed, number, :, places[id_], column] = fraction(item)

    def gains(times: np.ndarray) -> np.ndarray:
        sums = np.moveaxis(np.tensordot(times, parts, axes=(1, 3)), 0, 3)
        numerators, denominators = sums[:, :, 0], sums[:, :, 1]
        with np.errstate(invalid="ignore", divide="ignore"):
            quotients = np.where(denominators > 0, numerators / denominators, 0.0)
        # Nothing found and nothing to find is a score of 0; a language that is missing from a sample does not count.
        there = denominators.sum(axis=1) > 0
        return np.nanmean(np.where(there, quotients[:, 0] - quotients[:, 1], np.nan), axis=-1)

    return gains


def _gains_anew(pairs: Sequence[tuple[Scored, Scored]], places: Mapping[str, int], statistic: Statistic) -> Gains:
    """Gains of a statistic, which is computed of what was drawn in each language; args as `_mean_gains`."""
    parts = [
        (seed, number, column, [places[id_] for id_ in items], np.array(list(items.values()), dtype=float))
        for seed, number, column, items in _columns(pairs)
    ]

    def gains(times: np.ndarray) -> np.ndarray:
        # A language that is missing from a sample does not count.
        values = np.full((len(pairs), 2, len(times), len(pairs[0][0])), np.nan)
        for seed, number, column, where, items in parts:
            drawn = times[:, where]
            there = drawn.any(axis=1)
            values[seed, number, there, column] = statistic(items.reshape(len(items), -1), drawn[there])
        return np.nanmean(values[:, 0] - values[:, 1], axis=-1)

    return gains


def _columns(pairs: Sequence[tuple[Scored, Scored]]) -> Iterator[tuple[int, int, int, Mapping[str, Item]]]:
    """(seed, system or baseline, language, items) for each of them."""
    for seed, both in enumerate(pairs):
        for number, scores in enumerate(both):
            for column, language in enumerate(pairs[0][0]):
                yield seed, number, column, scores[language]
