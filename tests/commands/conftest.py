"""What several tests of commands start from."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

import adapterstilts
from tests.conftest import QUICK


@pytest.fixture(scope="module")
def mini(tiny_backbone: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Options for the suite's data on a random backbone, with a store in which two intermediate runs are."""
    options = {
        **QUICK,
        "profile": "mini",
        "backbone": str(tiny_backbone),
        "store": tmp_path_factory.mktemp("store"),
        "max_train_examples": 24,
    }
    for task in ("squad", "ccg"):
        adapterstilts.train_intermediate(task, **{**options, "learning_rate": 0.02})
    return options


@pytest.fixture(scope="session")
def answering(trained: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Where a model of squad is that answers: a copy of the store, to which caches may be added."""
    store = tmp_path_factory.mktemp("answering") / "store"
    shutil.copytree(trained["store"], store)
    return {"store": store}


@pytest.fixture
def options(tiny_backbone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Options for one's own data on the tiny backbone, in a working directory of the test's own."""
    monkeypatch.chdir(tmp_path)
    settings = {name: value for name, value in QUICK.items() if name != "max_length"}
    return {**settings, "profile": "mini", "backbone": str(tiny_backbone), "store": tmp_path / "store"}
