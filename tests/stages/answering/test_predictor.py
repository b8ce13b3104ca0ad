"""The model of an evaluation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from adapterstilts.commands.options import TransferOptions
from adapterstilts.commands.setup import make_planner
from adapterstilts.stages.answering.evaluate import Evaluation
from adapterstilts.stages.evaluation_spec import Scored, plan_evaluation
from adapterstilts.stages.reporter import Silent
from tests.package_tasks import recipe


def test_the_backbone_as_it_is_does_not_depend_on_the_method(suite: dict[str, Any], tmp_path: Path) -> None:
    """Its evaluation has one key, so that it has to have one number format, whatever the other rows are of."""
    found = set()
    for method in ("full", "seq_bn[reduction_factor=4]"):
        given = {name: suite[name] for name in ("profile", "backbone", "store")}
        planner = make_planner(TransferOptions(method=method, precision="bf16", **given))
        stage = plan_evaluation(planner, recipe("tatoeba"), None, Scored(languages=("de",)))
        evaluation = Evaluation(stage.spec, planner.setup, tmp_path, track=Silent().track)
        found.add((stage.key, evaluation.predictor.model.backbone.dtype))
    assert len(found) == 1
