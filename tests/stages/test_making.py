"""The work of a stage by itself: in a folder, with what it tells of who has done it."""

from __future__ import annotations

from pathlib import Path

from adapterstilts.modeling.storage import WEIGHTS
from adapterstilts.stages.making import make
from adapterstilts.stages.reporter import Silent
from tests.stages.conftest import World


def test_a_stage_is_made_in_its_folder_by_one_process(world: World, tmp_path: Path) -> None:
    setup, spec = world.planner.setup, world.squad.spec
    with setup.catalogue.in_use():
        metrics, details = make(spec, setup, tmp_path, Silent())
    assert metrics == setup.store.need(world.squad.key).metrics
    assert (tmp_path / WEIGHTS).is_file() and (tmp_path / "log.jsonl").is_file()
    assert (details["processes"], details["strategy"], details["device"]) == (1, None, "cpu")
    assert details["tokens_per_batch"] == setup.tokens_per_batch and "out_of_memory_with" not in details
