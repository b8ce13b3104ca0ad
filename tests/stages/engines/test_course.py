"""What becomes of a graph's stages: told one by one, without making any."""

from __future__ import annotations

import errno
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from adapterstilts.errors import DataError, GraphError, HubError
from adapterstilts.runs.store import DiskFullError, RunStore, explain_full_disk
from adapterstilts.stages.engines.course import (
    BusyError,
    Course,
    Policy,
    WorkerEndedError,
    busy,
    is_gpu_lost,
    missing_stages,
)
from adapterstilts.stages.failures import StagesFailedError
from adapterstilts.stages.graph import Graph, Stage
from adapterstilts.stages.reporter import Change, Silent
from tests.runs.published import publish
from tests.runs.test_specs import evaluate_spec, train_spec
from tests.stages.conftest import World


class Changes(Silent):
    def __init__(self) -> None:
        self.found: list[Change] = []

    def changed(self, change: Change) -> None:
        self.found.append(change)


def rows(number: int) -> list[Stage[Any]]:
    """Trainings, each with an evaluation behind it."""
    trained = [Stage(train_spec(seed=seed)) for seed in range(number)]
    return [stage for one in trained for stage in (one, Stage(evaluate_spec(inputs=(one.key,)), (one,)))]


def course(world: World, stages: list[Stage[Any]], **policy: Any) -> tuple[Course, Changes]:
    graph, seen = Graph(), Changes()
    for stage in stages:
        graph.add(stage)
    return Course(graph, world.planner.setup, seen, force=False, policy=Policy(**policy)), seen


def test_everything_is_told_and_counted(world: World) -> None:
    going, seen = course(world, rows(1))
    while going.open and (stage := going.take()) is not None:
        going.began(stage)
        going.made(stage)
    going.finish()
    assert [one.happened for one in seen.found] == [
        "planned", "started", "finished", "started", "finished", "ended",
    ]  # fmt: skip
    assert [one.totals.waiting for one in seen.found] == [2, 1, 1, 0, 0, 0]
    assert [one.totals.done for one in seen.found] == [0, 0, 1, 1, 2, 2]
    assert seen.found[2].seconds is not None


def test_all_failures_are_one_error_with_what_is_not_made(world: World) -> None:
    stages = rows(3)
    going, _ = course(world, stages)
    for error in (DataError("No rows.", remedy="Get some."), ValueError("odd")):
        stage = going.take()
        assert stage is not None
        going.began(stage)
        going.failed(stage, error)
    assert going.open
    for _ in range(2):
        stage = going.take()
        assert stage is not None
        going.began(stage)
        going.made(stage)
    assert not going.open
    with pytest.raises(StagesFailedError) as found:
        going.finish()
    text = str(found.value)
    assert text.startswith("2 stages failed, and without them these cannot be made: ")
    assert "No rows. Get some." in text and "ValueError: odd" in text and "error.log" in text
    assert sorted(found.value.dropped) == sorted([stages[1].name, stages[3].name])


def test_errors_of_the_user_are_not_tried_again_and_others_so_often(world: World) -> None:
    going, seen = course(world, rows(1), retries=2)
    for _ in range(3):
        stage = going.take()
        assert stage is not None
        going.began(stage)
        going.failed(stage, HubError("out of reach"))
    assert [one.happened for one in seen.found if one.error] == ["retried", "retried", "failed", "dropped"]
    with pytest.raises(HubError):
        going.finish()
    again, seen = course(world, rows(1), retries=2)
    stage = again.take()
    assert stage is not None
    again.failed(stage, DataError("wrong"))
    assert not again.open and again.take() is None


def test_a_worker_that_dies_costs_a_try_of_its_own_and_its_stage_keeps_its_place(world: World) -> None:
    stages = rows(2)
    going, seen = course(world, stages, deaths=2)
    for _ in range(2):
        stage = going.take()
        assert stage is stages[0]
        going.began(stage)
        going.failed(stage, WorkerEndedError("Its node has gone."))
    assert going.take() is stages[0] and [one.happened for one in seen.found if one.error] == ["retried", "retried"]
    going.failed(stages[0], WorkerEndedError("Its node has gone."))
    going.failed(stages[2], HubError("out of reach"))
    assert [one.happened for one in seen.found if one.error][2:] == ["failed", "dropped", "failed", "dropped"]


def test_a_full_disk_ends_everything(world: World, tmp_path: Path) -> None:
    going, _ = course(world, rows(2), retries=5)
    stage = going.take()
    assert stage is not None
    with pytest.raises(DiskFullError) as full, explain_full_disk(tmp_path):
        raise OSError(errno.ENOSPC, "No space left on device")
    with pytest.raises(DiskFullError):
        going.failed(stage, full.value)


def test_a_recording_that_has_failed_ends_everything(world: World) -> None:
    """It leaves nothing that other stages of the process could be computed with."""
    going, _ = course(world, rows(2), retries=5)
    stage = going.take()
    assert stage is not None
    with pytest.raises(GraphError):
        going.failed(stage, GraphError("It cannot be recorded.", remedy="Use --no-cuda-graphs."))


def test_missing_is_what_no_store_has_whole_or_all_by_force(world: World, tmp_path: Path) -> None:
    graph = Graph()
    for stage in rows(2):
        graph.add(stage)
    setup, other = world.planner.setup, RunStore(tmp_path / "other")
    setup = replace(setup, store=RunStore(setup.store.root, (other.root,)))
    first, second, third, fourth = graph.to_make()
    publish(setup.store, first.spec)
    publish(other, second.spec)
    publish(setup.store, third.spec).folder.joinpath("metrics.json").write_text("{}")
    assert [stage for stage, _ in missing_stages(graph, setup, force=False)] == [third, fourth]
    assert [own for _, own in missing_stages(graph, setup, force=True)] == [setup] * 4


def test_what_others_work_on_is_looked_at_again_when_nothing_else_can_begin(world: World) -> None:
    first, _, second, _ = rows(2)
    going, seen = course(world, [first, second])
    assert going.take() is first
    going.began(first)
    with pytest.raises(BusyError) as held:
        busy("somebody works on it")
    going.held(first, str(held.value))
    assert going.take() is second and going.take() is first  # nobody holds its lock
    assert [one.happened for one in seen.found] == ["planned", "started", "waiting"]


@pytest.mark.parametrize(
    ("text", "lost"),
    [
        ("RuntimeError: CUDA error: device-side assert triggered", True),
        ("AcceleratorError: CUDA error: an illegal memory access was encountered", True),
        ("RuntimeError: CUDA error: out of memory", False),
        ("torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB", False),
    ],
)
def test_memory_that_runs_out_leaves_the_gpu(text: str, lost: bool) -> None:
    assert is_gpu_lost(text) is lost
