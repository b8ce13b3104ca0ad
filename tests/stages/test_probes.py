from __future__ import annotations

import pytest

from adapterstilts.data.input_rows import input_features
from adapterstilts.stages.probes import probe_rows
from adapterstilts.tasks.catalogue import Catalogue


@pytest.mark.parametrize("task", ["squad", "mnli", "udpos", "cosmosqa"])
def test_there_are_rows_for_every_kind_that_answers(task: str) -> None:
    columns = list(input_features(Catalogue().recipe(task).build_kind()))
    rows = probe_rows(columns)
    assert len({row["id"] for row in rows}) == len(rows) > 4
    assert all(row[name] for row in rows for name in columns)
