"""What other processes see of the stages of a graph: of real ones, that are made, killed and failed."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

from adapterstilts.errors import DataError
from adapterstilts.stages.failures import record_failure
from adapterstilts.stages.graph import Graph, Stage
from adapterstilts.stages.status import graph_status
from adapterstilts.stages.training_spec import plan_training
from tests.runs.test_specs import evaluate_spec
from tests.stages.conftest import World

WORKER = """
import pickle, sys
from adapterstilts.stages.reporter import Silent
from adapterstilts.stages.run import run_stage

class Telling(Silent):
    def trained(self, stage, step, steps, logged):
        print(step, flush=True)
        sys.stdin.readline()

spec, setup = pickle.load(open(sys.argv[1], "rb"))
run_stage(spec, setup, Telling())
"""


def test_a_stage_is_waiting_running_failed_or_there(world: World, tmp_path: Path) -> None:
    stage = plan_training(world.planner, [world.recipe("mlqa")], "train-target")
    scored: Stage[Any] = Stage(evaluate_spec(inputs=(stage.key,)), (stage,))
    graph, setup = Graph(), world.planner.setup
    for one in (world.squad, stage, scored):
        graph.ask(one)

    def states() -> list[str]:
        return [one.state for one in graph_status(graph, setup)]

    assert states() == ["in the store", "waiting", "waiting"]
    (tmp_path / "crossing").write_bytes(pickle.dumps((stage.spec, setup)))
    words = [sys.executable, "-c", WORKER, str(tmp_path / "crossing")]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "1\n"
        _, running, _ = graph_status(graph, setup)
        assert running.state == "running" and running.work is not None and running.work.pid == process.pid
        assert running.name == stage.name and running.folder == setup.store.folder(stage.spec)
        process.kill()
    assert states() == ["in the store", "waiting", "waiting"]
    record_failure(setup.store, stage.spec, DataError("No rows."), attempts=1, command=None)
    _, failed, _ = graph_status(graph, setup)
    assert failed.state == "failed" and failed.failure is not None and failed.failure.error == "No rows."
    world.run(stage)
    assert states() == ["in the store", "in the store", "waiting"]
    assert not list(setup.store.folder(stage.spec).rglob("at-work.json"))
