"""Temperatures of runs: fitted once, on the rows that selected the checkpoint, or not at all and for a reason."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from adapterstilts.commands.options import LoadOptions, read_options
from adapterstilts.commands.trained_models import TrainedModel
from adapterstilts.runs.specs import TaskSpec
from adapterstilts.stages.answerer import Answerer
from adapterstilts.stages.calibration import Calibrated, Temperature, Uncalibrated, find_temperature, labelled_rows
from adapterstilts.stages.collate import build_collator


@pytest.fixture
def model(trained: dict[str, Any], tmp_path: Path) -> TrainedModel:
    shutil.copytree(trained["store"], tmp_path / "store")
    options = read_options(LoadOptions, {"store": tmp_path / "store"})
    return TrainedModel.of("squad", options, lambda note: None)


def found(model: TrainedModel, notes: list[str], **changes: Any) -> Calibrated:
    collator = build_collator(model.setup, model.task.encoding.max_length).for_prediction()
    answerer = Answerer(model.restore(), model.kind, model.task.encoding, collator, head=model.head)
    task, cache = changes.get("task", model.task), model.setup.store.cache
    return find_temperature(
        model.run.key, task, answerer, changes.get("setup", model.setup), cache=cache, note=notes.append
    )


def test_it_is_fitted_once_and_kept_by_the_runs_key(model: TrainedModel) -> None:
    notes: list[str] = []
    first = found(model, notes)
    assert isinstance(first, Temperature) and first.after <= first.before and first.language == "en"
    (kept,) = (model.setup.store.cache / "temperatures").iterdir()
    assert kept.name == f"{model.run.key}-squad.json" and json.loads(kept.read_text())["value"] == first.value
    assert found(model, notes) == first and len(notes) == 1
    kept.write_text("{")  # damaged, and made again
    assert found(model, notes) == first and len(notes) == 2


def test_without_its_rows_there_is_none_and_a_reason(model: TrainedModel) -> None:
    def task(**changes: Any) -> TaskSpec:
        return model.task.model_copy(update={"data": model.task.data.model_copy(update=changes)})

    for changes, reason in (
        ({"setup": None}, "--data-dir"),
        ({"task": task(fingerprints={"train": {"en": "other"}}, holdout=4)}, "the train rows of squad here are others"),
        ({"task": task(fingerprints={"train": {"en": "other"}}, holdout=None)}, "trained without validation rows"),
        ({"task": task(fingerprints={})}, "is not known"),
    ):
        none = found(model, [], **changes)
        assert isinstance(none, Uncalibrated) and reason in str(none)


def test_no_more_rows_are_read_than_are_asked_for(model: TrainedModel) -> None:
    rows = labelled_rows(model.task, model.setup, 5)
    assert not isinstance(rows, str) and len(rows) == 5 and all(row["answers"]["text"] for row in rows)
