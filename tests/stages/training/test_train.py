"""What a training stage reads, and what its run keeps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import adapterstilts
from adapterstilts.runs.specs import Choice
from adapterstilts.stages.training_spec import Start, plan_training
from tests.stages.conftest import World
from tests.stages.training.test_trainer import assert_same_weights


def test_no_label_of_a_target_language_is_read_in_training(quick: dict[str, Any], tmp_path: Path) -> None:
    """With only English training files in the data folder, the target phase trains all the same."""
    import shutil

    data = tmp_path / "english_only"
    (data / "squad").mkdir(parents=True)
    shutil.copy(quick["data_dir"] / "squad/train-v1.1.json", data / "squad")
    (data / "xquad").mkdir()
    for language in ("en", "de"):
        shutil.copy(quick["data_dir"] / f"xquad/xquad.{language}.json", data / "xquad")
    options = {**quick, "languages": ("en", "de")}
    one = adapterstilts.transfer("none", "xquad", seeds=1, **options)
    other = adapterstilts.transfer(
        "none", "xquad", seeds=1, **{**options, "data_dir": data, "store": tmp_path / "other"}
    )
    assert_same_weights(one.rows[0].trained, other.rows[0].trained)


def test_a_run_keeps_counts_costs_and_calibration(world: World) -> None:
    run = world.run(plan_training(world.planner, [world.recipe("squad_v2")], "train-target"))
    counted = {name: run.metrics[name] for name in ("train_examples", "validation_examples")}
    assert counted == {"train_examples": 24, "validation_examples": 16}
    assert run.metrics["train_features"] >= 24 and run.metrics["flops"] > 0
    assert list(run.metrics["calibration"]) == ["no_answer_threshold"]
    assert not [name for name in run.metrics["validation"] if "calibrated" in name]
    assert run.provenance["train_seconds"] > 0 and run.provenance["rows_left_out"] == {}
    assert run.provenance["cost"]["tokens_per_second"] > 0


def test_a_head_is_taken_over_and_goes_on(world: World) -> None:
    start = Start(Choice(name="stack"), (world.squad,), "reuse")
    run = world.run(plan_training(world.planner, [world.recipe("mlqa")], "train-target", start=start))
    assert run.training.head == "reuse" and run.training.inputs == (world.squad.key,)
