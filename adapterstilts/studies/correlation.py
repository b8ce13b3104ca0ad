"""How gains in English go with those in other languages."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from adapterstilts.metrics.resampling import draws
from adapterstilts.metrics.statistics import spearman
from adapterstilts.studies.cells import Measured
from adapterstilts.studies.results import Correlation

_FEWEST = 4


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
    found = np.concatenate([spearman(values, times) for _, times in draws(len(values))]) / 100
    low, high = np.percentile(found[1:], [2.5, 97.5])
    return Correlation(float(found[0]), float(low), float(high), len(pairs))
