"""The rows of a spec, as all stages that learn from them read and encode them."""

from __future__ import annotations

from adapterstilts.data.bad_rows import BadRows
from adapterstilts.stages.training.training_rows import encode_rows, read_rows
from tests.stages.conftest import World


def test_rows_are_as_many_as_the_stage_was_trained_on_and_others_select(world: World) -> None:
    task, bad = world.squad.spec.only, BadRows(skip=False)
    rows, validation = read_rows(task, world.planner.setup, bad)
    trained = world.planner.setup.store.need(world.squad.key)
    assert len(rows) == trained.metrics["train_examples"] > 0
    assert len(validation) > 0 and not set(rows["id"]) & set(validation["id"])
    assert bad.counts == {}


def test_features_have_labels_and_are_encoded_once_for_all_stages_with_the_same_rows(world: World) -> None:
    setup = world.planner.setup
    task = world.squad.spec.only
    kind = setup.catalogue.build_kind(task)
    rows, _ = read_rows(task, setup)
    features = encode_rows(rows, task, kind, setup)
    answer = rows[0]["answers"]["text"][0]
    first = features[features["row"][:].index(0)]
    ids = first["input_ids"][first["start_positions"] : first["end_positions"] + 1]
    assert "".join(setup.backbone.tokenizer().decode(ids).split()) == "".join(answer.split())
    kept = {path: path.stat().st_mtime_ns for path in (setup.store.cache / "features").rglob("*") if path.is_file()}
    assert kept and encode_rows(rows, task, kind, setup)["input_ids"][:] == features["input_ids"][:]
    again = {path: path.stat().st_mtime_ns for path in (setup.store.cache / "features").rglob("*") if path.is_file()}
    assert {path for path in again if path.suffix == ".arrow"} == {path for path in kept if path.suffix == ".arrow"}
