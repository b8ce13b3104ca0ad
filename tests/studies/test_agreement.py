"""Whether answers are alike in two languages: intervals over groups of examples that are about one text."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from adapterstilts.runs.memory import Memory
from adapterstilts.studies.agreement import _gain
from tests.studies.cells_made import evaluated

PREMISES, HYPOTHESES = 60, 6


def test_the_hypotheses_for_a_premise_are_drawn_together(tmp_path: Path) -> None:
    """Against the t interval over premises, of which all hypotheses are answered alike in both languages, or none."""
    groups = {f"{one}-{number}": f"{one}-0" for one in range(PREMISES) for number in range(HYPOTHESES)}
    mine, base = (evaluated({"en": {"groups": groups}, "de": {"groups": groups}}, key=key) for key in ("mine", "base"))
    alike = {
        key: np.random.default_rng(seed).integers(0, 2, size=PREMISES) for seed, key in enumerate(("mine", "base"))
    }
    found = {
        key: [{"de": {id_: 100.0 * shares[int(id_.partition("-")[0])] for id_ in groups}}]
        for key, shares in alike.items()
    }
    gain = _gain(mine, base, found, Memory(tmp_path))
    differences = 100.0 * (alike["mine"] - alike["base"])
    expected = stats.ttest_1samp(differences, 0).confidence_interval()
    assert gain and gain.mean == pytest.approx(differences.mean())
    assert (gain.low, gain.high) == pytest.approx((expected.low, expected.high), abs=1.0)
