"""What crosses to a worker: a spec and a small setup, with which another process does the work."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from adapterstilts.stages.training_spec import plan_training
from tests.stages.conftest import World

WORKER = """
import pickle, sys
from adapterstilts.stages.reporter import Silent
from adapterstilts.stages.run import run_stage
spec, setup = pickle.load(open(sys.argv[1], "rb"))
print(run_stage(spec, setup, Silent()).folder.name)
"""


@pytest.mark.slow
def test_a_spec_and_a_setup_are_all_that_another_process_needs(world: World, tmp_path: Path) -> None:
    stage = plan_training(world.planner, [world.recipe("mlqa")], "train-target")
    crossing = pickle.dumps((stage.spec, world.planner.setup))
    assert len(crossing) < 10_000
    (tmp_path / "crossing").write_bytes(crossing)
    words = [sys.executable, "-c", WORKER, str(tmp_path / "crossing")]
    done = subprocess.run(words, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.stdout.strip() == stage.name, done.stderr
    assert world.planner.setup.store.need(stage.key).metrics["train_examples"] == 24
