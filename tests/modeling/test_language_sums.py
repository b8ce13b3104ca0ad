"""The weighted sum of language adapters, each of whose weights is that of the others' weights."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from adapterstilts.errors import CompatibilityError
from adapterstilts.modeling.backbone import Backbone
from adapterstilts.modeling.compatibility import check_summable
from adapterstilts.modeling.composing import add_language_adapter, add_language_sum
from adapterstilts.modeling.methods import METHODS
from adapterstilts.modeling.storage import WEIGHTS, StoredModel, read_tensors
from adapterstilts.modeling.transfer_model import TransferModel
from adapterstilts.runs.specs import Choice, MethodSpec
from tests.modeling.test_compositions import backbone, begin, method_spec, store

__all__ = ["backbone"]
SUMMABLE = ["adapterplus", "double_seq_bn", "double_seq_bn_inv", "ia3", "seq_bn", "seq_bn_inv"]


def adapters_of(backbone: Backbone, method: MethodSpec, folder: Path) -> list[StoredModel]:
    return [
        store(begin(backbone, method, Choice(name="none"), task="squad"), folder / f"language-{seed}", seed=seed)
        for seed in (1, 2, 3)
    ]


def hidden(model: TransferModel) -> torch.Tensor:
    ids = torch.arange(5, 65).reshape(3, 20)
    with torch.no_grad():
        return model.eval().hidden_states(input_ids=ids, attention_mask=torch.ones_like(ids))


@pytest.mark.parametrize("name", SUMMABLE)
@pytest.mark.parametrize("drop", [0, 1])
def test_every_weight_is_the_sum_of_weights(name: str, drop: int, backbone: Backbone, tmp_path: Path) -> None:
    """Invertible layers' too: the sum by hand, of the numbers in the files, gives the same hidden states."""
    weights = (0.6, 1.5, -0.25)
    stored = adapters_of(backbone, method_spec(name), tmp_path)
    model = TransferModel(backbone, method=method_spec(name), precision="fp32")
    parts = [(weight, add_language_adapter(model, one, drop=drop)) for weight, one in zip(weights, stored, strict=True)]
    before = torch.get_rng_state()
    block = add_language_sum(model, "language_sum", parts)
    assert torch.equal(torch.get_rng_state(), before)
    model.place(block)
    assert block.language and not any(one.requires_grad for one in model.parameters())

    by_hand = TransferModel(backbone, method=method_spec(name), precision="fp32")
    by_hand.place(add_language_adapter(by_hand, stored[0], drop=drop))
    files = [read_tensors(one.folder / WEIGHTS) for one in stored]
    paths = by_hand.adapter_paths(by_hand.blocks[0].adapters[0], called="squad")
    assert len(paths) >= 3 and ("invertible" in " ".join(paths)) == name.endswith("_inv")
    total = {
        mine: sum(weight * file[theirs].double() for weight, file in zip(weights, files, strict=True))
        for mine, theirs in paths.items()
    }
    by_hand.load({path: torch.as_tensor(tensor).float() for path, tensor in total.items()})
    assert torch.allclose(hidden(model), hidden(by_hand), atol=1e-5)
    model.use_language_adapter(parts[0][1])
    assert not torch.allclose(hidden(model), hidden(by_hand), atol=1e-3)


def test_what_can_be_summed_is_what_lies_below_and_merges() -> None:
    assert (
        sorted(one.name for one in METHODS if one.library_name == "adapters" and one.below and "linear" in one.merges)
        == SUMMABLE
    )


def test_what_cannot_be_summed_is_refused(backbone: Backbone, tmp_path: Path) -> None:
    def made(method: MethodSpec, name: str) -> StoredModel:
        return store(begin(backbone, method, Choice(name="none"), task="squad"), tmp_path / name, seed=1)

    plain = made(method_spec("seq_bn"), "plain")
    small = made(MethodSpec(name="seq_bn", options={"reduction_factor": 8}), "small")
    dropped = made(MethodSpec(name="seq_bn", options={"dropout": 0.1}), "dropped")
    compacter, prefix = made(method_spec("compacter"), "compacter"), made(method_spec("prefix_tuning"), "prefix")
    lora, invertible = made(method_spec("peft:lora"), "lora"), made(method_spec("seq_bn_inv"), "invertible")
    for pair, message in (
        ((plain, small), "plain and small cannot be added up: reduction_factor is 16 in one and 8 in the other"),
        ((plain, invertible), "method is 'seq_bn' in one|inv_adapter is None in one and 'nice' in the other"),
        ((plain, compacter), "compacter was trained with .*, whose weights cannot be added up.*seq_bn_inv"),
        ((prefix, prefix), "prefix was trained with .*, whose weights cannot be added up"),
        ((plain, lora), "lora was trained with peft:lora, which is not a language adapter"),
    ):
        with pytest.raises(CompatibilityError, match=message):
            check_summable(pair)
    check_summable((plain, dropped))
