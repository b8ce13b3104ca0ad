"""What several tests of commands start from."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import adapterstilts
from adapterstilts.commands.results import TransferResult
from adapterstilts.commands.table.few_shot_results import FewShotRow
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


SHOWN = {"languages": ("en", "de", "zh"), "max_eval_examples": 16}
FEW: dict[str, Any] = {"shots": {"de": [3, 6]}, "draws": 2, "shot_epochs": 2, "shot_learning_rate": 0.05}


@dataclass(frozen=True)
class FewShots:
    """Zero-shot rows that went on with two sizes of two draws of German rows.

    Attributes:
        options: Those of the command but for what is about shots.
    """

    options: dict[str, Any]
    result: TransferResult

    def of(self, shots: int) -> list[FewShotRow]:
        return [row for row in self.result.few_shots if row.shots == shots]


@pytest.fixture(scope="session")
def few_shots(trained: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> FewShots:
    """From squad to mlqa, in a store to which more may be added."""
    store = tmp_path_factory.mktemp("few_shots") / "store"
    shutil.copytree(trained["store"], store)
    options = {**trained, "store": store, **SHOWN}
    return FewShots(options, adapterstilts.transfer("squad", "mlqa", **FEW, **options))


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
