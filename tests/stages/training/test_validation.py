"""The score on all validation rows: that of training, found again by whoever has the model and the rows."""

from __future__ import annotations

from typing import Any

import pytest

import adapterstilts
from adapterstilts.commands.options import TransferOptions, read_options
from adapterstilts.commands.setup import make_planner
from adapterstilts.modeling.storage import StoredModel
from adapterstilts.runs.store import Run
from adapterstilts.stages.training.validation import scored_again, validations_of


def again(run: Run, options: dict[str, Any]) -> dict[str, float]:
    setup = make_planner(read_options(TransferOptions, {"profile": "mini", **options})).setup
    with setup.catalogue.in_use():
        model = StoredModel.read(run.folder).restore(setup.backbone, precision="fp32")
        return scored_again(model, validations_of(run.spec, setup), run.metrics["calibration"]).metrics


@pytest.mark.slow
def test_the_score_of_training_is_found_again(suite: dict[str, Any]) -> None:
    """Of several tasks together, and of one whose decoding was calibrated."""
    for tasks in (["squad_v2"], ["squad", "mnli"]):
        trained = adapterstilts.train_intermediate(tasks, **suite)
        run = Run(trained.folder)
        found = again(run, {"backbone": suite["backbone"], "store": suite["store"]})
        assert found == run.metrics["validation_all"] and found["score"] > 0
    assert {"squad/f1", "mnli/accuracy", "mnli/examples"} <= found.keys()


def test_where_no_checkpoint_was_selected_there_is_nothing(suite: dict[str, Any]) -> None:
    suite.pop("max_validation_examples")
    trained = adapterstilts.train_intermediate("squad", validation_from="none", **suite)
    setup = make_planner(read_options(TransferOptions, {"profile": "mini", "store": suite["store"]})).setup
    assert validations_of(Run(trained.folder).spec, setup) == []
