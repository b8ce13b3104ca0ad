"""Linear layers in bf16 with ordered weights: what torch gives, of the weights as they are now."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn import functional
from transformers import XLMRobertaConfig, XLMRobertaModel

from adapterstilts.modeling.backbone import locate_backbone
from adapterstilts.modeling.composing import start_model
from adapterstilts.modeling.cpu import linear as own
from adapterstilts.modeling.cpu.kernels import cpu_kernels, torchs_kernels
from adapterstilts.modeling.shared_batch import scores_of
from adapterstilts.runs.specs import Choice, MethodSpec
from adapterstilts.tasks.kind import HeadSpec
from tests.runs.test_specs import train_spec

CPU = torch.device("cpu")
ROUNDING = {"rtol": 2**-7, "atol": 2**-7}
"""Of bf16, with sums in another order."""


@pytest.fixture(autouse=True)
def needs_bf16() -> None:
    if not own._multiplies_by_onednn():
        pytest.skip("this CPU has no products in bf16")


class Model(nn.Module):
    """What `cpu_kernels` reads of one."""

    config = XLMRobertaConfig()


@contextmanager
def ordering() -> Iterator[None]:
    with torch.autocast("cpu", torch.bfloat16), cpu_kernels(Model().eval(), CPU):
        yield


def layer(inputs: int = 48, outputs: int = 32, *, dtype: torch.dtype = torch.bfloat16) -> nn.Linear:
    torch.manual_seed(0)
    return nn.Linear(inputs, outputs, dtype=dtype).requires_grad_(False)


def used(module: nn.Linear) -> bool:
    """Whether its weight is known in another order."""
    return module.weight in own._KNOWN


@pytest.mark.parametrize("shape", [(48,), (1, 48), (7, 48), (3, 5, 48), (2, 3, 4, 48)], ids=str)
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32], ids=str)
def test_results_and_gradients_are_torchs(shape: tuple[int, ...], dtype: torch.dtype) -> None:
    """Whatever the input's shape, with bias and without; the backbone's weights are fp32 where they were trained."""
    module = layer(dtype=dtype)
    for bias in (module.bias, None):
        found, gradients = [], []
        for context in (torch.autocast("cpu", torch.bfloat16), ordering()):
            given = torch.linspace(-2, 2, steps=torch.Size(shape).numel()).reshape(shape).requires_grad_()
            with context:
                result = functional.linear(given, module.weight, bias)
            (result.float() * torch.arange(32)).sum().backward()
            assert given.grad is not None
            found.append(result.detach())
            gradients.append(given.grad)
        assert found[1].dtype == torch.bfloat16
        torch.testing.assert_close(found[1], found[0], **ROUNDING)
        torch.testing.assert_close(gradients[1], gradients[0], **ROUNDING)
    assert used(module)


def test_weights_that_have_changed_are_read_anew() -> None:
    module, given = layer(), torch.randn(4, 48)

    def check() -> None:
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
            expected = module(given)
        with torch.no_grad(), ordering():
            torch.testing.assert_close(module(given), expected, **ROUNDING)

    check()
    with torch.no_grad():
        module.weight.mul_(-1)
    check()
    module.weight.data = torch.randn(32, 48).bfloat16()
    check()
    module.weight.data = torch.randn(32, 48).bfloat16()  # the former one is free by now, and its place may be taken
    check()
    module.weight = nn.Parameter(torch.randn(32, 48), requires_grad=False)
    check()


def test_an_adapter_that_is_merged_between_two_predictions_counts(tiny_backbone: Path) -> None:
    """peft changes weights where torch does not count it."""
    spec = train_spec(method=MethodSpec(name="peft:lora"), composition=Choice(name="none"), precision="bf16")
    backbone = locate_backbone(str(tiny_backbone))
    model = start_model(spec, backbone, [], heads={"squad": HeadSpec("span", 2)}, source_task=None).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "lora_B" in name:
                parameter.normal_()
    ids = torch.randint(5, 50, (2, 9))

    def answers() -> torch.Tensor:
        with torch.no_grad():
            return model(task="squad", input_ids=ids, attention_mask=torch.ones_like(ids))["logits"].float()

    before = answers()
    model.merge_last()
    after = answers()
    with torchs_kernels():
        expected = answers()
    torch.testing.assert_close(after, expected, **ROUNDING)
    torch.testing.assert_close(after, before, rtol=0.1, atol=0.1)


def test_scores_that_a_batch_must_not_change_are_torchs(tiny_backbone: Path) -> None:
    """Whose products are known to have the same bits for one text as for several."""
    spec = train_spec(method=MethodSpec(name="head"), composition=Choice(name="none"), precision="bf16")
    backbone = locate_backbone(str(tiny_backbone))
    model = start_model(spec, backbone, [], heads={"squad": HeadSpec("span", 2)}, source_task=None).eval()
    model.requires_grad_(False)
    for rows in (1, 2):
        ids = torch.randint(5, 50, (rows, 9))
        scores_of(model, "squad", {"input_ids": ids, "attention_mask": torch.ones_like(ids)})
    assert not any(used(one) for one in model.modules() if isinstance(one, nn.Linear))


def test_trained_layers_vocabularies_and_other_formats_are_left_to_torch() -> None:
    trained, wide, alone, biased, exact = (
        layer(),
        layer(8, own._WIDEST + 1),
        layer(),
        layer(),
        layer(dtype=torch.float32),
    )
    trained.weight.requires_grad_(True)
    assert biased.bias is not None
    biased.bias.requires_grad_(True)
    with ordering():
        trained(torch.randn(2, 48)).sum().backward()
        wide(torch.randn(2, 8))
        biased(torch.randn(2, 48)).sum().backward()
        functional.linear(torch.randn(2, 48), made := alone.weight * 2)
        with torch.autocast("cpu", enabled=False):
            assert exact(torch.randn(2, 48)).dtype == torch.float32
    with torchs_kernels(), ordering():
        alone(torch.randn(2, 48))
    with cpu_kernels(Model().eval(), CPU):
        alone(torch.randn(2, 48).bfloat16())
    assert trained.weight.grad is not None and biased.bias.grad is not None
    assert not any(map(used, (trained, wide, alone, biased, exact)))
    assert made not in own._KNOWN


def test_where_memory_is_short_weights_stay_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own, "spare_memory", lambda size: False)
    module = layer()
    with ordering():
        assert module(torch.ones(1, 48)).shape == (1, 32)
    assert not used(module)


def test_ordered_weights_go_with_their_model() -> None:
    module = layer()
    before = len(own._KNOWN)
    with ordering():
        module(torch.ones(1, 48))
    assert len(own._KNOWN) == before + 1
    del module
    assert len(own._KNOWN) == before


def test_a_whole_encoder_gives_what_it_gives_by_torch() -> None:
    torch.manual_seed(0)
    config = XLMRobertaConfig(vocab_size=50, hidden_size=64, num_hidden_layers=2, num_attention_heads=4)
    model = XLMRobertaModel(config, add_pooling_layer=False).bfloat16().eval().requires_grad_(False)
    ids = torch.randint(3, 50, (3, 20))
    states = []
    for context in (torch.autocast("cpu", torch.bfloat16), ordering()):
        with torch.no_grad(), context:
            states.append(model(input_ids=ids, attention_mask=torch.ones_like(ids)).last_hidden_state)
    torch.testing.assert_close(*states, rtol=0.02, atol=0.05)
    layers = [one for one in model.modules() if isinstance(one, nn.Linear)]
    assert all(map(used, layers))
