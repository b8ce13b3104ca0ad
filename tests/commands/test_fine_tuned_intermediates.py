"""A target phase that trains an adapter on an intermediate model whose backbone was fine-tuned."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

import adapterstilts
from adapterstilts.commands.options import TransferOptions, read_options
from adapterstilts.commands.transfer import plan_transfer
from adapterstilts.errors import AstiltsError
from adapterstilts.modeling.storage import WEIGHTS
from adapterstilts.runs.store import Run
from adapterstilts.stages.estimates.estimate import estimate
from tests.commands.conftest import SHOWN


@pytest.fixture(scope="module")
def tuned(tiny_backbone: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Options with a store in which squad was trained in full, and its reference as `source`."""
    settings: dict[str, Any] = {"epochs": 1, "batch_size": 8, "learning_rate": 1e-3, "max_validation_examples": 16}
    options = {
        **settings, "profile": "mini", "backbone": str(tiny_backbone), "max_train_examples": 24,
        "store": tmp_path_factory.mktemp("tuned"),
    }  # fmt: skip
    made = adapterstilts.train_intermediate("squad", method="full", **options)
    return {**options, "source": f"squad@{made.key}"}


def split(tuned: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    return tuned["source"], {name: value for name, value in tuned.items() if name != "source"}


def weights_of(folder: Path | None) -> dict[str, torch.Tensor]:
    assert folder is not None
    return load_file(Run(folder).check().folder / WEIGHTS)


@pytest.mark.slow
@pytest.mark.parametrize(
    "given",
    [{}, {"method": "peft:lora", "head": "reuse"}, {"method": "lora", "composition": "stack"}],
    ids=["seq_bn", "peft:lora", "lora"],
)
def test_an_adapter_is_trained_on_its_backbone(given: dict[str, Any], tuned: dict[str, Any]) -> None:
    source, options = split(tuned)
    options |= {**SHOWN, **given, "baseline": False, "shots": {"de": [3]}, "draws": 1, "shot_epochs": 2}
    planned = plan_transfer([source], ["mlqa"], read_options(TransferOptions, options))
    setup, facts = planned.planner.setup, planned.planner.facts
    told = estimate(planned.graph, setup, facts).stages
    result = adapterstilts.transfer(source, "mlqa", **options)
    (row,), (few,) = result.rows, result.few_shots
    assert row.composition == "stack on its backbone"
    below, target = (
        weights_of(setup.store.need(row.intermediate_runs[row.intermediate]).folder),
        weights_of(row.trained),
    )
    same = {path.replace(".base_layer", ""): one for path, one in target.items()}
    frozen = [path for path in below if path.startswith("backbone.")]
    assert frozen and all(torch.equal(below[path], same[path]) for path in frozen)
    for folder in (row.trained, few.draws[0].trained):
        assert folder is not None
        run = Run(folder)
        assert told[run.key].disk == pytest.approx(run.bytes, rel=0.05, abs=4000)
        assert run.metrics["parameters"]["trained"] < run.metrics["parameters"]["total"] / 2


@pytest.mark.slow
def test_it_is_shared_whole_and_the_intermediate_run_too(tuned: dict[str, Any], tmp_path: Path) -> None:
    source, options = split(tuned)
    options |= {**SHOWN, "baseline": False, "method": "peft:lora"}
    (row,) = adapterstilts.transfer(source, "mlqa", **options).rows
    assert row.trained is not None
    own = {"store": options["store"]}
    adapterstilts.push(row.trained.name, to=str(tmp_path / "target"), **own)
    adapterstilts.push(source, to=str(tmp_path / "full"), **own)
    (target,), (full,) = (list((tmp_path / name).rglob("astilts.json")) for name in ("target", "full"))
    asked = [{"context": "Ann is in the garden and Bob is in the house.", "question": "Where is Bob?"}]
    elsewhere = {"store": tmp_path / "elsewhere", "backbone": options["backbone"]}
    here = adapterstilts.load(f"mlqa@{Run(row.trained).key}", **own)
    there = adapterstilts.load(str(target.parent), **elsewhere)
    assert here.predict(asked) == there.predict(asked)
    given = {**options, "store": tmp_path / "elsewhere"}
    (again,) = adapterstilts.transfer(str(full.parent), "mlqa", **given).rows
    assert again.composition == "stack on its backbone"
    first, second = weights_of(row.trained), weights_of(again.trained)
    assert all(torch.equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"composition": "fuse"}, "was trained with full and has no adapter to fuse. Use --composition stack"),
        ({"composition": "continue"}, "cannot be continued with seq_bn.* Use --composition stack, or --method 'full'"),
        ({"method": "lora"}, "cannot be continued with lora. Use --composition stack"),
    ],
)
def test_what_cannot_be_is_refused_when_planning(given: dict[str, Any], message: str, tuned: dict[str, Any]) -> None:
    source, options = split(tuned)
    with pytest.raises(AstiltsError, match=message):
        adapterstilts.plan(adapterstilts.transfer, source, "mlqa", **{**options, **given})
