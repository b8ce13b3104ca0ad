"""What a Ray worker does, here without Ray."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from adapterstilts.stages.engines.orders import Message, Order
from adapterstilts.stages.engines.ray_task import make_stage, sees
from tests.runs.test_specs import train_spec
from tests.stages.conftest import World
from tests.stages.engines.makes import FAILS, publish


def test_a_worker_tells_of_its_stage_and_what_became_of_it(world: World, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    sent: list[Any] = []
    order = Order.of_this_process(train_spec(seed=1), world.planner.setup, force=False, make=publish)
    monkeypatch.chdir(Path("/"))
    assert make_stage(order, "key", sent.append) == (Message("made"), 1) and Path.cwd() == tmp_path
    name = world.planner.setup.store.folder(order.spec).name
    assert sent == [("key", Message("note", (f"{name}: made",)))]
    failed, _ = make_stage(replace(order, spec=train_spec(seed=FAILS)), "key", sent.append)
    assert failed.sort == "failed" and str(failed.values[0]) == "No rows. Get some."
    blind, _ = make_stage(replace(order, folder=tmp_path / "elsewhere"), "key", sent.append)
    assert blind.sort == "failed" and "A worker does not see" in str(blind.values[0])


def test_a_worker_looks_for_a_file(tmp_path: Path) -> None:
    (tmp_path / "token").touch()
    assert sees(tmp_path / "token") and not sees(tmp_path / "other")
