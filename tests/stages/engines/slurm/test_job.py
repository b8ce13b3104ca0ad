"""What a job does, here without Slurm."""

from __future__ import annotations

import os
import pickle
import sys
from pathlib import Path

import pytest

from adapterstilts.stages.engines.orders import Order
from adapterstilts.stages.engines.slurm.job import main
from adapterstilts.stages.engines.slurm.submission import JobOrder
from adapterstilts.stages.failures import recorded_failure
from tests.runs.test_specs import train_spec
from tests.slurm_cluster import WANTED
from tests.stages.conftest import World
from tests.stages.engines.makes import FAILS, publish

pytestmark = pytest.mark.skipif(not os.environ.get(WANTED), reason=f"jobs are made where {WANTED} is set")


def test_a_job_makes_its_stage_or_records_why_not(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", sys.argv)
    monkeypatch.delenv("SLURM_CPUS_PER_TASK", raising=False)
    setup = world.planner.setup
    for index, seed in enumerate((1, FAILS)):
        order = Order.of_this_process(train_spec(seed=seed), setup, force=False, make=publish)
        (tmp_path / f"{index}.order").write_bytes(pickle.dumps(JobOrder(order, 3, "astilts transfer --only x")))
    assert (main(tmp_path, "0"), main(tmp_path, "1")) == (0, 1)
    assert setup.store.find(train_spec(seed=1)) is not None
    failure = recorded_failure(setup.store.work(train_spec(seed=FAILS)))
    assert failure is not None and failure.error == "No rows. Get some." and failure.attempts == 1
    assert failure.command == "astilts transfer --only x"
    said = capsys.readouterr().out.splitlines()
    assert said[0].endswith(": made") and said[1].endswith(": failed: No rows. Get some.")
