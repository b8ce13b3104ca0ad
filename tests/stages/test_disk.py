"""Refusing to fill a disk: on a small file system of its own, where one can be made."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from adapterstilts.errors import StoreError
from adapterstilts.runs.store import RunStore
from adapterstilts.stages.disk import check_disk
from adapterstilts.stages.estimate import needed_bytes
from adapterstilts.stages.graph import Graph
from adapterstilts.stages.training_spec import plan_training
from tests.stages.conftest import World


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 4 MB in memory."""
    folder = tmp_path / "disk"
    folder.mkdir()
    try:
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)], capture_output=True)
    except OSError:
        pytest.skip("there is no mount here")
    if done.returncode:
        pytest.skip("no file system can be mounted here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


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
