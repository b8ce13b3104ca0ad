"""Models of several parts, loaded by the libraries' own compositions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from adapterstilts.modeling.backbone import Backbone, locate_backbone
from adapterstilts.modeling.blocks import Block
from adapterstilts.runs.specs import MethodSpec
from adapterstilts.tasks.kind import HeadSpec
from tests.conftest import save_tiny_backbone
from tests.modeling.exchange.models import (
    HEADS,
    LABELS,
    TASK,
    adapter,
    close,
    comes_back,
    exported,
    loaded,
    new_model,
    our_logits,
    spec,
    their_logits,
)

SEQ_BN = spec("seq_bn")
TARGET = Block(kind="adapter", adapters=(adapter(TASK, SEQ_BN),))
PAIR = (adapter("squad", SEQ_BN), adapter("mnli", spec("seq_bn", reduction_factor=8)))
LANGUAGE = Block(kind="adapter", adapters=(adapter("language_en", spec("seq_bn_inv", leave_out=[1])),), language=True)
SOURCE = Block(kind="adapter", adapters=(adapter("squad", SEQ_BN),))
COMPOSED: dict[str, tuple[Block, ...]] = {
    "stack": (SOURCE, TARGET),
    "fuse": (Block(kind="fuse", adapters=PAIR),),
    "fuse-one-step": (Block(kind="fuse", adapters=(*PAIR, adapter("mlqa_new", SEQ_BN)), learning=("mlqa_new",)),),
    "average": (Block(kind="average", adapters=PAIR, weights=(0.7, 0.5)), TARGET),
    "language": (LANGUAGE, SOURCE, TARGET),
    "language-fuse": (LANGUAGE, Block(kind="fuse", adapters=PAIR)),
}


@pytest.fixture(scope="module")
def backbone(tmp_path_factory: pytest.TempPathFactory) -> Backbone:
    return locate_backbone(str(save_tiny_backbone(tmp_path_factory.mktemp("wide") / "backbone", hidden_size=64)))


@pytest.mark.slow(but=3)
@pytest.mark.parametrize("form", ["span", "classification"])
@pytest.mark.parametrize("name", COMPOSED)
def test_a_composition_is_that_of_the_library(name: str, form: str, backbone: Backbone, tmp_path: Path) -> None:
    model = new_model(backbone, SEQ_BN, {TASK: HEADS[form]}, COMPOSED[name])
    run, made, folder = exported(model, backbone, tmp_path, LABELS[form])
    comes_back(run, backbone, folder)
    theirs = loaded(made, folder, backbone)["model"]
    close(their_logits(theirs, form), our_logits(model, form), form)
    recipe = json.loads((folder / "composition.json").read_text())
    assert recipe["library"] == "adapters" and recipe["active"] == made.active
    assert {part["folder"] for part in recipe["parts"]} == {one.name for one in folder.iterdir() if one.is_dir()}


def test_an_expression_says_how_adapters_are_composed(backbone: Backbone, tmp_path: Path) -> None:
    model = new_model(backbone, SEQ_BN, {TASK: HEADS["span"]}, COMPOSED["average"])
    _, made, _ = exported(model, backbone, tmp_path)
    average = "Average('squad', 'mnli', weights=[0.7, 0.5], normalize_weights=False)"
    assert made.active == f"Stack({average}, 'mlqa')"
    assert [part.folder for part in made.parts] == ["1-squad", "2-mnli", "3-mlqa", "head-1-mlqa"]


@pytest.mark.slow(but=3)
@pytest.mark.parametrize("below", ["peft:lora", "peft:dora", "peft:oft", "peft:vera", "peft:adalora", "peft:ia3"])
@pytest.mark.parametrize("above", ["peft:lora", "peft:ln_tuning"])
def test_a_merged_adapter_lies_below_another(above: str, below: str, backbone: Backbone, tmp_path: Path) -> None:
    source = Block(kind="merged", adapters=(adapter("squad", spec(below)),))
    target = Block(kind="adapter", adapters=(adapter(TASK, spec(above)),))
    model = new_model(backbone, spec(above), {TASK: HEADS["classification"]}, (source, target))
    run, made, folder = exported(model, backbone, tmp_path, LABELS["classification"])
    comes_back(run, backbone, folder)
    theirs = loaded(made, folder, backbone)["model"]
    close(their_logits(theirs, "classification"), our_logits(model, "classification"), "classification")


@pytest.mark.parametrize("method", ["seq_bn", "peft:lora"])
def test_a_backbone_of_its_own_is_a_checkpoint_beside(method: str, backbone: Backbone, tmp_path: Path) -> None:
    unfrozen = MethodSpec(name=method, unfreeze_backbone=True)
    model = new_model(backbone, unfrozen, {TASK: HEADS["token"]})
    run, made, folder = exported(model, backbone, tmp_path, LABELS["token"])
    assert (folder / "backbone/model.safetensors").is_file()
    comes_back(run, backbone, folder)
    close(their_logits(loaded(made, folder, backbone)["model"], "token"), our_logits(model, "token"), "token")


@pytest.mark.parametrize("method", ["seq_bn", "peft:lora", "full"])
def test_several_heads(method: str, backbone: Backbone, tmp_path: Path) -> None:
    heads = {"mnli": HEADS["classification"], TASK: HEADS["span"]}
    model = new_model(backbone, spec(method), heads)
    run, made, folder = exported(model, backbone, tmp_path)
    comes_back(run, backbone, folder)
    names = loaded(made, folder, backbone)
    if method == "seq_bn":
        for task, form in (("mnli", "classification"), (TASK, "span")):
            names["model"].active_head = task
            close(their_logits(names["model"], form), our_logits(model, form, task), form)
    else:
        assert {name.split(".")[1] for name in names["head"]} == set(heads)
        assert any("one head" in note for note in made.notes)


@pytest.mark.parametrize("method", ["seq_bn_inv", "full", "peft:lora", "unfrozen"])
def test_a_head_of_pretraining(method: str, backbone: Backbone, tmp_path: Path) -> None:
    unfrozen = method == "unfrozen"
    chosen = MethodSpec(name="seq_bn_inv" if unfrozen else method, unfreeze_backbone=unfrozen)
    model = new_model(backbone, chosen, {TASK: HeadSpec("masked_lm", 3)})
    run, made, folder = exported(model, backbone, tmp_path)
    comes_back(run, backbone, folder)
    theirs = loaded(made, folder, backbone)["model"]
    if method == "full":
        import torch

        from tests.modeling.exchange.models import batch

        model.eval()
        with torch.no_grad():
            expected = model.heads[TASK].decoder(model.backbone(**batch()).last_hidden_state)
            torch.testing.assert_close(theirs(**batch()).logits, expected, atol=1e-6, rtol=1e-5)
        assert made.notes == ()
    else:
        assert made.notes


def without_equal() -> dict[str, tuple[HeadSpec, Any]]:
    return {
        "mean": HeadSpec("classification", 3, {"pooling": "mean"}),
        "pairs": HeadSpec("dual_encoder", 0, {"pooling": "mean"}),
        "vectors": HeadSpec("pooled", 0, {"layer": 1, "pooling": "mean"}),
    }


@pytest.mark.parametrize("head", without_equal())
@pytest.mark.parametrize("method", ["seq_bn", "peft:lora", "full"])
def test_a_head_without_equal_is_beside_and_said(method: str, head: str, backbone: Backbone, tmp_path: Path) -> None:
    model = new_model(backbone, spec(method), {TASK: without_equal()[head]})
    run, made, folder = exported(model, backbone, tmp_path)
    comes_back(run, backbone, folder)
    assert len(made.notes) == 1 and "mean over all tokens" in made.notes[0]
    names = loaded(made, folder, backbone)
    own = {name for name, _ in model.stored() if name.startswith("heads.")}
    assert set(names.get("head", ())) == own
