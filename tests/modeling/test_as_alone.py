"""That a text's scores are the same bits whatever else is in its batch."""

from __future__ import annotations

import pytest
import torch

from adapterstilts.modeling.as_alone import AsAlone
from adapterstilts.modeling.backbone import Backbone, locate_backbone
from adapterstilts.modeling.methods import METHODS
from adapterstilts.modeling.transfer_model import TransferModel
from adapterstilts.runs.specs import MethodSpec
from adapterstilts.tasks.kind import HeadSpec
from tests.backbones import FAMILIES
from tests.conftest import save_tiny_backbone

ROWS, WIDTH = 13, 32
HEADS = {"labels": HeadSpec("classification", 3), "spans": HeadSpec("span", 2), "tags": HeadSpec("token", 17)}


def disturbed(backbone: Backbone, method: str, **options: int) -> TransferModel:
    """A model whose adapter has an effect."""
    torch.manual_seed(0)
    spec = MethodSpec(name=method, options=options)
    model = TransferModel(backbone, method=spec, precision="fp32")
    if METHODS.get(method).adds_adapter:
        model.add_adapter("one", spec)
    for name, head in HEADS.items():
        model.add_head(name, head)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.is_floating_point() and ("one" in name or name.startswith("heads")):
                parameter.add_(0.05 * torch.randn_like(parameter))
    return model.eval().requires_grad_(False)


def batch(rows: int = ROWS, *, seed: int = 1) -> dict[str, torch.Tensor]:
    draws = torch.Generator().manual_seed(seed)
    lengths = torch.randint(3, WIDTH + 1, (rows, 1), generator=draws)
    mask = (torch.arange(WIDTH) < lengths).long()
    return {
        "input_ids": torch.randint(5, 190, (rows, WIDTH), generator=draws) * mask + 1 - mask,
        "attention_mask": mask,
    }


def assert_as_alone(model: TransferModel) -> None:
    given = batch()
    with torch.inference_mode():
        for task in HEADS:
            alone = [
                model(task=task, **{name: value[row : row + 1] for name, value in given.items()})["logits"]
                for row in range(ROWS)
            ]
            with AsAlone():
                for rows in (list(range(ROWS)), [7, 2], [12, 3, 0, 5, 6, 1, 11]):
                    together = model(task=task, **{name: value[rows] for name, value in given.items()})["logits"]
                    for row, scores in zip(rows, together, strict=True):
                        length = int(given["attention_mask"][row].sum())
                        mine, theirs = scores, alone[row][0]
                        if scores.dim() > 1:  # the scores of padding are never looked at
                            mine, theirs = mine[:length], theirs[:length]
                        assert torch.equal(mine, theirs), (task, row)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Backbone:
    """Wide enough for kernels that differ with the number of rows."""
    return locate_backbone(str(save_tiny_backbone(tmp_path_factory.mktemp("small"), hidden_size=128)))


@pytest.mark.slow(but=8)
@pytest.mark.parametrize("method", METHODS.names())
def test_no_method_lets_texts_change_each_other(method: str, small: Backbone) -> None:
    assert_as_alone(disturbed(small, method))


@pytest.mark.slow(but=3)
@pytest.mark.parametrize("family", [name for name, one in FAMILIES.items() if one.form != "experts"])
def test_no_architecture_lets_texts_change_each_other(family: str, backbones: dict[str, Backbone]) -> None:
    assert_as_alone(disturbed(backbones[family], "peft:lora"))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_products_of_wide_layers_are_those_of_one_text(dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    weight, bias, texts = torch.randn(768, 768, dtype=dtype), torch.randn(768, dtype=dtype), torch.randn(13, 16, 768)
    given = texts.to(dtype)
    alone = torch.cat([torch.nn.functional.linear(one, weight, bias) for one in given.split(1)])
    with AsAlone():
        assert torch.equal(torch.nn.functional.linear(given, weight, bias), alone)


def test_sums_over_texts_and_matrices_are_left_as_they_are() -> None:
    torch.manual_seed(0)
    texts, matrix = torch.randn(5, 16, 8), torch.randn(6, 8)
    expected = texts.sum(0), texts.sum(), matrix @ matrix.T, torch.nn.functional.linear(matrix, matrix)
    with AsAlone():
        found = texts.sum(0), texts.sum(), matrix @ matrix.T, torch.nn.functional.linear(matrix, matrix)
    assert all(torch.equal(one, other) for one, other in zip(found, expected, strict=True))


def test_small_products_are_of_as_many_texts_as_there_are() -> None:
    """Where the bits allow it, which they are seen to do or not: 13 texts in one product, or in several."""
    torch.manual_seed(0)
    weight, values = torch.randn(32, 128), torch.randn(13, 16, 128)
    plain = torch.nn.functional.linear(values, weight)
    alone = torch.cat([torch.nn.functional.linear(one, weight) for one in values.split(1)])
    with AsAlone():
        torch.nn.functional.linear(values, weight)  # such shapes are compared once
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profile, AsAlone():
        assert torch.equal(torch.nn.functional.linear(values, weight), alone)
    products = sum(one.count for one in profile.key_averages() if one.key == "aten::linear")
    assert (products == 1) == torch.equal(plain, alone)
