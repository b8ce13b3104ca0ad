"""How the items of resampled examples make a value of a metric that is no mean."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

Item = float | Sequence[float]
"""One example's part in a value of a metric: its own value, of which the metric has the mean; (numerator, denominator),
of whose sums it is the quotient; or what the value's `Statistic` takes."""

Statistic = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""From the items `(example, part)` and the times that each example was drawn, `(sample, example)`, to the value in each
sample, `(sample,)`. In each sample there is at least one example."""

# Numbers that differ by less than this share of the largest are taken for equal.
_ROUNDING = 1e-12


def fraction(item: Item) -> tuple[float, float]:
    """The (numerator, denominator) of an item whose value is a mean or a quotient of sums."""
    numerator, denominator = item if isinstance(item, Sequence) else (item, 1.0)
    return numerator, denominator


def computed_anew(value: Callable[[np.ndarray], float]) -> Statistic:
    """The statistic of a function of items `(example, part)`, which is called on each sample."""

    def statistic(items: np.ndarray, times: np.ndarray) -> np.ndarray:
        return np.array([value(np.repeat(items, drawn, axis=0)) for drawn in times])

    return statistic


def pearson(items: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Pearson's correlation of the pairs `(example, 2)`, in percent; 0 where one side has one value only."""
    first, second = items.T
    return _correlation(first[None], second[None], times)


def spearman(items: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Spearman's correlation, likewise: Pearson's of ranks, of which equal values share the mean."""
    first, second = (_ranks(column, times) for column in items.T)
    return _correlation(first, second, times)


FILLER = -1
"""What makes the items of `macro_f1` equally long."""
_RIGHT = 3


def macro_f1(items: np.ndarray, times: np.ndarray) -> np.ndarray:
    """The mean F1 of the labels that occur in a sample, among answers or gold, in percent; 0 where there are none.

    Args:
        items: `(example, part)`: four times the number of a label, plus 1 where the example has it and 2 where it was
            answered; `FILLER` where there are no more.
    """
    from scipy.sparse import csr_array

    codes = items.astype(int)
    example, part = np.nonzero(codes != FILLER)
    label, said = np.divmod(codes[example, part], 4)
    shape = (len(items), int(label.max(initial=0)) + 1)  # most examples have few of many labels
    both, either = (
        csr_array((values.astype(float), (example, label)), shape)
        for values in (said == _RIGHT, np.where(said == _RIGHT, 2, 1))
    )
    right, among = times @ both, times @ either
    there = among > 0
    f1 = np.divide(2 * right, among, out=np.zeros_like(right), where=there)
    return 100 * f1.sum(axis=1) / np.maximum(there.sum(axis=1), 1)


def _ranks(values: np.ndarray, times: np.ndarray) -> np.ndarray:
    """The rank of each example among those of each sample, `(sample, example)`."""
    _, first, place = np.unique(values[(order := values.argsort())], return_index=True, return_inverse=True)
    counts = np.add.reduceat(times[:, order], first, axis=1)
    ranks = counts.cumsum(axis=1) - (counts - 1) / 2
    return ranks[:, place[order.argsort()]]


def _correlation(first: np.ndarray, second: np.ndarray, times: np.ndarray) -> np.ndarray:
    """In percent.

    Args:
        first: `(sample or 1, example)`, and so is `second`.
    """
    sides = []
    constant = np.zeros(len(times), dtype=bool)
    for values in (first, second):
        values = _near_one(np.where(times > 0, values, 0.0))
        mean = (times * values).sum(axis=1, keepdims=True) / times.sum(axis=1, keepdims=True)
        distance = np.where(times > 0, values - mean, 0.0)
        constant |= np.abs(distance).max(axis=1) <= _ROUNDING * np.abs(values).max(axis=1)
        sides.append(_near_one(distance))
    mine, theirs = sides
    products, *squares = (
        (times * one * other).sum(axis=1) for one, other in ((mine, theirs), (mine, mine), (theirs, theirs))
    )
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(constant, 0.0, 100 * products / np.sqrt(squares[0] * squares[1]))


def _near_one(values: np.ndarray) -> np.ndarray:
    """Each row times the power of two that makes its largest value one between 1/2 and 1, so that squares are numbers.

    No digit changes by it.
    """
    _, exponents = np.frexp(np.abs(values).max(axis=1, keepdims=True))
    return np.ldexp(values, -exponents)
