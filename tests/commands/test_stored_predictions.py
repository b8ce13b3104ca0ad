"""Predictions that an evaluation has stored, read back."""

from __future__ import annotations

import pytest

from adapterstilts.commands.stored_predictions import read_predictions
from adapterstilts.errors import UsageError
from adapterstilts.runs.store import Run
from adapterstilts.studies.results import StudyResult
from adapterstilts.studies.work import StudyWork


def test_predictions_are_those_that_were_scored(small: tuple[StudyWork, StudyResult]) -> None:
    cell = next(one for one in small[1].cells if one.axes["to"] == "xnli")
    run = Run(cell.row.folder)
    for language, scores in cell.row.seeds[0].languages.items():
        said = read_predictions(run, language, cell.row.catalogue)
        kind = cell.row.catalogue.build_kind(run.evaluation)
        assert len(said) == scores["examples"] and set(said.values()) <= set(kind.options.labels)
    with pytest.raises(UsageError, match="Unknown language 'sv'"):
        read_predictions(run, "sv", cell.row.catalogue)
