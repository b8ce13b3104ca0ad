"""Results are read from runs, and say the same as JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest

import adapterstilts
from adapterstilts.commands.results import Cost, TrainResult, to_json
from adapterstilts.errors import StoreError
from adapterstilts.runs.store import Run, RunStore
from adapterstilts.tasks.catalogue import Catalogue


def test_a_training_result_is_what_its_folder_says(suite: dict[str, Any]) -> None:
    result = adapterstilts.train_intermediate(["squad", "mnli"], **suite)
    assert TrainResult.of(Run(result.folder), Catalogue()) == result
    assert result.task == "squad+mnli" and list(result.tasks) == ["squad", "mnli"]
    assert result.tasks["mnli"].title == "MultiNLI" and list(result.tasks["mnli"].metric_labels) == ["accuracy"]
    assert result.validation["score"] == pytest.approx(
        (result.validation["squad/score"] + result.validation["mnli/score"]) / 2
    )
    told = json.loads(to_json(result))
    assert told["folder"] == str(result.folder) and told["cost"]["flops"] == result.cost.flops


def test_costs_add_up(suite: dict[str, Any]) -> None:
    for task in ("squad", "ccg"):
        adapterstilts.train_intermediate(task, **suite)
    runs = RunStore(suite["store"]).runs()
    total, parts = Cost.of(runs), [Cost.of([run]) for run in runs]
    assert total.flops == sum(one.flops for one in parts) > 0 and total.tokens_per_second == parts[-1].tokens_per_second
    assert Cost.of([]) == Cost()


def test_an_evaluation_is_not_a_training_result(suite: dict[str, Any]) -> None:
    (row,) = adapterstilts.transfer("none", "mlqa", languages=("en",), max_eval_examples=4, **suite).rows
    assert row.title == "MLQA" and list(row.metric_labels) == ["exact_match", "f1"]
    assert len(row.predictions("en")) == 4
    with pytest.raises(StoreError, match="is not a trained model"):
        TrainResult.of(Run(row.folder), Catalogue())
