"""Speeds of finished runs."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from adapterstilts.runs.specs import MethodSpec
from adapterstilts.stages.estimates.finished import FinishedSpeeds
from adapterstilts.stages.estimates.machines import machine
from adapterstilts.stages.estimates.speed import Speed, assumed_speed, speed_here
from tests.stages.conftest import World


def here(world: World) -> Speed:
    setup, method = world.planner.setup, world.squad.spec.method  # type: ignore[union-attr]
    return speed_here(setup.backbone, method, "fp32", device="cpu", width=64)


def test_a_run_of_another_seed_tells_how_fast_the_same_is(world: World) -> None:
    spec = world.squad.spec.model_copy(update={"seed": 99})
    run = world.planner.setup.store.find(world.squad.spec)
    assert run is not None
    rate = run.provenance["cost"]["tokens_per_second"]
    speeds = FinishedSpeeds(world.planner.setup.store)
    assert speeds.training(spec, here(world)) == 1 / rate  # type: ignore[arg-type]
    for other in (
        {"method": MethodSpec(name="full")},
        {"precision": "bf16"},
        {"backbone": "another"},
    ):
        assert speeds.training(spec.model_copy(update=other), here(world)) is None  # type: ignore[arg-type]


def test_a_run_of_another_machine_says_nothing(world: World, tmp_path: Path) -> None:
    spec = world.squad.spec
    speeds = FinishedSpeeds(world.planner.setup.store)
    assert speeds.training(spec, assumed_speed(machine("h100"), "fp32", 2)) is None  # type: ignore[arg-type]
    assert speeds.training(spec, replace(here(world), threads=64)) is None  # type: ignore[arg-type]


def test_damaged_runs_are_passed_over(world: World) -> None:
    store = world.planner.setup.store
    run = store.find(world.squad.spec)
    assert run is not None
    copied = store.root / f"{run.folder.name.rpartition('-')[0]}-000000000000"
    copied.mkdir()
    for path in run.folder.resolve().glob("*.json"):
        (copied / path.name).write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
    (copied / "provenance.json").write_text(json.dumps({})[:1], encoding="utf-8")
    assert FinishedSpeeds(store).training(world.squad.spec, here(world)) is not None  # type: ignore[arg-type]
