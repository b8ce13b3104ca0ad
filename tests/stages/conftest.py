"""A planner on the tiny backbone and the embedded suite, with one trained stage in its store."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from adapterstilts.commands.options import TransferOptions, read_options
from adapterstilts.commands.setup import make_planner
from adapterstilts.runs.store import Run, RunStore
from adapterstilts.stages.graph import Training
from adapterstilts.stages.planner import Planner
from adapterstilts.stages.reporter import Silent
from adapterstilts.stages.run import run_stage
from adapterstilts.stages.training_spec import plan_training
from tests.conftest import QUICK


@dataclass(frozen=True)
class World:
    """What stages are tried in.

    Attributes:
        squad: A trained intermediate stage; `ccg` likewise.
    """

    planner: Planner
    squad: Training
    ccg: Training

    def recipe(self, name: str) -> Any:
        return self.planner.setup.catalogue.recipe(name)

    def in_store(self, root: Path) -> World:
        """The same with another store, which reads the trained stages from this one."""
        setup = self.planner.setup
        root.mkdir(exist_ok=True)
        for stage in (self.squad, self.ccg):
            folder = setup.store.folder(stage.spec)
            (root / folder.name).symlink_to(folder)
        return replace(self, planner=replace(self.planner, setup=replace(setup, store=RunStore(root))))

    def run(self, stage: Training, *, force: bool = False) -> Run:
        return run_stage(stage.spec, self.planner.setup, Silent(), force=force)


@pytest.fixture(scope="session")
def trained_world(tiny_backbone: Path, tmp_path_factory: pytest.TempPathFactory) -> World:
    store = tmp_path_factory.mktemp("world")
    options = {**QUICK, "profile": "mini", "backbone": str(tiny_backbone), "store": store, "max_train_examples": 24}
    planner = make_planner(read_options(TransferOptions, options))
    stages = [
        plan_training(planner, [planner.setup.catalogue.recipe(name)], "train-intermediate")
        for name in ("squad", "ccg")
    ]
    for stage in stages:
        run_stage(stage.spec, planner.setup, Silent())
    return World(planner, *stages)


@pytest.fixture
def world(trained_world: World, tmp_path: Path) -> Iterator[World]:
    """The world with a store of the test's own."""
    yield trained_world.in_store(tmp_path / "store")
