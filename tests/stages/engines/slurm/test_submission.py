"""What is handed to sbatch, and what a store knows of it afterwards."""

from __future__ import annotations

import os
import pickle
import time
from pathlib import Path

from adapterstilts.stages.engines.orders import Order
from adapterstilts.stages.engines.slurm import commands
from adapterstilts.stages.engines.slurm.arrays import Array
from adapterstilts.stages.engines.slurm.submission import JobOrder, Resources, Submissions
from adapterstilts.stages.graph import Stage
from tests.runs.test_specs import train_spec
from tests.stages.conftest import World


def test_options_are_those_of_sbatch_and_what_is_given_freely_comes_last() -> None:
    assert Resources().options[0] == "--requeue"
    given = Resources("gpu", "1-12:00:00", "16G", 1, 8, 4, {"signal": "B:USR1@300", "exclusive": ""}).options
    assert given[:5] == ["--partition=gpu", "--time=1-12:00:00", "--mem=16G", "--gres=gpu:1", "--cpus-per-task=8"]
    assert given[-2:] == ["--signal=B:USR1@300", "--exclusive"] and "--kill-on-invalid-dep=yes" in given


def test_a_store_knows_which_of_its_stages_are_queued(slurm: Path, world: World, tmp_path: Path) -> None:
    first, second = Stage(train_spec(seed=1)), Stage(train_spec(seed=2))
    after = Stage(train_spec(seed=3, inputs=(first.key, second.key)), (first, second))
    store = world.planner.setup.store
    submissions = Submissions(store.root, Resources(at_a_time=1, others={"hold": ""}))

    def orders(array: Array) -> dict[int, JobOrder]:
        return {
            index: JobOrder(Order.of_this_process(one.spec, world.planner.setup, force=False), 0, None)
            for index, one in array.stages.items()
        }

    both, last = Array({0: first, 1: second}), Array({0: after}, (first.key, second.key))
    jobs = submissions.submit(both, {}, orders(both))
    jobs |= submissions.submit(last, jobs, orders(last))
    queued = submissions.queued()
    assert {key: one.job for key, one in queued.items()} == jobs and len(jobs) == 3
    assert queued[after.key].reason in ("Dependency", "JobHeldUser")
    assert Submissions(tmp_path / "another", Resources()).queued() == {}
    (folder,) = {path.parent for path in store.root.glob(".slurm/*/1.order")}
    order = pickle.loads((folder / "1.order").read_bytes())
    assert order.order.spec == second.spec and submissions.log(second.key) is None
    commands.cancel(list(jobs.values()))
    os.utime(folder, (0, time.time() - 3 * 24 * 3600))
    submissions.clear(submissions.queued())
    assert not folder.exists() and len(list(store.root.glob(".slurm/astilts-*"))) == 1
