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
    scores = {"en": {"groups": groups}, "de": {"groups": groups}}
    mine, base = (evaluated(scores, key=key, folder=tmp_path / key) for key in ("mine", "base"))
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


def test_an_evaluation_of_another_store_is_read_by_itself(tmp_path: Path) -> None:
    """It has the same key, and may have been made on another machine."""
    ids = [str(number) for number in range(20)]
    scores: dict[str, dict[str, str]] = {"en": {}, "de": {}}
    means = []
    for store, share in (("one", 100.0), ("other", 50.0)):
        mine, base = (evaluated(scores, key=key, folder=tmp_path / store / key) for key in ("mine", "base"))
        found = {"mine": [{"de": dict.fromkeys(ids, share)}], "base": [{"de": dict.fromkeys(ids, 0.0)}]}
        gain = _gain(mine, base, found, Memory(tmp_path))
        means.append(gain and gain.mean)
    assert means == [100.0, 50.0]
