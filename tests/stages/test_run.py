"""One stage: taken from the store, made once more by force, refused where it does not belong."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

import adapterstilts
from adapterstilts.errors import CompatibilityError, StoreError
from adapterstilts.modeling.backbone import locate_backbone
from adapterstilts.modeling.precision import OutOfMemoryError
from adapterstilts.runs.specs import Choice
from adapterstilts.runs.store import RunStore
from adapterstilts.stages.graph import Stage
from adapterstilts.stages.reporter import Silent
from adapterstilts.stages.run import run_stage
from adapterstilts.stages.training_spec import Start, plan_training
from tests.runs.published import publish
from tests.stages.conftest import World


def test_force_computes_a_shared_stage_once(quick: dict[str, Any]) -> None:
    class Stages(list, Silent):
        def note(self, message: str) -> None: ...

        def trained(self, stage: str, step: int, steps: int, logged: dict[str, float]) -> None:
            if step == 1 and not logged:
                self.append(stage)

        def track(self, batches: Any, total: int, label: str) -> Any:
            return batches

    seen = Stages()
    adapterstilts.transfer("none", ["xquad", "mlqa"], languages=("en",), force=True, reporter=seen, seeds=1, **quick)
    assert len(seen) == 1


class FullGpu(Silent):
    tried = 0

    def track(self, batches: Iterable[Any], total: int, label: str) -> Iterable[Any]:
        self.tried += 1
        raise torch.OutOfMemoryError("CUDA out of memory.")


@pytest.mark.slow
def test_too_little_memory_names_what_decides_it(quick: dict[str, Any]) -> None:
    full = FullGpu()
    with pytest.raises(OutOfMemoryError, match="even with micro-batches of 96 tokens. Use a device with more"):
        adapterstilts.transfer(
            "none", "xquad", languages=("en",), seeds=1, reporter=full, **{**quick, "tokens_per_batch": 512}
        )
    assert full.tried == 4  # 512, 256, 128, and 96, the longest row


def test_a_stage_is_made_once_and_again_by_force(world: World) -> None:
    stage = plan_training(world.planner, [world.recipe("mlqa")], "train-target")
    first, second = world.run(stage), world.run(stage)
    assert first.folder == second.folder and first.provenance == second.provenance
    third = world.run(stage, force=True)
    assert third.provenance["finished"] > first.provenance["finished"] and third.metrics == first.metrics


def test_what_a_stage_starts_from_has_to_be_there(world: World) -> None:
    missing = plan_training(replace(world.planner, seed=5), [world.recipe("squad")], "train-intermediate")
    start = Start(Choice(name="stack"), (missing,))
    stage = plan_training(world.planner, [world.recipe("mlqa")], "train-target", start=start)
    with pytest.raises(StoreError, match=f"has no run with the key {missing.key[:12]}, which a stage starts from"):
        world.run(stage)


def test_a_setup_of_another_backbone_is_refused(world: World, other_backbone: Path) -> None:
    stage = plan_training(world.planner, [world.recipe("mlqa")], "train-target")
    setup = replace(world.planner.setup, backbone=locate_backbone(str(other_backbone)))
    with pytest.raises(CompatibilityError, match="is a stage on another backbone than"):
        run_stage(stage.spec, setup, Silent())


def test_a_name_too_long_for_a_folder_is_cut(world: World, tmp_path: Path) -> None:
    spec = world.squad.spec
    data = spec.only.data
    many = {f"{one}{other}": "x" for one in "abcdefghij" for other in "klmnopqrst"}
    wide = data.model_copy(update={"fingerprints": {"train": many}})
    stage = Stage(spec.model_copy(update={"tasks": (spec.only.model_copy(update={"data": wide}),) * 9}))
    assert len(stage.spec.label) > 255 > len(stage.name) + len(".checkpoints")
    store = RunStore(tmp_path)
    run = publish(store, stage.spec)
    assert run.folder.name == stage.name and store.need(stage.key).folder == run.folder
