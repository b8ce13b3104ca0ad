"""Sizes of planned models, beside those of the models themselves."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from transformers import XLMRobertaConfig, XLMRobertaModel

from adapterstilts.modeling.backbone import Backbone, locate_backbone
from adapterstilts.modeling.composing import start_model
from adapterstilts.modeling.cpu.kernels import cpu_kernels
from adapterstilts.modeling.storage import WEIGHTS, save_parameters
from adapterstilts.runs.specs import Choice, MethodSpec
from adapterstilts.settings import Optimisation
from adapterstilts.stages.estimates.costs import Work
from adapterstilts.stages.estimates.model_sizes import ModelSize, model_size
from adapterstilts.tasks.kind import HeadSpec
from tests.runs.test_specs import train_spec

# Every library, with adapters of each form: bottlenecks, prefixes, low ranks, scales, rotations.
METHODS = (
    "full", "head", "bitfit", "seq_bn", "seq_bn_inv", "par_bn", "prefix_tuning", "lora", "ia3", "loreft",
    "mam", "unipelt", "peft:lora", "peft:dora", "peft:ia3", "peft:vera", "peft:oft", "peft:ln_tuning",
)  # fmt: skip


@pytest.fixture(scope="module")
def backbone(tiny_backbone: Path) -> Backbone:
    return locate_backbone(str(tiny_backbone))


@pytest.mark.parametrize("name", METHODS)
def test_parameters_and_operations_are_those_of_the_model(name: str, backbone: Backbone, tmp_path: Path) -> None:
    spec = train_spec(method=MethodSpec(name=name), composition=Choice(name="none"))
    model = start_model(spec, backbone, [], heads={"squad": HeadSpec("span", 2)}, source_task=None)
    size, work = model_size(model.describe(), backbone), Work.of(model)
    assert {"trained": size.trained, "total": size.total} == model.parameter_counts()
    tables = model.backbone.get_input_embeddings().weight.numel()  # type: ignore[operator, union-attr]
    assert (size.embedded > tables) is (name == "full")  # those of places too
    assert (size.forward, size.backward) == (work.forward, work.backward)
    model.settle()
    save_parameters(model, tmp_path / WEIGHTS, trained_only=False)
    assert size.stored == pytest.approx((tmp_path / WEIGHTS).stat().st_size, rel=0.03, abs=100)


def kept_for_backward(config: XLMRobertaConfig, *, full: bool, tokens: int, width: int) -> int:
    """Bytes that autograd keeps of a pass, weights aside."""
    model = XLMRobertaModel(config, add_pooling_layer=False).train().requires_grad_(full)
    model.embeddings.LayerNorm.requires_grad_(True)  # type: ignore[operator]
    own = {parameter.untyped_storage().data_ptr() for parameter in model.parameters()}
    seen: dict[int, torch.Tensor] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        seen[tensor.untyped_storage().data_ptr()] = tensor
        return tensor

    ids = torch.randint(5, 900, (tokens // width, width))
    mask = torch.ones_like(ids)
    mask[0, -1] = 0
    keeping = torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor)
    with keeping, cpu_kernels(model, torch.device("cpu")):
        model(input_ids=ids, attention_mask=mask).last_hidden_state.sum()
    return sum(tensor.untyped_storage().nbytes() for place, tensor in seen.items() if place not in own)


@pytest.mark.parametrize("full", [True, False])
@pytest.mark.parametrize("dropout", [0.0, 0.1])
def test_activations_are_those_that_autograd_keeps(full: bool, dropout: float) -> None:
    def config(layers: int) -> XLMRobertaConfig:
        return XLMRobertaConfig(
            vocab_size=1000, hidden_size=64, intermediate_size=256, num_hidden_layers=layers, num_attention_heads=4,
            max_position_embeddings=130, attention_probs_dropout_prob=dropout,
        )  # fmt: skip

    shallow, deep = (kept_for_backward(config(layers), full=full, tokens=512, width=64) for layers in (1, 3))
    size = ModelSize(
        forward=0, backward=0, trained=0, embedded=0, total=0, pretrained=0, stored=0, tensors=0, hidden=64, inner=256,
        heads=4, layers=3, passed=2, trains_backbone=full, whole=full, drops_attention=dropout > 0, lower=0, below=0,
    )  # fmt: skip
    assert size.activations(512, 64, "fp32", on_gpu=False) == pytest.approx(deep - shallow, rel=0.15)


def test_the_memory_of_a_large_model_is_what_it_consists_of() -> None:
    """XLM-R Large: 560 million weights in 24 layers of 1,024, with adapters of a few million."""
    size = ModelSize(
        forward=6e8, backward=6e8, trained=3_000_000, embedded=0, total=563_000_000, pretrained=560_000_000,
        stored=12_000_000, tensors=100, hidden=1024, inner=4096, heads=16, layers=24, passed=24,
        trains_backbone=False, whole=False, drops_attention=True, lower=0, below=0,
    )  # fmt: skip
    assert size.weights("bf16") == 2 * 560_000_000 + 4 * 3_000_000
    assert size.weights("fp32") == 4 * 563_000_000
    assert size.ordered("bf16", training=True) == 2 * 24 * 12 * 1024**2
    assert size.ordered("fp32", training=True) == 0
    whole = replace(size, trains_backbone=True, whole=True)
    assert whole.ordered("bf16", training=True) == 0
    assert whole.ordered("bf16", training=False) == 2 * size.ordered("bf16", training=False)
    assert size.optimizer(Optimisation()) == 12 * 3_000_000
    # Moments of a byte each, with a constant of four for 256; those of embeddings stay as they are.
    whole, in_8bit = replace(size, trained=560_000_000, embedded=257_000_000), Optimisation(adamw_8bit=True)
    assert whole.optimizer(Optimisation()) - whole.optimizer(in_8bit) == round(2 * 303_000_000 * (4 - 1 - 1 / 64))
    assert whole.checkpoint(in_8bit) - whole.checkpoint(Optimisation()) == -2 * 303_000_000 * (3 - 1 / 64)
    kept = size.activations(8192, 384, "bf16", on_gpu=True)
    assert kept == 8192 * 24 * (29 * 1024 + 2 * 4096) + 2 * 3_000_000  # 7.4 GB
    assert size.activations(8192, 384, "bf16", on_gpu=False) > kept
