"""Which run a task's name means in `--from`."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

import adapterstilts
from adapterstilts.commands.models.intermediate_runs import IntermediateRuns
from adapterstilts.commands.models.shared import SharedModels
from adapterstilts.commands.options import SHARED, TransferOptions, as_flags, read_options
from adapterstilts.commands.push import trained_run
from adapterstilts.commands.setup import make_planner
from adapterstilts.errors import UsageError
from adapterstilts.files import file_digest
from adapterstilts.runs.specs import canonical_json, key
from adapterstilts.runs.store import Run, RunStore
from adapterstilts.stages.graph import finished, made_by


def runs(**options: Any) -> IntermediateRuns:
    read = read_options(TransferOptions, options)
    shared = as_flags(read, only=SHARED)
    planner = make_planner(read)
    return IntermediateRuns(planner, SharedModels.of(planner, read), f" --to mlqa{as_flags(read)}", shared)


@pytest.mark.slow
def test_a_name_means_the_run_with_the_default_settings(tiny_backbone: Path, tmp_path: Path) -> None:
    """A second run with fewer rows does not stand in its way, whatever it scores."""
    usual: dict[str, Any] = {"profile": "mini", "backbone": str(tiny_backbone), "store": tmp_path}
    default = adapterstilts.train_intermediate("copa", **usual)
    few = adapterstilts.train_intermediate("copa", max_train_examples=40, epochs=1, **usual)
    assert runs(**usual).find("copa").key == default.key != few.key
    # What is chosen for the target says nothing about the intermediate run.
    assert runs(**usual, epochs=3, seed=7, max_train_examples=16).find("copa").key == default.key
    assert runs(**usual).find(f"copa@{few.key[:8]}").key == few.key


def test_without_it_the_only_one_is_meant_and_several_are_listed_with_whole_commands(suite: dict[str, Any]) -> None:
    first = adapterstilts.train_intermediate("squad", **suite)
    assert runs(**suite).find("squad").key == first.key
    second = adapterstilts.train_intermediate("squad", seed=7, **suite)
    with pytest.raises(UsageError) as error:
        runs(**suite).find("squad")
    assert str(error.value).startswith("squad has 2 intermediate runs, and none of them is the one with the default")
    for run in (first, second):
        assert f"\n  astilts transfer --from squad@{run.key[:12]} --to mlqa --profile mini" in str(error.value)


def test_the_first_of_seeds_that_follow_each_other_stands_for_them(suite: dict[str, Any]) -> None:
    first, second, third = (adapterstilts.train_intermediate("squad", seed=seed, **suite) for seed in (5, 6, 8))
    with pytest.raises(UsageError, match="squad has 2 intermediate runs") as error:
        runs(**suite).find("squad")
    assert first.key[:12] in str(error.value) and third.key[:12] in str(error.value)
    assert second.key[:12] not in str(error.value)


def test_a_repetition_of_the_packages_run_does_not_stand_for_it(tmp_path: Path) -> None:
    mini = {"profile": "mini", "store": tmp_path}
    shipped = runs(**mini).find("copa")
    made = made_by(finished(shipped))
    spec = made.model_copy(update={"seed": made.seed + 1})
    folder = tmp_path / f"train-intermediate-copa-{key(spec)[:12]}"
    shutil.copytree(shipped.folder, folder)
    (folder / "spec.json").write_text(canonical_json(spec))
    manifest = json.loads((folder / "manifest.json").read_text())
    path = folder / "spec.json"
    manifest["spec.json"] = {"bytes": path.stat().st_size, "sha256": file_digest(path)}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    assert runs(**mini).find("copa").key == shipped.key
    assert runs(**mini).find(f"copa@{key(spec)[:12]}").key == key(spec)


def test_the_package_stands_in_for_a_store_without_a_run(tmp_path: Path) -> None:
    mini = {"profile": "mini", "store": tmp_path}
    assert runs(**mini).find("mnli").spec.stage == "shared"
    few = adapterstilts.train_intermediate("mnli", max_train_examples=40, epochs=1, **mini)
    assert runs(**mini).find("mnli").key == few.key  # what the store has is rather meant


def test_a_run_that_is_not_there_is_an_error_with_its_command(suite: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="Train it first: astilts train-intermediate squad mnli --profile mini"):
        runs(**suite).find("squad+mnli")
    adapterstilts.train_intermediate("ccg", method="seq_bn[reduction_factor=8]", **suite)
    with pytest.raises(UsageError, match=r"Others there: ccg@.*seq_bn\[reduction_factor=8\]"):
        runs(**suite).find("ccg")
    (run,) = suite["store"].glob("train-*")
    with pytest.raises(UsageError, match=f"{run.name} is not an intermediate run of squad"):
        runs(**suite).find(f"squad@{run.name[-12:]}")


def twin(store: RunStore, run: Run, task: str) -> Run:
    """A run of another task whose key begins as that of a run, with its files."""
    spec = run.training
    assert spec.stage == "train-intermediate"
    data = spec.only.data.model_copy(update={"task": task})
    for seed in range(1000):
        tasks = (spec.only.model_copy(update={"data": data}),)
        other = spec.model_copy(update={"tasks": tasks, "seed": seed})
        if key(other)[:1] == run.key[:1]:
            break
    with store.claim(other, on_wait=print) as work:
        shutil.copytree(run.folder, work, dirs_exist_ok=True)
        return store.publish(other, work)


def test_a_key_is_looked_for_among_the_runs_of_its_task(trained: dict[str, Any], tmp_path: Path) -> None:
    store = RunStore(shutil.copytree(trained["store"], tmp_path / "store"))
    (run,) = store.runs()
    other = twin(store, run, "mnli")
    found = runs(**{**trained, "store": store.root})
    assert found.find(f"squad@{run.key[:1]}").key == run.key  # although two runs have a key that begins so
    assert found.find(f"mnli@{run.key[:1]}").key == other.key
    with pytest.raises(UsageError, match="is not an intermediate run of mnli"):
        found.find(f"mnli@{run.key[:12]}")
    assert trained_run(store, f"squad@{run.key[:12]}").key == run.key
    with pytest.raises(UsageError, match=f"No run 'mnli@{run.key[:12]}'"):
        trained_run(store, f"mnli@{run.key[:12]}")
