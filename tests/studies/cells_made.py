"""Cells with gains that a test says, in the resamples that all cells share."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np

from adapterstilts.metrics.intervals import Interval
from adapterstilts.metrics.resampling import draws
from adapterstilts.runs.store import MANIFEST
from adapterstilts.studies.cells import Measured
from adapterstilts.studies.gains import ZERO_SHOT, Gains
from adapterstilts.studies.results import Cell

AXES = {"from": "squad", "to": "xnli", "baseline": "none"}


def cell(gains: np.ndarray, *, english: float = 0.0, key: str = "", **axes: str) -> Measured:
    """A cell of one seed with the gain of each group of examples.

    Args:
        english: The gain in English, without an interval.
        key: Of its evaluation; each cell has its own where none is given.
        axes: What is not as in `AXES`; `from_` is the axis `from`.
    """
    times = np.concatenate([drawn for _, drawn in draws(len(gains))])
    of_groups = Gains({ZERO_SHOT: (times @ gains / len(gains))[None]}, {ZERO_SHOT: len(gains)})
    named = {**AXES, **{name.rstrip("_"): value for name, value in axes.items()}}
    evaluation = SimpleNamespace(key=key or str(named))
    runs = cast(Any, SimpleNamespace(seeds=(SimpleNamespace(evaluation=evaluation),)))
    row = cast(Any, SimpleNamespace(validation=None))
    made = Cell(named, row, of_groups.interval(ZERO_SHOT), Interval(english, None, None))
    return Measured(made, of_groups, runs, None)


def evaluated(scores: Mapping[str, Any], *, key: str, folder: Path) -> Measured:
    """A row of one seed whose evaluation has these score files, by language.

    Args:
        folder: Of the evaluation, whose list of files is written there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MANIFEST).write_text(f"{folder}", encoding="utf-8")
    evaluation = SimpleNamespace(languages=tuple(scores))
    run = SimpleNamespace(key=key, evaluation=evaluation, scores=scores.__getitem__, folder=folder)
    runs = SimpleNamespace(seeds=(SimpleNamespace(evaluation=run),))
    return Measured(Cell(dict(AXES), cast(Any, None)), None, cast(Any, runs), None)
