"""How gains in English go with those in other languages."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from adapterstilts.metrics.resampling import SAMPLES
from adapterstilts.metrics.statistics import spearman
from adapterstilts.studies.cells import Measured
from adapterstilts.studies.definition import FROM, TO
from adapterstilts.studies.results import Correlation

# Of fewer cells nothing is said, and of fewer tasks and targets no interval.
_FEWEST = 4
_FEWEST_DRAWN = 3
_SEED = 0


def english_and_others(cells: Sequence[Measured]) -> Correlation | None:
    """Spearman's correlation over cells, with a percentile interval of tasks and targets drawn anew.

    None for too few cells, and where all have the same gain in English or in the others.

    Cells of one target, or of one intermediate task, are not independent. Both are drawn, and a cell counts as often
    as its task times as often as its target (Owen 2007), so that the interval is rather too wide than too narrow.
    """
    pairs = {
        tuple(seed.evaluation.key for seed in one.runs.seeds): (one, one.cell.english.mean, one.cell.gain.mean)
        for one in cells  # what several arms share is one cell
        if one.single and one.cell.english is not None and one.cell.gain is not None
    }
    if len(pairs) < _FEWEST:
        return None
    found, *values = zip(*pairs.values(), strict=True)
    gains = np.array(values).T
    if any(len(set(side)) == 1 for side in values):  # what does not vary goes with nothing
        return None
    rho = float(spearman(gains, np.ones((1, len(gains))))[0]) / 100
    times = _times([[one.cell.axes[axis] for one in found] for axis in (FROM, TO)])
    if times is None:
        return Correlation(rho, None, None, len(gains))
    low, high = np.percentile(spearman(gains, times) / 100, [2.5, 97.5])
    return Correlation(rho, float(low), float(high), len(gains))


def _times(groupings: Sequence[Sequence[str]]) -> np.ndarray | None:
    """How often each cell is in each sample, `(sample, cell)`; None where there is too little to draw from.

    Args:
        groupings: By each way in which cells belong together, what each belongs to.
    """
    random = np.random.default_rng(_SEED)
    numbered = [np.unique(names, return_inverse=True) for names in groupings]
    if max(len(names) for names, _ in numbered) < _FEWEST_DRAWN:
        return None
    times = np.ones((SAMPLES, len(groupings[0])))
    for names, places in numbered:
        times *= random.multinomial(len(names), np.full(len(names), 1 / len(names)), size=SAMPLES)[:, places]
    # Of one cell alone there is no correlation.
    return times[np.count_nonzero(times, axis=1) > 1]
