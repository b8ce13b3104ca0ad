"""Every family of backbones through intermediate task, target task, storing and prediction, with the real Trainer."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import adapterstilts
from adapterstilts.data.bad_rows import BadRows
from adapterstilts.data.sources import open_source
from adapterstilts.modeling.architecture import routers, stays_as_pretrained
from adapterstilts.modeling.backbone import Backbone, locate_backbone
from adapterstilts.modeling.storage import StoredModel, save_model
from adapterstilts.specs import MethodSpec
from adapterstilts.stages import build_kind
from adapterstilts.tasks.catalogue import recipe
from tests.backbones import FAMILIES
from tests.conftest import QUICK
from tests.test_methods import Prepared, begin, predictions, prepared, run, tensors

__all__ = ["prepared"]  # a fixture: questions, with the tokenizer that all families have


@pytest.fixture(scope="module")
def backbones(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Backbone]:
    """A random backbone of each family."""
    root = tmp_path_factory.mktemp("families")
    return {name: locate_backbone(str(family.save(root / name))) for name, family in FAMILIES.items()}


def combinations() -> Iterator[Any]:
    for name, family in FAMILIES.items():
        for method in ("full", "peft:lora", *(["seq_bn"] if family.adapters else [])):
            yield pytest.param(name, method, id=f"{name}-{method}")


def test_all_families_are_there() -> None:
    forms = [family.form for family in FAMILIES.values()]
    assert (forms.count("encoder"), forms.count("decoder"), forms.count("experts")) == (8, 7, 4)
    assert len(list(combinations())) == 19 * 2 + 12


@pytest.mark.parametrize(("name", "method"), combinations())
def test_family_is_trained_stored_and_scored(
    name: str, method: str, backbones: dict[str, Backbone], prepared: Prepared, tmp_path: Path
) -> None:
    here = dataclasses.replace(prepared, backbone=backbones[name])
    pretrained = dict(here.backbone.encoder(torch.float32).named_parameters())
    model = begin(here, MethodSpec(name=method))
    before = tensors(model)
    run(here, model, tmp_path / "intermediate")
    after = tensors(model)
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed <= {name for name, parameter in model.named_parameters() if parameter.requires_grad}

    # Fully tuned, all weights change but those that X-MOD keeps; else none, and least of all routers.
    own = {name.removeprefix("backbone.").replace(".base_layer.", ".") for name in changed} & pretrained.keys()
    kept = {name for name in pretrained if stays_as_pretrained(model.config, name)}
    chosen_by = {f"{name}.weight" for name in routers([name for name, _ in model.backbone.named_modules()])}
    assert bool(kept) == (name == "xmod") and bool(chosen_by) == (FAMILIES[name].form == "experts")
    assert own == (pretrained.keys() - kept if method == "full" else set())
    assert chosen_by <= pretrained.keys()

    folder = tmp_path / "stored"
    folder.mkdir()
    save_model(model, folder)
    stored = StoredModel.read(folder)
    expected = predictions(here, model)
    assert_equal(expected, predictions(here, stored.restore(here.backbone, precision="fp32")))
    # bf16 is near, not equal; only frozen weights are kept in it.
    near = predictions(here, stored.restore(here.backbone, precision="bf16"))
    assert all(np.allclose(one, other, atol=0.2) for one, other in zip(expected, near, strict=True))

    target = begin(here, MethodSpec(name=method), stored)
    run(here, target, tmp_path / "target")
    save_model(target, folder)
    found = predictions(here, target)
    assert_equal(found, predictions(here, StoredModel.read(folder).restore(here.backbone, precision="fp32")))
    gold = open_source("mini", None).load(recipe("squad"), "test", "de", BadRows(skip=False)).select(range(8)).to_list()
    kind = build_kind(here.task)
    scores = kind.score(kind.decode(gold, here.german, found, {}), gold, metric="squad", language="de")
    assert all(math.isfinite(value) for value in scores.metrics.values())


def assert_equal(one: list[np.ndarray], other: list[np.ndarray]) -> None:
    assert all(np.isfinite(values).all() for values in one)
    assert all(np.array_equal(values, others) for values, others in zip(one, other, strict=True))
