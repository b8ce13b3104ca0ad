"""The paragraph that answers a question, of cells with gains that a test says."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from adapterstilts.metrics.intervals import holm
from adapterstilts.studies.cells import Measured
from adapterstilts.studies.definition import Study
from adapterstilts.studies.reading import reading_of
from tests.studies.cells_made import cell

STUDY = Study(title="Small", question="Which?")


def corrected(cells: list[Measured]) -> list[Measured]:
    found = holm(one.cell.gain for one in cells if one.cell.gain)
    return [replace(one, cell=replace(one.cell, gain=gain)) for one, gain in zip(cells, found, strict=True)]


def test_the_correction_is_for_all_gains_those_of_baselines_too() -> None:
    gains = np.linspace(-1.0, 9.0, 40)
    own = [cell(gains), cell(-gains, from_="mnli"), cell(gains - 4.0, from_="ccg")]
    baselines = [cell(gains, baseline="longer-target", from_="none"), cell(gains, baseline="untrained")]
    text = reading_of(STUDY, [], corrected([*own, *baselines]))
    assert "3 cells on 1 target were compared" in text
    assert "1 of them gain and 1 lose more than chance explains (p < 0.05 after Holm's correction for 5)" in text
    assert "of the other 1 there is no evidence either way" in text
