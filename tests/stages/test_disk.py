"""Refusing to fill a disk: on a small file system of its own, where one can be made."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from adapterstilts.errors import StoreError
from adapterstilts.runs.store import DiskFullError, RunStore
from adapterstilts.stages.disk import check_disk
from adapterstilts.stages.estimates.estimate import needed_bytes
from adapterstilts.stages.graph import Graph
from adapterstilts.stages.reporter import Silent
from adapterstilts.stages.run import run_stage
from adapterstilts.stages.training_spec import plan_training
from tests.stages.conftest import World


def graph_of(world: World, seeds: int) -> Graph:
    graph = Graph()
    for seed in range(seeds):
        graph.ask(plan_training(replace(world.planner, seed=seed), [world.recipe("squad")], "train-intermediate"))
    return graph


def test_a_command_does_not_begin_what_has_no_room(trained_world: World, small_disk: Path) -> None:
    planner = trained_world.planner
    setup = replace(planner.setup, store=RunStore(small_disk / "store" / "below"))
    one, many = graph_of(trained_world, 1), graph_of(trained_world, 400)
    check_disk(one, setup, planner.facts, force=False)
    needed = needed_bytes(many, setup, planner.facts)
    assert needed > 4_000_000
    with pytest.raises(StoreError, match=rf"need about [\d.]+ MB below --store {setup.store.root}, where 4\.2 MB are"):
        check_disk(many, setup, planner.facts, force=False)
    assert list(small_disk.iterdir()) == []  # nothing was begun


@pytest.mark.slow
@pytest.mark.parametrize("kilobytes", [100, 260, 600])
def test_a_disk_that_is_full_all_the_same_is_told_at_any_size(
    trained_world: World, small_disk: Path, kilobytes: int
) -> None:
    """Different files do not fit; with more space the stage goes on where it stopped."""
    remount = ["mount", "-o", f"remount,size={kilobytes}k", str(small_disk)]
    if subprocess.run(remount, capture_output=True).returncode:
        pytest.skip("a file system cannot change its size here")
    planner = trained_world.planner
    settings = {**planner.settings, "eval_steps": 1}
    stage = plan_training(
        replace(planner, seed=11, settings=settings), [trained_world.recipe("squad")], "train-intermediate"
    )
    setup = replace(planner.setup, store=RunStore(small_disk / "store"))
    with pytest.raises(DiskFullError, match=r"No space left .*kB are free.*finished runs are untouched"):
        run_stage(stage.spec, setup, Silent())
    subprocess.run(["mount", "-o", "remount,size=8m", str(small_disk)], check=True)
    assert run_stage(stage.spec, setup, Silent()).problem(whole=True) is None
