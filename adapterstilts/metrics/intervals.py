"""Intervals for differences between two systems that answered the same questions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

_RESAMPLES = 2000
_SEED = 0


@dataclass(frozen=True)
class Interval:
    """A mean with the ends of its confidence interval."""

    mean: float
    low: float
    high: float


Item = float | Sequence[float]
"""One question's own value, of which a metric is the mean; or (numerator, denominator), of whose sums it is the
quotient."""

Scored = Mapping[str, Mapping[str, Item]]
"""Language to question id to score."""


def paired_bootstrap(system: Scored, baseline: Scored, *, confidence: float = 0.95) -> Interval:
    """Difference of two systems' means over languages, with a percentile interval.

    Questions are resampled, not (question, language) pairs: where the languages of a task are translations of each
    other, a question's answers in all languages are drawn together, because their errors are not independent.

    Args:
        baseline: The same questions, scored for the other system.

    Raises:
        ValueError: The two do not have the same languages and questions.
    """
    return hierarchical_bootstrap([system], [baseline], confidence=confidence)


def hierarchical_bootstrap(
    systems: Sequence[Scored], baselines: Sequence[Scored], *, confidence: float = 0.95
) -> Interval:
    """The difference of `paired_bootstrap`, averaged over training seeds, with a percentile interval over both.

    Each resample draws seeds, and with each the system's and the baseline's model of that seed; and it draws questions
    as `paired_bootstrap` does, the same for all seeds, because all models answered the same ones (Owen 2007, "The
    pigeonhole bootstrap"). With one seed the interval is over questions alone.

    Args:
        systems: One for each seed.
        baselines: Likewise, in the same order.

    Raises:
        ValueError: There are not as many of the one as of the other, or they do not all have the same languages and
            questions.
    """
    from scipy.stats import bootstrap

    parts = _parts(systems, baselines)
    seeds, questions = parts.shape[0], parts.shape[3]

    def difference(asked: np.ndarray, *trained: np.ndarray, axis: int = -1) -> np.ndarray:
        # How often each question was drawn, rather than copies of what was drawn.
        times = _times(asked, questions)
        sums = np.moveaxis(np.tensordot(times, parts, axes=(1, 3)), 0, 3)
        gains = _gains(sums)
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


def _parts(systems: Sequence[Scored], baselines: Sequence[Scored]) -> np.ndarray:
    """`(seed, system or baseline, numerator or denominator, question, language)`; what is not there adds nothing."""
    if len(systems) != len(baselines):
        raise ValueError("both systems have to be trained with the same seeds")
    first = systems[0]
    for scores in (*systems, *baselines):
        if any(first[language].keys() != scores.get(language, {}).keys() for language in first):
            raise ValueError("both systems have to be scored on the same questions of the same languages")
    position = {id_: n for n, id_ in enumerate(sorted({id_ for language in first for id_ in first[language]}))}
    parts = np.zeros((len(systems), 2, 2, len(position), len(first)))
    for seed, both in enumerate(zip(systems, baselines, strict=True)):
        for number, scores in enumerate(both):
            for column, language in enumerate(first):
                for id_, item in scores[language].items():
                    value = item if isinstance(item, Sequence) else (item, 1.0)
                    parts[seed, number, :, position[id_], column] = value
    return parts


def _times(drawn: np.ndarray, count: int) -> np.ndarray:
    """How often each of `count` things is in each sample, `(sample, count)`."""
    return np.stack([np.bincount(one, minlength=count) for one in drawn.reshape(-1, drawn.shape[-1])])


def _gains(sums: np.ndarray) -> np.ndarray:
    """Mean gain over languages, `(seed, sample)`.

    Args:
        sums: `(seed, system or baseline, numerator or denominator, sample, language)`.
    """
    numerators, denominators = sums[:, :, 0], sums[:, :, 1]
    with np.errstate(invalid="ignore", divide="ignore"):
        quotients = np.where(denominators > 0, numerators / denominators, 0.0)
    # Nothing found and nothing to find is a score of 0; a language that is missing from a sample does not count.
    there = denominators.sum(axis=1) > 0
    return np.nanmean(np.where(there, quotients[:, 0] - quotients[:, 1], np.nan), axis=-1)
