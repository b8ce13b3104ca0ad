"""Where the model of a task's name comes from: the store, the package, registries, in this order."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import adapterstilts
from adapterstilts.commands.models.shared import SharedModels, is_strangers, same_tasks, shared_from
from adapterstilts.commands.options import TransferOptions, read_options
from adapterstilts.commands.setup import make_planner
from adapterstilts.errors import UsageError
from adapterstilts.runs.store import RunStore


def models(**options: Any) -> SharedModels:
    read = read_options(TransferOptions, options)
    return SharedModels.of(make_planner(read), read)


def test_the_packages_models_are_brought_into_the_store_once(tmp_path: Path) -> None:
    mini = models(profile="mini", store=tmp_path)
    first, second = mini.shipped("squad"), mini.shipped("squad")
    assert first and second and first.folder == second.folder and first.spec.stage == "shared"
    assert shared_from(first) == "the package, task_adapters/squad/mini" and not is_strangers(first)
    assert mini.shipped("squad", key=first.key[:9]) and not mini.shipped("squad", key="0" * 9)
    assert mini.shipped("xnli") is None and "squad" in mini.shipped_tasks()
    assert [run.key for run in RunStore(tmp_path).runs()] == [first.key]


def test_they_are_for_the_embedded_backbone_and_their_method(tiny_backbone: Path, tmp_path: Path) -> None:
    assert models(profile="mini", store=tmp_path, backbone=str(tiny_backbone)).shipped("squad") is None
    other = models(profile="mini", store=tmp_path, method="lora")
    assert other.shipped("squad") is None and other.shipped_tasks() == []


def test_registries_are_asked_last_and_in_their_order(
    trained: dict[str, Any], suite: dict[str, Any], tmp_path: Path
) -> None:
    first, second = (str(tmp_path / name) for name in ("first", "second"))
    adapterstilts.push("squad", to=second, store=trained["store"])
    found = models(**{**trained, "store": tmp_path / "store"}, registry=(first, second)).in_registries("squad")
    assert found and str(shared_from(found)).startswith(f"{second}#squad-") and is_strangers(found)
    assert models(**{**trained, "store": tmp_path / "store"}, registry=first).in_registries("squad") is None
    adapterstilts.train_intermediate("squad", seed=7, **suite)
    adapterstilts.push("squad", to=second, store=suite["store"])
    with pytest.raises(UsageError, match=r"has 2 models of squad with method seq_bn.*#squad-seq_bn-.*#squad-seq_bn-"):
        models(**{**trained, "store": tmp_path / "store"}, registry=second).in_registries("squad")


def test_the_order_of_tasks_that_were_trained_together_says_nothing() -> None:
    assert same_tasks("squad+mnli", "mnli+squad") and not same_tasks("squad", "squad+mnli")
