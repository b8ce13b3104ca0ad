"""The layers below all that is a model's own: how many there are, and that a model goes on from what they give."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from adapterstilts.modeling.backbone import locate_backbone
from adapterstilts.modeling.lower_layers import lower_layers
from adapterstilts.modeling.methods import METHODS
from adapterstilts.modeling.transfer_model import TransferModel
from adapterstilts.runs.specs import MethodSpec
from adapterstilts.tasks.kind import HeadSpec
from tests.conftest import save_tiny_backbone

LAYERS = 4
SPAN = HeadSpec("span", 2)
# Everything of theirs lies in layers of their own choice.
IN_SOME_LAYERS = [
    ("head", {}, 4),
    ("seq_bn", {"leave_out": [0, 1], "reduction_factor": 4}, 2),
    ("double_seq_bn", {"leave_out": [0, 3], "reduction_factor": 4}, 1),
    ("par_bn", {"leave_out": [0, 1, 2], "reduction_factor": 4}, 3),
    ("lora", {"leave_out": [0], "r": 2}, 1),
    ("ia3", {"leave_out": [0, 1]}, 2),
    ("loreft", {"layers": [2, 3], "r": 1}, 2),
    ("peft:lora", {"layers_to_transform": [2, 3], "r": 2}, 2),
    ("peft:dora", {"layers_to_transform": [3], "r": 2}, 3),
]
IN_ALL = [
    "full",
    "seq_bn",
    "seq_bn_inv",
    "prefix_tuning",
    "prompt_tuning",
    "lora",
    "bitfit",
    "peft:lora",
    "lt_sft",
]


@pytest.fixture(scope="module")
def backbone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_backbone(tmp_path_factory.mktemp("deep") / "backbone", layers=LAYERS)


def begin(folder: Path, name: str, head: HeadSpec = SPAN, **options: Any) -> TransferModel:
    method = MethodSpec(name=name, options=options)
    torch.manual_seed(0)
    model = TransferModel(locate_backbone(str(folder)), method=method, precision="fp32")
    if METHODS.get(name).adds_adapter:
        model.train_adapter(model.add_adapter("own", method))
    model.train_backbone()
    model.add_head("task", head)
    model.train_head("task")
    with torch.no_grad():  # adapters begin as if they were not there
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.add_(0.1 * torch.randn_like(parameter))
    return model


def batch() -> dict[str, torch.Tensor]:
    torch.manual_seed(1)
    mask = torch.ones(3, 24, dtype=torch.long)
    mask[1:, 17:] = 0
    return {"input_ids": torch.randint(5, 900, (3, 24)), "attention_mask": mask}


@pytest.mark.parametrize(("name", "options", "count"), IN_SOME_LAYERS, ids=[one[0] for one in IN_SOME_LAYERS])
def test_a_model_goes_on_from_what_its_lower_layers_give(
    backbone: Path, name: str, options: dict[str, Any], count: int
) -> None:
    model = begin(backbone, name, **options)
    assert lower_layers(model) == count
    model.settle_below(count)
    given, targets = batch(), {"start_positions": torch.tensor([1, 2, 3]), "end_positions": torch.tensor([4, 2, 9])}
    with torch.no_grad():
        below = model.eval().lower_states(**given)
        pretrained = model.pretrained.encoder(torch.float32).eval()
        real = pretrained(**given, output_hidden_states=True).hidden_states[count]
    assert torch.allclose(below, real, atol=1e-6)
    below[given["attention_mask"] == 0] = 0  # padding is not kept

    for mode in (False, True):
        model.train(mode)
        found = []
        for batches in ({**given, **targets}, {**given, **targets, "below": below}):
            model.zero_grad()
            torch.manual_seed(2)  # of the dropout above
            result = model(task="task", **batches)
            result["loss"].backward()
            gradients = [one.grad for one in model.parameters() if one.requires_grad]
            found.append((result["logits"], gradients))
        (whole, its), (upper, others) = found
        real_tokens = given["attention_mask"].bool()
        assert torch.allclose(whole[real_tokens], upper[real_tokens], atol=1e-5)
        assert its and all(torch.allclose(one, other, atol=1e-5) for one, other in zip(its, others, strict=True))


@pytest.mark.parametrize("name", IN_ALL)
def test_nothing_lies_below_what_is_in_the_first_layer_or_beside_all(backbone: Path, name: str) -> None:
    assert lower_layers(begin(backbone, name)) == 0


def test_a_head_that_reads_a_lower_layer_has_that_many_below_it(backbone: Path) -> None:
    head = HeadSpec("pooled", 0, {"pooling": "mean", "layer": 3})
    model = begin(backbone, "head", head)
    assert lower_layers(model) == 3
    model.settle_below(3)
    given = batch()
    with torch.no_grad():
        states = model.eval().lower_states(**given)
        whole, upper = (model(task="task", **given, **more)["logits"] for more in ({}, {"below": states}))
    assert torch.equal(whole, upper)


def test_settled_layers_drop_nothing_in_training_and_the_others_do(backbone: Path) -> None:
    model = begin(backbone, "seq_bn", leave_out=[0, 1], reduction_factor=4)
    given = batch()

    def twice() -> list[torch.Tensor]:
        with torch.no_grad():
            return [model.lower_states(**given) for _ in range(2)]

    model.lower = 2
    model.train()
    model.settle_below(2)
    one, other = twice()
    assert torch.equal(one, other)
    with torch.no_grad():
        assert not torch.equal(*(model(task="task", **given)["logits"] for _ in range(2)))
    model.settle_below(3)
    model.lower = 4  # the last of these is in training
    one, other = twice()
    assert not torch.equal(one, other)


@pytest.mark.parametrize(("below", "count"), [([1, 2], 1), ([3], 2), (None, 0)])
def test_what_a_merged_adapter_has_changed_is_the_models_own(
    backbone: Path, below: list[int] | None, count: int
) -> None:
    """`peft` has no stack: an intermediate adapter is in the backbone, also below the lowest layer of the new one."""
    method = MethodSpec(name="peft:lora", options={"layers_to_transform": [2, 3], "r": 2})
    other = MethodSpec(name="peft:lora", options={"r": 2, **({"layers_to_transform": below} if below else {})})
    model = TransferModel(locate_backbone(str(backbone)), method=method, precision="fp32", own_backbone=True)
    model.train_adapter(model.add_adapter("intermediate", other))
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.normal_()
    model.requires_grad_(False).merge_last()
    model.train_adapter(model.add_adapter("own", method))
    model.add_head("task", SPAN)
    assert lower_layers(model) == count
    with torch.no_grad():
        model.settle_below(2)
        mine = model.eval().lower_states(**batch())
        pretrained = model.pretrained.encoder(torch.float32).eval()(**batch(), output_hidden_states=True)
    assert torch.allclose(mine, pretrained.hidden_states[2], atol=1e-5) == (count == 2)
