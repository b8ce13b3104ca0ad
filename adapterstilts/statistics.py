"""Intervals for differences between two systems that answered the same questions."""

from __future__ import annotations

from collections.abc import Mapping
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


def paired_bootstrap(
    system: Mapping[str, Mapping[str, float]],
    baseline: Mapping[str, Mapping[str, float]],
    *,
    confidence: float = 0.95,
) -> Interval:
    """Difference of two systems' means over languages, with a percentile interval.

    Questions are resampled, not (question, language) pairs: where the languages of a task are translations of each
    other, a question's answers in all languages are drawn together, because their errors are not independent.

    Args:
        system: Language to question id to score.
        baseline: The same questions, scored for the other system.

    Raises:
        ValueError: The two do not have the same languages and questions.
    """
    from scipy.stats import bootstrap

    languages = list(system)
    if any(system[language].keys() != baseline.get(language, {}).keys() for language in languages):
        raise ValueError("both systems have to be scored on the same questions of the same languages")
    ids = sorted({id_ for language in languages for id_ in system[language]})
    position = {id_: index for index, id_ in enumerate(ids)}
    differences = np.full((len(ids), len(languages)), np.nan)
    for column, language in enumerate(languages):
        for id_, value in system[language].items():
            differences[position[id_], column] = value - baseline[language][id_]

    def mean_over_languages(drawn: np.ndarray, axis: int = -1) -> np.ndarray:
        sample = differences[drawn]
        with np.errstate(invalid="ignore"):  # a small language can be missing from a sample
            means = np.nansum(sample, axis=-2) / np.sum(~np.isnan(sample), axis=-2)
        return np.nanmean(means, axis=-1)

    everything = np.arange(len(ids))
    mean = float(mean_over_languages(everything))
    if len(ids) < 2:
        return Interval(mean, mean, mean)
    result = bootstrap(
        (everything,),
        mean_over_languages,
        n_resamples=_RESAMPLES,
        batch=50,
        vectorized=True,
        confidence_level=confidence,
        method="percentile",
        rng=_SEED,
    )
    return Interval(mean, float(result.confidence_interval.low), float(result.confidence_interval.high))
