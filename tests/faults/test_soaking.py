"""A part of what `scripts/soak` does for hours."""

from __future__ import annotations

import pytest

from adapterstilts.runs.memory import FOLDER
from tests.faults.mutations import CANARY
from tests.faults.soaking import soak


@pytest.mark.slow
def test_kills_small_disks_and_crowds_cost_nothing_and_hostile_input_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(FOLDER, "")  # which the soak sets, and this sets back
    monkeypatch.setenv(CANARY, "")
    rows = soak(0, seed=3, often=1, together=4, mutants=6)
    found = {row.what: row for row in rows}
    assert all(not (row.lost or row.wrong or row.raw or row.executed) for row in rows), [
        example for row in rows for example in row.examples
    ]
    assert found["train, at a change"].tried == 1 and found["study, 4 at once"].tried == 4
    assert sum(row.tried for row in rows) > 150
