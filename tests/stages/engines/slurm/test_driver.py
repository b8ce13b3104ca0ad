"""Stages as jobs of a real Slurm: dependencies, failures, time that is over, a command that is left and repeated."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from adapterstilts.modeling.storage import WEIGHTS
from adapterstilts.stages.engines.course import Policy
from adapterstilts.stages.engines.local import Local
from adapterstilts.stages.engines.slurm import commands
from adapterstilts.stages.engines.slurm.driver import Slurm
from adapterstilts.stages.engines.slurm.submission import PREFIX, Resources
from adapterstilts.stages.failures import RecordedError, StagesFailedError
from adapterstilts.stages.graph import Graph, Stage
from adapterstilts.stages.reporter import Silent
from tests.processes import Command
from tests.runs.test_specs import evaluate_spec, train_spec
from tests.stages.conftest import World
from tests.stages.engines.makes import DIES, FAILS, SLEEPS, publish, run_slowly
from tests.stages.engines.test_local import Interested, plan


def rows(*seeds: int) -> tuple[Graph, list[Stage[Any]]]:
    """Trainings, each with an evaluation behind it."""
    graph, found = Graph(), []
    for seed in seeds:
        trained = Stage(train_spec(seed=seed))
        found += [trained, Stage(evaluate_spec(inputs=(trained.key,)), (trained,))]
    for stage in found:
        graph.add(stage)
    return graph, found


def working() -> list[str]:
    """Jobs that have not ended."""
    return [one.job for one in commands.queue(PREFIX) if one.state != "COMPLETING"]


def test_a_failed_stage_stops_those_alone_that_need_it(slurm: Path, world: World) -> None:
    graph, stages = rows(1, FAILS, 2, DIES)
    seen = Interested()
    setup = world.planner.setup
    with pytest.raises(StagesFailedError) as failed:
        Slurm(make=publish).run(graph, setup, seen)
    assert [setup.store.find(stage.spec) is not None for stage in stages] == [True, True, False, False] * 2
    assert "No rows. Get some." in str(failed.value)
    died = r"Slurm's job \d+_\d+ has ended without a result \(JobState \w+.*\)\. See /.+\.log"
    assert re.search(died, str(failed.value))
    assert sorted(seen.seen("dropped")) == sorted([stages[3].name, stages[7].name])
    assert seen.changes[-1].totals.done == 4 and working() == []
    (submitted,) = [line for line in seen.noted if "submitted" in line]
    assert re.fullmatch(r"8 stages submitted to Slurm as arrays \d+, \d+", submitted)


def test_the_first_failure_can_end_all_and_what_is_refused_is_said(slurm: Path, world: World) -> None:
    graph, _ = rows(FAILS, SLEEPS)
    with pytest.raises(RecordedError, match="No rows"):
        Slurm(policy=Policy(fail_fast=True), make=publish).run(graph, world.planner.setup, Interested())
    assert working() == []
    graph, _ = rows(3)
    with pytest.raises(commands.SlurmError, match="nowhere"):
        Slurm(Resources(partition="nowhere"), make=publish).run(graph, world.planner.setup, Interested())
    assert working() == []


class TimeIsOver(Interested):
    """Tells the job of a stage that runs that its time will be over, as Slurm does."""

    def __init__(self) -> None:
        super().__init__()
        self.warned = 0

    def changed(self, change: Any) -> None:
        super().changed(change)
        if change.happened == "started":
            (job,) = [one.job for one in commands.queue(PREFIX)]
            self.warned += 1
            time.sleep(2)  # the job's process is to have begun
            subprocess.run(["scancel", "--batch", "--signal=USR1", job], check=True)


def test_a_stage_that_gets_no_further_is_not_queued_again_for_ever(slurm: Path, world: World) -> None:
    graph = Graph()
    graph.add(Stage(train_spec(seed=SLEEPS)))
    seen = TimeIsOver()
    with pytest.raises(RecordedError, match="The time of a job is over twice, and nothing was saved in between"):
        Slurm(make=publish).run(graph, world.planner.setup, seen)
    assert seen.warned == 2 and len([line for line in seen.noted if "was queued again" in line]) == 1


def test_a_job_whose_time_is_over_goes_on_and_gives_what_one_process_gives(
    slurm: Path, world: World, tmp_path: Path
) -> None:
    """Slurm is told that the job's time ends soon; in the next job there is enough of it."""
    here = world.in_store(tmp_path / "here")
    graph, stages = plan(world)
    graph = graph.only(stages[1].key)
    Local().run(graph, here.planner.setup, Silent())

    class Ending(Interested):
        def trained(self, stage: str, step: int, steps: int, logged: dict[str, float]) -> None:
            if step and not self.noted[1:]:
                (job,) = [one.job for one in commands.queue(PREFIX) if one.state == "RUNNING"]
                self.noted.append("soon")
                run = subprocess.check_output(["squeue", "--noheader", f"--jobs={job}", "--format=%M"], text=True)
                minutes, seconds = map(int, run.strip().split(":"))
                limit = minutes + (2 if seconds > 20 else 1)
                subprocess.run(["scontrol", "update", f"JobId={job}", f"TimeLimit={limit}"], check=True)
                while not (reached := list(setup.store.root.glob(".slurm/*/*.reached"))):
                    time.sleep(0.05)
                subprocess.run(["scontrol", "update", f"JobId={job}", "TimeLimit=60"], check=True)
                self.noted.append(reached[0].read_text())

    seen, setup = Ending(), world.planner.setup
    Slurm(make=run_slowly).run(graph, setup, seen)
    trained, scored = stages[:2]
    one, other = (place.planner.setup.store.need(trained.key) for place in (here, world))
    first, second = (load_file(run.folder / WEIGHTS) for run in (one, other))
    assert [name for name in first if not torch.equal(first[name], second[name])] == []
    metrics = [place.planner.setup.store.need(scored.key).metrics["languages"] for place in (here, world)]
    assert metrics[0] == metrics[1]
    assert f"checkpoint-{other.provenance['resumed_from_step']}" in seen.noted[2]
    assert f"{trained.name}: its job was queued again, and goes on from the last checkpoint" in seen.noted


def test_a_command_is_left_and_repeated(slurm: Path, quick: dict[str, Any]) -> None:
    options = {**quick, "languages": "en", "seeds": 1, "engine": "slurm", "slurm_option": "hold"}
    flags = [word for name, value in options.items() for word in (f"--{name.replace('_', '-')}", str(value))]
    words = ["transfer", "--from", "none", "--to", "xquad", *flags, "--json"]
    first = Command(*words)
    while "submitted to Slurm" not in first.stderr:
        try:
            pytest.fail(f"ended with {first.wait(timeout=0.1)}: {first.stderr}")
        except subprocess.TimeoutExpired:
            continue
    first.send_signal(signal.SIGINT)
    assert first.wait(timeout=60) == 130
    assert "The jobs stay in the queue: the same command watches them again" in first.stderr
    jobs = [one.job for one in commands.queue(PREFIX)]
    assert len(jobs) == 2
    subprocess.run(["scontrol", "release", *jobs], check=True)
    second = Command(*words)
    assert second.wait(timeout=600) == 0, second.stderr
    assert "2 of 2 stages are in the queue of Slurm already" in second.stderr and "submitted" not in second.stderr
    (row,) = json.loads(second.stdout)["rows"]
    assert list(row["languages"]) == ["en"] and len(list(quick["store"].glob(".slurm/astilts-*"))) == 2
