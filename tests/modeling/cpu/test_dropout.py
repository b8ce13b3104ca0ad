"""Dropout on a CPU: as torch's in distribution and gradient, and in the place of torch's in models that are trained."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional
from transformers import XLMRobertaConfig, XLMRobertaModel

from adapterstilts.modeling.cpu.dropout import _PART_BYTES
from adapterstilts.modeling.cpu.kernels import cpu_kernels

P = 0.1


class Model(nn.Module):
    """What `cpu_kernels` reads of one."""

    def __init__(self, **config: Any) -> None:
        super().__init__()
        self.config = XLMRobertaConfig(**config)


CPU = torch.device("cpu")


@pytest.fixture
def within() -> Iterator[None]:
    torch.manual_seed(0)
    with cpu_kernels(Model(), CPU):
        yield


def attention(*qkv: torch.Tensor, bias: torch.Tensor | None, kept: torch.Tensor | None = None) -> torch.Tensor:
    """Written out, with what is kept already scaled."""
    query, key, value = qkv
    scores = query @ key.transpose(-1, -2) / math.sqrt(query.shape[-1])
    shares = torch.softmax(scores if bias is None else scores + bias, -1)
    return (shares if kept is None else shares * kept) @ value


def test_a_share_of_the_elements_is_dropped_and_the_mean_stays(within: None) -> None:
    ones = torch.ones(400, 1000)
    found = functional.dropout(ones, P)
    dropped = (found == 0).double().mean().item()
    assert dropped == pytest.approx(P, abs=4 * math.sqrt(P * (1 - P) / ones.numel()) + 2**-16)
    assert found.unique().tolist() == pytest.approx([0, 1 / (1 - P)], rel=1e-4)
    by_row = (found == 0).double().sum(1)
    assert by_row.var().item() == pytest.approx(1000 * P * (1 - P), rel=0.25)  # independent of each other
    neighbours = ((found[:, 1:] == 0) & (found[:, :-1] == 0)).double().mean().item()
    assert neighbours == pytest.approx(P * P, rel=0.05)


def test_seed_decides_and_no_two_draws_are_alike(within: None) -> None:
    given = torch.ones(64, 64)
    first, second = functional.dropout(given, P), functional.dropout(given, P)
    assert not torch.equal(first, second)
    torch.manual_seed(0)
    assert torch.equal(functional.dropout(given, P), first) and torch.equal(functional.dropout(given, P), second)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_gradient_goes_where_the_value_did(within: None, dtype: torch.dtype) -> None:
    given = torch.randn(3, 50, 7, dtype=dtype, requires_grad=True)
    weight = torch.randn_like(given)
    found = functional.dropout(given, 0.5)
    (found * weight).sum().backward()
    assert found.dtype == dtype
    torch.testing.assert_close(given.grad, weight * (found != 0) * 2)


def test_what_is_left_to_torch(within: None) -> None:
    given = torch.randn(4, 8)
    assert torch.equal(functional.dropout(given, 0.0), given) and torch.equal(
        functional.dropout(given, P, training=False), given
    )
    assert not functional.dropout(given, 1.0).any()
    query = torch.randn(2, 1, 5, 4)
    causal = functional.scaled_dot_product_attention(query, query, query, is_causal=True)
    torch.testing.assert_close(causal[:, :, 0], query[:, :, 0])


def test_masks_of_fewer_dimensions_and_values_of_another_width_are_read_as_torch_reads_them(within: None) -> None:
    """Hardly anything is dropped of so few, so that what torch gives without dropout is the answer."""
    query, key = torch.randn(2, 3, 5, 4), torch.randn(2, 3, 7, 4)
    value, mask = torch.randn(2, 3, 7, 6), torch.randn(5, 7)
    for given in (mask, mask[None, None], mask > -1):
        found = functional.scaled_dot_product_attention(query, key, value, given, dropout_p=1e-9)
        expected = functional.scaled_dot_product_attention(query, key, value, given)
        assert found.shape == (2, 3, 5, 6)
        torch.testing.assert_close(found, expected, atol=1e-3, rtol=1e-3)


def test_a_bias_that_is_trained_gets_its_gradient(within: None) -> None:
    query, bias = torch.randn(1, 2, 4, 4), torch.randn(1, 2, 4, 4, requires_grad=True)
    functional.scaled_dot_product_attention(query, query, query, bias, dropout_p=P).square().sum().backward()
    assert bias.grad is not None and bias.grad.abs().sum() > 0


@pytest.mark.parametrize("mask", ["none", "additive", "boolean"])
def test_attention_is_the_formula_of_what_was_kept(within: None, mask: str) -> None:
    """The values tell what was kept: with the unit matrix as values, attention is its own shares."""
    length = 12
    query, key = (torch.randn(3, 2, length, length, requires_grad=True) for _ in range(2))
    value = torch.eye(length).expand(3, 2, length, length).clone().requires_grad_()
    seen = torch.ones(3, 1, 1, length, dtype=torch.bool)
    seen[1, ..., 9:] = False
    bias = None if mask == "none" else torch.zeros(seen.shape).masked_fill(~seen, torch.finfo(torch.float32).min)
    given = {"none": None, "additive": bias, "boolean": seen}[mask]
    found = functional.scaled_dot_product_attention(query, key, value, given, dropout_p=0.25)
    kept = (found.detach() != 0) / 0.75
    assert 0.15 < (kept[0] == 0).float().mean() < 0.35
    expected = attention(query, key, value, bias=bias, kept=kept)
    torch.testing.assert_close(found, expected)
    weight = torch.randn_like(found)
    own = torch.autograd.grad((found * weight).sum(), (query, key, value))
    for one, other in zip(own, torch.autograd.grad((expected * weight).sum(), (query, key, value)), strict=True):
        torch.testing.assert_close(one, other)


def test_attention_of_many_rows_is_that_of_each_and_its_mean_that_without_dropout(within: None) -> None:
    """Rows go through in several parts, and a mask that all share is the same in each."""
    heads, length = 8, 128
    rows = 2 * _PART_BYTES // (4 * heads * length**2) + 3
    query, key, value = (torch.randn(1, heads, length, 4).expand(rows, -1, -1, -1) for _ in range(3))
    bias = torch.randn(1, 1, 1, length)
    found = functional.scaled_dot_product_attention(query, key, value, bias, dropout_p=P, scale=0.5)
    assert not torch.equal(found[0], found[-1])
    scores = (query[:1] @ key[:1].transpose(-1, -2)) * 0.5 + bias
    expected = torch.softmax(scores, -1) @ value[:1]
    torch.testing.assert_close(found.mean(0, keepdim=True), expected, atol=0.1, rtol=0)


def test_autocast_computes_attention_in_its_format(within: None) -> None:
    query = torch.randn(2, 2, 16, 8)
    with torch.autocast("cpu", torch.bfloat16):
        assert functional.scaled_dot_product_attention(query, query, query, dropout_p=P).dtype == torch.bfloat16


def test_it_is_for_models_in_training_on_a_cpu_that_have_dropout() -> None:
    model = Model()
    given = torch.ones(8, 8)

    def drawn_by_torch(model: Model, device: torch.device = CPU) -> bool:
        torch.manual_seed(1)
        with cpu_kernels(model, device):
            one = functional.dropout(given, 0.5)
        torch.manual_seed(1)
        return torch.equal(one, functional.dropout(given, 0.5))

    assert not drawn_by_torch(model)
    assert drawn_by_torch(model.eval())
    assert drawn_by_torch(Model(), torch.device("cuda"))
    assert drawn_by_torch(Model(hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0))


def test_a_whole_encoder_is_on_average_what_it_is_without_dropout(tmp_path: Path) -> None:
    """Its layers call what is replaced: nearly nothing dropped is nearly nothing changed, in value and gradient."""
    torch.manual_seed(0)
    config = {"vocab_size": 50, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4,
              "intermediate_size": 64, "hidden_dropout_prob": 1e-9, "attention_probs_dropout_prob": 1e-9}  # fmt: skip
    model = XLMRobertaModel(XLMRobertaConfig(**config), add_pooling_layer=False)
    ids = torch.randint(3, 50, (3, 20))
    mask = torch.ones_like(ids)
    mask[1, 12:] = 0
    states, gradients = [], []
    for trained in (False, True):
        model.zero_grad()
        with cpu_kernels(model.train(trained), CPU):
            hidden = model(input_ids=ids, attention_mask=mask).last_hidden_state * mask[..., None]
        hidden.square().mean().backward()
        states.append(hidden.detach())
        gradients.append(model.encoder.layer[0].attention.self.query.weight.grad.clone())
    assert not torch.equal(*states)
    torch.testing.assert_close(*states, atol=0.02, rtol=0)
    torch.testing.assert_close(*gradients, atol=1e-3, rtol=0.2)
