"""What trackers have of a stage: read again from their own files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import adapterstilts
from adapterstilts.errors import UsageError
from adapterstilts.runs.store import RunStore


def logged(store: Path, key: str) -> dict[str, list[tuple[int, float]]]:
    lines = (RunStore(store).need(key).folder / "log.jsonl").read_text(encoding="utf-8").splitlines()
    found: dict[str, list[tuple[int, float]]] = {}
    for entry in map(json.loads, lines):
        for name, value in entry.items():
            found.setdefault(name, []).append((entry["step"], value))
    return found


def test_trackers_have_what_the_log_has_and_change_nothing(
    quick: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    monkeypatch.setenv("MLFLOW_TRACKING_URI", (tmp_path / "mlflow").as_uri())
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    plain = adapterstilts.train_intermediate("squad", **{**quick, "store": tmp_path / "plain"})
    store = tmp_path / "store"
    shown = adapterstilts.train_intermediate("squad", **{**quick, "store": store}, report_to="tensorboard,mlflow")
    assert shown.key == plain.key and shown.validation == plain.validation
    own = logged(store, shown.key)
    events = EventAccumulator(str(store / "tensorboard" / shown.folder.name))
    events.Reload()
    for tag, name in (("eval/score", "eval_score"), ("train/loss", "loss"), ("train/learning_rate", "learning_rate")):
        read = [(event.step, event.value) for event in events.Scalars(tag)]
        assert read == [(step, pytest.approx(value)) for step, value in own[name]]
    spec = events.Tensors("spec/text_summary")[0].tensor_proto.string_val[0]
    assert json.loads(spec.decode().strip("`\n"))["tasks"][0]["data"]["task"] == "squad"

    import mlflow

    (run,) = mlflow.search_runs(experiment_names=["adapterstilts"], output_format="list")
    assert run.info.run_name == shown.folder.name and run.info.status == "FINISHED"
    assert run.data.metrics["eval_score"] == pytest.approx(own["eval_score"][-1][1])


@pytest.mark.slow
def test_each_stage_is_a_run_of_wandb(quick: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_DIR", str(tmp_path))
    given = {**quick, "store": tmp_path / "store", "report_to": "wandb"}
    runs = [adapterstilts.train_intermediate("squad", **given, seed=seed) for seed in (1, 2)]
    written = sorted((tmp_path / "wandb").glob("offline-run-*/run-*.wandb"))
    assert [path.stem.removeprefix("run-") for path in written] == [run.folder.name for run in runs]
    for path, run in zip(written, runs, strict=True):
        content = path.read_bytes()
        assert b"adapterstilts" in content and run.key.encode() not in content
        assert b'"task":"squad"' in content.replace(b'": "', b'":"') and b"eval/score" in content


def test_a_tracker_that_is_not_there_is_named() -> None:
    with pytest.raises(UsageError, match=r"Unknown tracker 'tensorbord'. Did you mean 'tensorboard'"):
        adapterstilts.train_intermediate("squad", profile="mini", report_to="tensorbord")
