"""What the trainer is told of a stage."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from adapterstilts.stages.reporter import Silent
from adapterstilts.stages.training.arguments import training_arguments
from adapterstilts.stages.training.tracking import Tracking
from tests.stages.conftest import World


@pytest.mark.parametrize("selects", [True, False])
def test_settings_become_arguments(world: World, tmp_path: Path, selects: bool) -> None:
    spec = world.squad.spec
    settings = spec.settings.model_copy(update={"warmup_steps": None, "warmup_ratio": 0.25, "learning_rate": 3e-4})
    spec = spec.model_copy(update={"settings": settings, "seed": 7})
    tracking = Tracking.of((), spec, world.planner.setup.store, Silent())
    found = training_arguments(tmp_path, spec, 40, 10, torch.device("cpu"), selects=selects, tracking=tracking)
    assert (found.max_steps, found.warmup_steps, found.learning_rate, found.seed) == (40, 10, 3e-4, 7)
    assert (found.eval_strategy == "steps", found.load_best_model_at_end) == (selects, selects)
    assert (found.save_steps, found.device.type, found.output_dir) == (10, "cpu", str(tmp_path))
