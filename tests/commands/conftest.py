"""What several tests of commands start from."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

import adapterstilts
from adapterstilts.mini.generators.span_qa import span_qa
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


@pytest.fixture(scope="session")
def over_languages(tiny_backbone: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A store with a target that was trained over the language adapter of English, and with that of German."""
    texts, store = tmp_path_factory.mktemp("texts"), tmp_path_factory.mktemp("store")
    (texts / "mlm").mkdir()
    options = {**QUICK, "profile": "mini", "backbone": str(tiny_backbone), "store": store}
    for code in ("en", "de"):
        stories = dict.fromkeys(row["context"] for row in span_qa(split="train", language=code, size=40))
        (texts / f"mlm/{code}.txt").write_text("\n".join(stories) + "\n", encoding="utf-8")
        adapterstilts.train_language(code, **{**options, "data_dir": texts, "learning_rate": 0.5})
    adapterstilts.transfer(
        "none", "mlqa", language_adapters=True, languages=["de"], seeds=1, max_train_examples=24, max_eval_examples=4,
        **{**options, "learning_rate": 0.01},
    )  # fmt: skip
    return {"store": store, "calibrate": False}
