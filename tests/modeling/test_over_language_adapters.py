"""Intermediate models over a language adapter: it is the one that the stage's spec names, below one adapter."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapterstilts.errors import CompatibilityError
from adapterstilts.modeling.backbone import Backbone
from adapterstilts.modeling.compatibility import check_language_adapter
from adapterstilts.modeling.composing import start_model
from adapterstilts.modeling.storage import StoredModel
from adapterstilts.modeling.transfer_model import TransferModel
from adapterstilts.runs.specs import Choice, TrainSpec
from tests.modeling.test_compositions import SPAN, backbone, begin, method_spec, store
from tests.runs.test_specs import train_spec

__all__ = ["backbone"]
METHOD, NONE = method_spec("seq_bn"), Choice(name="none")


def spec_of(composition: str, drop: int = 0) -> TrainSpec:
    return train_spec(method=METHOD, composition=Choice(name=composition), language_adapter_drop=drop)


def built(backbone: Backbone, spec: TrainSpec, language: StoredModel, *sources: StoredModel) -> TransferModel:
    task = "squad" if sources else None
    return start_model(spec, backbone, sources, heads={"squad": SPAN}, source_task=task, language=language)


def adapter(backbone: Backbone, folder: Path, *, seed: int) -> StoredModel:
    return store(begin(backbone, METHOD, NONE, task="squad"), folder, seed=seed)


@pytest.mark.parametrize("composition", ["stack", "continue"])
def test_a_model_brings_along_the_language_adapter_that_is_named(
    composition: str, backbone: Backbone, tmp_path: Path
) -> None:
    english, other = (adapter(backbone, tmp_path / name, seed=seed) for seed, name in ((1, "english"), (2, "other")))
    for drop in (0, 1):
        spec = spec_of(composition, drop)
        over = store(built(backbone, spec_of("none", drop), english), tmp_path / f"over{drop}", seed=3)
        check_language_adapter(english, spec, [over])
        assert [block.language for block in built(backbone, spec, english, over).blocks[:2]] == [True, False]
        with pytest.raises(CompatibilityError, match="over. was trained over another language adapter than other"):
            built(backbone, spec, other, over)
        with pytest.raises(CompatibilityError, match="or over other layers of it") as caught:
            check_language_adapter(english, spec_of(composition, 1 - drop), [over])
        assert "--language-adapter-drop" in str(caught.value.remedy)


@pytest.mark.parametrize("composition", ["stack", "continue"])
def test_several_adapters_above_a_language_adapter_are_refused(
    composition: str, backbone: Backbone, tmp_path: Path
) -> None:
    english, first = (adapter(backbone, tmp_path / name, seed=seed) for seed, name in ((1, "english"), (2, "first")))
    second = store(begin(backbone, METHOD, Choice(name="stack"), [first]), tmp_path / "second", seed=3)
    check_language_adapter(english, spec_of(composition), [first])
    with pytest.raises(CompatibilityError, match="second has several adapters, and one can be laid above"):
        check_language_adapter(english, spec_of(composition), [second])
