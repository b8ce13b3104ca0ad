"""Stages as tasks of a real Ray cluster of two nodes, of which one goes while its stage is made."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch
from safetensors.torch import load_file

from adapterstilts.modeling.storage import WEIGHTS
from adapterstilts.stages.engines.course import Policy
from adapterstilts.stages.engines.local import Local
from adapterstilts.stages.engines.ray_cluster import RayCluster
from adapterstilts.stages.failures import StagesFailedError
from adapterstilts.stages.graph import Graph, Stage
from adapterstilts.stages.reporter import Reporter, Silent
from adapterstilts.stages.training.checkpoints import latest_complete
from tests.runs.test_specs import train_spec
from tests.slurm_cluster import WANTED
from tests.stages.conftest import World
from tests.stages.engines.makes import DIES, FAILS, publish
from tests.stages.engines.slurm.test_driver import rows
from tests.stages.engines.test_local import Interested, plan

pytest.importorskip("ray")
pytestmark = pytest.mark.skipif(not os.environ.get(WANTED), reason=f"nodes are started where {WANTED} is set")


class Removing(Interested):
    """Takes a node away as soon as both trainings are seen to run, one on each node."""

    def __init__(self, cluster: Any, node: Any) -> None:
        super().__init__()
        self.cluster, self.node = cluster, node
        self.training: set[str] = set()
        self.batches: dict[str, int] = {}

    def of(self, stage: str) -> Reporter:
        return self

    def trained(self, stage: str, step: int, steps: int, logged: dict[str, float]) -> None:
        self.training.add(stage)
        if len(self.training) == 2 and self.node is not None:
            self.cluster.remove_node(self.node, allow_graceful=False)
            self.node = None

    def track(self, batches: Any, total: int, label: str) -> Any:
        for batch in batches:
            yield batch
            self.batches[label] = self.batches.get(label, 0) + 1


def test_a_node_that_goes_costs_its_stage_one_try_and_all_is_as_one_process_makes_it(
    cluster: Any, world: World, tmp_path: Path
) -> None:
    here = world.in_store(tmp_path / "here")
    graph, stages = plan(world)
    Local().run(graph, here.planner.setup, Silent())
    seen = Removing(cluster, cluster.add_node(num_cpus=1, object_store_memory=80 * 1024**2))
    RayCluster(cluster.address, policy=Policy(deaths=3)).run(graph, world.planner.setup, seen)
    assert seen.node is None and len(seen.training) == 2
    for stage in stages:
        one, other = (place.planner.setup.store.need(stage.key) for place in (here, world))
        assert one.metrics.get("languages") == other.metrics.get("languages")
        if stage.trains:
            first, second = (load_file(run.folder / WEIGHTS) for run in (one, other))
            assert [name for name in first if not torch.equal(first[name], second[name])] == []
    assert len(seen.seen("retried")) == 1 and seen.seen("retried")[0] in seen.training
    assert seen.changes[-1].totals.done == 4 and seen.batches["mlqa en"] >= 2
    assert [process for process in psutil.Process().children() if "ray::make_stage" in process.name()] == []


def test_failures_stop_what_needs_them_and_a_worker_that_always_dies_is_given_up(cluster: Any, world: World) -> None:
    graph, stages = rows(1, FAILS, DIES)
    seen = Interested()
    with pytest.raises(StagesFailedError) as failed:
        RayCluster(cluster.address, policy=Policy(deaths=1), make=publish).run(graph, world.planner.setup, seen)
    store = world.planner.setup.store
    assert [store.find(stage.spec) is not None for stage in stages] == [True, True, False, False, False, False]
    assert "No rows. Get some." in str(failed.value) and "Its worker has ended" in str(failed.value)
    assert seen.seen("retried") == [stages[4].name] and len(seen.seen("dropped")) == 2
    assert f"{stages[0].name}: made" in seen.noted


def test_what_most_depends_on_comes_first(cluster: Any, world: World) -> None:
    """A chain of three is planned after single stages, and begins before them."""
    graph = Graph()
    single = [graph.add(Stage(train_spec(seed=seed))) for seed in range(3)]
    before: tuple[Stage[Any], ...] = ()
    for seed in range(10, 13):
        before = (graph.add(Stage(train_spec(seed=seed, inputs=tuple(one.key for one in before)), before)),)
    seen = Interested()
    RayCluster(cluster.address, jobs=1, make=publish).run(graph, world.planner.setup, seen)
    started = seen.seen("started")
    assert started[:2] == [stage.name for stage in list(graph)[3:5]] and sorted(started[3:]) != []
    assert set(started) == {stage.name for stage in graph} and single[0].name in started[2:4]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_the_tasks_once_each_has_saved_its_last_step(
    cluster: Any, suite: dict[str, Any], number: int, code: int
) -> None:
    options = {**suite, "epochs": 500, "patience": 999, "engine": "ray", "address": cluster.address}
    flags = [word for name, value in options.items() for word in (f"--{name.replace('_', '-')}", str(value))]
    words = [sys.executable, "-m", "adapterstilts", "train-intermediate", "squad"]
    process = subprocess.Popen(
        [*words, *flags], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )  # fmt: skip
    while not list(suite["store"].glob(".work/*/log.jsonl")):
        try:
            pytest.fail(f"ended with {process.wait(timeout=0.05)}: {process.stderr and process.stderr.read()}")
        except subprocess.TimeoutExpired:
            continue
    process.send_signal(number)
    _, said = process.communicate(timeout=60)
    assert process.returncode == code and "Traceback" not in said
    assert "goes on from the last checkpoint" in said.strip().splitlines()[-1]
    ((name, step),) = re.findall(r"^(\S+): saved step ([\d,]+); repeat the command to go on$", said, flags=re.MULTILINE)
    latest = latest_complete(suite["store"] / ".work" / name / "checkpoints")
    assert latest is not None and latest.name == f"checkpoint-{step.replace(',', '')}"
