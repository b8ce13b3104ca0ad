"""Temperatures of runs: fitted when they are trained, or later and kept, or not at all and for a reason."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from datasets import Dataset

import adapterstilts
from adapterstilts.commands.models.trained import TrainedModel
from adapterstilts.commands.options import LoadOptions, read_options
from adapterstilts.runs.specs import TaskSpec
from adapterstilts.runs.store import Run
from adapterstilts.stages.answering.answerer import Answerer
from adapterstilts.stages.answering.calibration import (
    Calibrated,
    Temperature,
    Uncalibrated,
    find_temperature,
    fitted,
    fitted_in_training,
    kept_temperature,
    labelled_rows,
)
from adapterstilts.stages.collate import build_collator
from adapterstilts.tasks.explained import Said
from adapterstilts.tasks.pair_classification import PairClassification


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
        model.run, task, answerer, changes.get("setup", model.setup), cache=cache, note=notes.append
    )


@pytest.fixture
def older(model: TrainedModel) -> TrainedModel:
    """The same run as one that was made without a temperature."""
    path = model.run.folder / "metrics.json"
    metrics = json.loads(path.read_text())
    del metrics["temperatures"]
    path.write_text(json.dumps(metrics))
    return replace(model, run=Run(model.run.folder))


def test_it_is_that_of_training_whatever_became_of_the_rows(model: TrainedModel) -> None:
    notes: list[str] = []
    first = found(model, notes, setup=None)
    assert isinstance(first, Temperature) and first.after <= first.before and first.language == "en"
    assert first.rows == 300 and not notes and not (model.setup.store.cache / "temperatures").exists()


def test_an_older_run_gets_the_same_once_and_it_is_kept_by_the_runs_key(
    model: TrainedModel, older: TrainedModel
) -> None:
    notes: list[str] = []
    first = found(older, notes)
    assert isinstance(first, Temperature) and first.model_dump() == pytest.approx(
        model.run.metrics["temperatures"]["squad"]
    )
    (kept,) = (older.setup.store.cache / "temperatures").iterdir()
    assert kept.name == f"{older.run.key}-squad.json" and json.loads(kept.read_text())["value"] == first.value
    assert found(older, notes) == first and len(notes) == 1
    for damage in ("{", '{"value": -1}'):  # made again
        kept.write_text(damage)
        assert found(older, notes) == first
    assert len(notes) == 3


def test_where_all_rows_are_answered_rightly_there_is_none_whenever_that_was_found(
    model: TrainedModel, older: TrainedModel
) -> None:
    """Of such rows the loss falls without end as the temperature does, and 1.000 would be said of every answer."""
    features = {"row": 0}, {"row": 1}
    labels = PairClassification({"labels": ["a", "b"]})
    rows = [{"id": "0", "language": "en", "label": "a"}, {"id": "1", "language": "en", "label": "b"}]
    right = Said(labels, rows, list(features), [np.array([2.0, 0.0]), np.array([0.0, 0.5])])
    edge = fitted(right, language="en")
    assert edge is not None and not edge.is_bounded
    wrong = fitted(replace(right, logits=[np.array([2.0, 0.0]), np.array([0.5, 0.0])]), language="en")
    assert wrong is not None and wrong.is_bounded
    run = Run(model.run.folder)
    run.metrics["temperatures"] = {"squad": edge.model_dump()}
    reason = "all 2 en validation rows are answered rightly"
    assert reason in str(found(replace(model, run=run), [])) and reason in str(kept_temperature(run, "squad"))
    cached = older.setup.store.cache / "temperatures" / f"{older.run.key}-squad.json"
    cached.parent.mkdir(parents=True)
    cached.write_text(edge.model_dump_json())
    assert reason in str(found(older, [])) and kept_temperature(older.run, "squad") is None


def test_what_a_stranger_wrote_is_no_temperature(model: TrainedModel) -> None:
    run = Run(model.run.folder)
    run.metrics["temperatures"] = {"squad": {**run.metrics["temperatures"]["squad"], "value": float("nan")}}
    assert "--data-dir" in str(found(replace(model, run=run), [], setup=None))


@pytest.mark.slow
def test_each_task_has_its_own_and_kinds_without_probabilities_none(suite: dict[str, Any]) -> None:
    together = adapterstilts.train_intermediate(["squad_v2", "ccg", "commonsenseqa", "mlm"], **suite)
    metrics = Run(together.folder).metrics
    assert metrics["temperatures"].keys() == {"squad_v2", "ccg", "commonsenseqa"}
    for one in metrics["temperatures"].values():
        assert one["value"] > 0 and one["after"] <= one["before"] and one["rows"] <= 500


def test_of_many_rows_a_part_counts_that_is_always_the_same(
    model: TrainedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapterstilts.stages.answering.calibration._MOST_ROWS", 7)
    rows = labelled_rows(model.task, model.setup, 300)
    assert not isinstance(rows, str)
    collator = build_collator(model.setup, model.task.encoding.max_length).for_prediction()
    answerer = Answerer(model.restore(), model.kind, model.task.encoding, collator, head=model.head)
    said = answerer.said(rows)
    few = fitted_in_training(model.task, model.kind, rows, Dataset.from_list(list(said.features)), said.logits)
    expected = fitted(answerer.said(labelled_rows(model.task, model.setup, 7)), language="en")  # type: ignore[arg-type]
    assert few and expected and few.model_dump() == pytest.approx(expected.model_dump()) and few.rows == 7


def test_without_its_rows_there_is_none_and_a_reason(older: TrainedModel) -> None:
    def task(**changes: Any) -> TaskSpec:
        return older.task.model_copy(update={"data": older.task.data.model_copy(update=changes)})

    for changes, reason in (
        ({"setup": None}, "--data-dir"),
        ({"task": task(fingerprints={"train": {"en": "other"}}, holdout=4)}, "the train rows of squad here are others"),
        ({"task": task(fingerprints={"train": {"en": "other"}}, holdout=None)}, "trained without validation rows"),
        ({"task": task(fingerprints={})}, "is not known"),
    ):
        none = found(older, [], **changes)
        assert isinstance(none, Uncalibrated) and reason in str(none)


def test_no_more_rows_are_read_than_are_asked_for(model: TrainedModel) -> None:
    rows = labelled_rows(model.task, model.setup, 5)
    assert not isinstance(rows, str) and len(rows) == 5 and all(row["answers"]["text"] for row in rows)
