"""Several real worker processes: what they make, and what becomes of it when one is killed or all are ended."""

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

from adapterstilts.errors import DataError
from adapterstilts.modeling.storage import WEIGHTS
from adapterstilts.stages.engines import team
from adapterstilts.stages.engines.course import Policy
from adapterstilts.stages.engines.local import Local
from adapterstilts.stages.engines.processes import Processes
from adapterstilts.stages.graph import Graph, Stage
from adapterstilts.stages.reporter import Change, Reporter, Silent
from adapterstilts.stages.training.checkpoints import latest_complete
from tests.runs.test_specs import train_spec
from tests.stages.conftest import World
from tests.stages.engines.makes import FAILS, end_together, lose_the_gpu
from tests.stages.engines.test_local import plan


class Killing(Silent):
    """Kills the worker of the first training that is told of; remembers everything else."""

    def __init__(self) -> None:
        self.changes: list[Change] = []
        self.killed = ""
        self.batches: dict[str, int] = {}
        self.stages: set[str] = set()

    def of(self, stage: str) -> Reporter:
        self.stages.add(stage)
        return self

    def changed(self, change: Change) -> None:
        self.changes.append(change)

    def trained(self, stage: str, step: int, steps: int, logged: dict[str, float]) -> None:
        if not self.killed and step < steps:
            self.killed = stage
            for process in psutil.Process().children():
                if any(stage in one.path for one in process.open_files()):  # it holds the stage's lock
                    process.kill()

    def track(self, batches: Any, total: int, label: str) -> Any:
        for batch in batches:
            yield batch
            self.batches[label] = self.batches.get(label, 0) + 1


@pytest.mark.slow
def test_a_killed_worker_costs_its_stage_one_try_and_all_is_as_one_process_makes_it(
    world: World, tmp_path: Path
) -> None:
    before = psutil.Process().children()
    here = world.in_store(tmp_path / "here")
    graph, stages = plan(world)
    Local().run(graph, here.planner.setup, Silent())
    seen = Killing()
    Processes(2, Policy(retries=1)).run(graph, world.planner.setup, seen)
    one, other = here.planner.setup.store, world.planner.setup.store
    for stage in stages:
        made = [store.need(stage.key) for store in (one, other)]
        assert made[0].metrics.get("languages") == made[1].metrics.get("languages")
        assert made[1].provenance["command"] == sys.argv
        if stage.trains:
            first, second = (load_file(run.folder / WEIGHTS) for run in made)
            assert [name for name in first if not torch.equal(first[name], second[name])] == []
    retried = [change for change in seen.changes if change.happened == "retried"]
    assert [change.stage for change in retried] == [seen.killed]
    assert "was ended by SIGKILL. It may have run out of memory." in retried[0].error
    assert seen.changes[-1].totals.done == 4 and seen.changes[-1].totals.jobs == 2
    assert seen.stages == {stage.name for stage in stages} and seen.batches["mlqa en"] >= 2
    assert psutil.Process().children() == before


@pytest.mark.slow
def test_a_worker_that_has_lost_its_gpu_makes_nothing_else(world: World) -> None:
    """It would fail one stage after the other, faster than others are made."""
    graph, setup = Graph(), world.planner.setup
    stages = [graph.add(Stage(train_spec(seed=seed))) for seed in (FAILS, *range(5))]
    with pytest.raises(RuntimeError, match="device-side assert"):
        Processes(2, make=lose_the_gpu).run(graph, setup, Silent())
    assert [setup.store.find(stage.spec) is not None for stage in stages] == [False, *[True] * 5]


@pytest.mark.slow
def test_a_second_failure_while_all_end_costs_the_others_no_step(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(team, "_GRACE", 0.1)
    graph, setup = Graph(), world.planner.setup
    stages = [graph.add(Stage(train_spec(seed=seed))) for seed in range(3)]
    with pytest.raises(DataError, match="Stage 0 has no rows"):
        Processes(3, Policy(fail_fast=True), end_together).run(graph, setup, Silent())
    assert [(setup.store.work(stage.spec) / "saved").exists() for stage in stages] == [False, False, True]


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_all_workers_once_each_has_saved_its_last_step(
    suite: dict[str, Any], number: int, code: int
) -> None:
    options = {**suite, "epochs": 500, "patience": 999, "jobs": 2}
    flags = [word for name, value in options.items() for word in (f"--{name.replace('_', '-')}", str(value))]
    words = [sys.executable, "-m", "adapterstilts", "train-intermediate", "squad", "ccg", "--separately", *flags]
    process = subprocess.Popen(
        words, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )  # fmt: skip
    while len(list(suite["store"].glob(".work/*/log.jsonl"))) < 2:
        try:
            pytest.fail(f"ended with {process.wait(timeout=0.05)}: {process.stderr and process.stderr.read()}")
        except subprocess.TimeoutExpired:
            continue
    workers = psutil.Process(process.pid).children()
    if number == signal.SIGTERM:  # a batch system tells all processes of a job, and the command passes it on
        for one in workers:
            one.send_signal(number)
    os.kill(process.pid, number)
    _, said = process.communicate(timeout=30)
    assert process.returncode == code and len(workers) == 2
    assert "goes on from the last checkpoint" in said and "Traceback" not in said
    saved = dict(re.findall(r"^(\S+): saved step ([\d,]+); repeat the command to go on$", said, flags=re.MULTILINE))
    works = list(suite["store"].glob(".work/*"))
    assert sorted(saved) == sorted(work.name for work in works) and len(saved) == 2
    for work in works:
        latest = latest_complete(work / "checkpoints")
        assert latest is not None and latest.name == f"checkpoint-{saved[work.name].replace(',', '')}"
    assert [one for one in workers if one.is_running() and one.status() != psutil.STATUS_ZOMBIE] == []
