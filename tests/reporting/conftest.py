"""The result of a small study: real transfers on the embedded suite, from an adapter of the package."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import adapterstilts
from adapterstilts.commands.results import TransferResult, TransferRow
from adapterstilts.studies.results import StudyResult
from tests.conftest import QUICK
from tests.reporting.studies_made import study_of


@pytest.fixture(scope="session")
def study(tmp_path_factory: pytest.TempPathFactory) -> StudyResult:
    """From squad to mlqa and tatoeba; the rows are there a second time as if another method had made them."""
    options = {"profile": "mini", "store": tmp_path_factory.mktemp("study") / "store", "max_eval_examples": 40}
    trained = {**QUICK, "max_train_examples": 48, "languages": ("en", "de", "zh")}
    questions = adapterstilts.transfer("squad", "mlqa", seeds=1, **options, **trained).rows
    sentences = adapterstilts.transfer("squad", "tatoeba", languages=("de", "zh"), **options).rows
    made = study_of([TransferResult([*map(twice, questions), *sentences])])
    again = [replace(cell, axes={**cell.axes, "method": "lora"}) for cell in made.cells]
    return replace(made, cells=[*made.cells, *again], axes={**made.axes, "method": ["seq_bn", "lora"]})


def twice(row: TransferRow) -> TransferRow:
    """The row as if a second seed had given the same."""
    return replace(row, seeds=[*row.seeds, replace(row.seeds[0], seed=7)])


@pytest.fixture(scope="session")
def page(study: StudyResult, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its report's page, in a folder with the other files."""
    from adapterstilts.reporting.studies import write_report

    return write_report(study, tmp_path_factory.mktemp("report"))[-1]
