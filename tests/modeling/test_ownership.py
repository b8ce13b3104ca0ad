"""Adapters that are called as their head or as a module of the backbone or of a library: their tensors are theirs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from adapterstilts.modeling.backbone import locate_backbone
from adapterstilts.modeling.blocks import AdapterDescription
from adapterstilts.modeling.composing import start_model
from adapterstilts.modeling.methods import METHODS
from adapterstilts.modeling.transfer_model import TransferModel
from adapterstilts.runs.specs import Choice, MethodSpec
from tests.modeling.test_transfer_model import SPAN, batch, start, store
from tests.runs.test_specs import train_spec

ADDING = [method.name for method in METHODS if method.adds_adapter]
# Modules of XLM-R, modules of the two libraries, and what tensors are called.
NAMES = ["layer", "dense", "attention", "query", "self", "adapters", "loras", "lora_A", "base_layer", "weight", "heads"]

# As wide as the products of which the tiny backbone's bottlenecks can be made.
NARROW = {"compacter": {"reduction_factor": 8}, "compacter++": {"reduction_factor": 8}}


def model_with(folder: Path, method: str, name: str, **spec: Any) -> TransferModel:
    """An adapter and a head of one name."""
    method_spec = MethodSpec(name=method, options=NARROW.get(method, {}), **spec)
    torch.manual_seed(0)
    model = TransferModel(locate_backbone(str(folder)), method=method_spec, precision="fp32")
    model.train_adapter(model.add_adapter(name, method_spec))
    model.add_head(name, SPAN)
    return model


@pytest.mark.slow(but=7)
@pytest.mark.parametrize("method", ADDING)
def test_an_adapter_owns_what_adding_it_brought_whatever_it_is_called(method: str, tiny_backbone: Path) -> None:
    counts = set()
    for name in ("squad", *NAMES):
        model = model_with(tiny_backbone, method, name)
        brought = {path for path, _ in model.stored() if path.startswith("backbone.")}
        (adapter,) = model.blocks[0].adapters
        paths = model.adapter_paths(adapter, called="other")
        assert set(paths) == brought and brought, name
        other = model_with(tiny_backbone, method, "other")
        assert set(paths.values()) == set(other.adapter_paths(other.blocks[0].adapters[0])), name
        counts.add(len(paths))
    assert len(counts) == 1 and len(ADDING) == 31


@pytest.mark.parametrize("name", ["layer", "attention", "dense", "query"])
@pytest.mark.parametrize("method", ["seq_bn", "prefix_tuning", "peft:lora", "peft:ia3"])
def test_another_adapter_keeps_its_tensors(method: str, name: str, tiny_backbone: Path) -> None:
    """Two adapters in one backbone, one of them called as a module is that the other lies in."""
    model = model_with(tiny_backbone, method, "squad")
    spec = MethodSpec(name=method)
    model.load_adapter(AdapterDescription(name=name, method=spec))
    one, other = (set(model.adapter_paths(AdapterDescription(name=own, method=spec))) for own in ("squad", name))
    assert one and not one & other and len(one) == len(other)


@pytest.mark.parametrize("method", ["seq_bn", "peft:lora"])
@pytest.mark.parametrize("name", ["squad", *NAMES])
def test_the_backbone_is_trained_beside_an_adapter_of_any_name(method: str, name: str, tiny_backbone: Path) -> None:
    model = model_with(tiny_backbone, method, name, unfreeze_backbone=True)
    model.train_backbone()
    assert all(parameter.requires_grad for parameter in model.backbone.parameters())


def same(model: TransferModel, other: TransferModel, task: str) -> bool:
    with torch.inference_mode():
        one, two = (each.eval()(task=task, **batch(labels=False))["logits"] for each in (model, other))
    return torch.equal(one, two)


@pytest.mark.slow(but=8)
@pytest.mark.parametrize("name", ["squad", "layer", "dense", "attention", "lora_A"])
@pytest.mark.parametrize(
    "method", ["seq_bn", "double_seq_bn", "ia3", "prefix_tuning", "peft:lora", "peft:vera", "peft:oft"]
)
def test_a_stack_with_a_reused_head_comes_back_as_it_was_stored(
    method: str, name: str, tiny_backbone: Path, tmp_path: Path
) -> None:
    backbone = locate_backbone(str(tiny_backbone))
    source = store(model_with(tiny_backbone, method, name), tmp_path / "source")
    spec = train_spec(
        method=MethodSpec(name=method), composition=Choice(name="stack"), backbone=backbone.fingerprint, head="reuse"
    )
    model = start_model(spec, backbone, [source], heads={"mlqa": SPAN}, source_task=name)
    stored = store(model, tmp_path / "target")
    again = stored.restore(backbone, precision="fp32")
    assert same(model, again, "mlqa")
    third = store(again, tmp_path / "again", noise=0.0)
    assert same(again, third.restore(backbone, precision="fp32"), "mlqa")


@pytest.mark.parametrize("name", ["squad", "layer", "output", "adapters"])
@pytest.mark.parametrize("composition", ["average", "fuse"])
def test_adapters_of_equal_names_are_adopted_with_their_own_weights(
    composition: str, name: str, tiny_backbone: Path, tmp_path: Path
) -> None:
    sources = [store(model_with(tiny_backbone, "seq_bn", name), tmp_path / str(number)) for number in range(2)]
    model = start(tiny_backbone, MethodSpec(name="seq_bn"), composition, sources, inputs=("0" * 64, "1" * 64))
    kept = dict(model.stored())
    for source, adapter in zip(sources, model.blocks[0].adapters, strict=True):
        alone = dict(source.restore(locate_backbone(str(tiny_backbone)), precision="fp32").stored())
        for path, old in model.adapter_paths(adapter, called=name).items():
            assert torch.equal(kept[path], alone[old]), path
    if composition == "fuse":
        trained = {path for path, tensor in kept.items() if tensor.requires_grad and path.startswith("backbone.")}
        assert trained and all(f".adapter_fusion_layer.{','.join(model.blocks[0].names)}." in path for path in trained)
