"""How gains in English go with those in other languages."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from adapterstilts.studies.cells import Measured
from adapterstilts.studies.results import Correlation

_SAMPLES = 2000
_FEWEST = 4
_SEED = 0


def english_and_others(cells: Sequence[Measured]) -> Correlation | None:
    """Spearman's correlation over cells, with a percentile interval of cells drawn anew; None for too few."""
    pairs = [
        (one.cell.english.mean, one.cell.gain.mean)
        for one in cells
        if one.single and one.cell.english is not None and one.cell.gain is not None
    ]
    if len(pairs) < _FEWEST:
        return None
    values = np.array(pairs)
    random = np.random.default_rng(_SEED)
    drawn = (_spearman(values[random.integers(0, len(values), len(values))]) for _ in range(_SAMPLES))
    known = [one for one in drawn if one is not None]
    rho = _spearman(values)
    if rho is None:
        return None
    low, high = np.percentile(known, [2.5, 97.5])
    return Correlation(rho, float(low), float(high), len(pairs))


def _spearman(values: np.ndarray) -> float | None:
    """None where one side has one value only."""
    from scipy.stats import rankdata

    ranks = rankdata(values, axis=0)
    if not ranks.std(axis=0).all():
        return None
    return float(np.corrcoef(ranks.T)[0, 1])
