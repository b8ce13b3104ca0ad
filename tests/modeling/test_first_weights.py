"""First weights depend on seed and role: rows that are compared begin alike, however their sources enter."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from adapterstilts.modeling.backbone import Backbone, locate_backbone
from adapterstilts.modeling.compositions import COMPOSITIONS
from adapterstilts.modeling.transfer_model import TransferModel
from adapterstilts.runs.specs import Choice
from tests.conftest import save_tiny_backbone
from tests.modeling.test_compositions import allowed, begin, method_spec, sources_of


@pytest.fixture(scope="module")
def backbone(tmp_path_factory: pytest.TempPathFactory) -> Backbone:
    return locate_backbone(str(save_tiny_backbone(tmp_path_factory.mktemp("backbone") / "wide", hidden_size=64)))


def weights(model: TransferModel, *, of: str) -> list[torch.Tensor]:
    """The trainable weights of the newest adapter, or of the head."""
    name = model.adapter_names[-1]
    return [
        parameter.detach().clone()
        for path, parameter in model.named_parameters()
        if parameter.requires_grad
        and path.startswith("heads." if of == "head" else "backbone.")
        and (of == "head" or f".{name}." in path)
    ]


@pytest.mark.parametrize("method", ["seq_bn", "par_bn", "lora", "peft:lora"])
def test_rows_of_one_seed_begin_with_the_same_new_weights(method: str, backbone: Backbone, tmp_path: Path) -> None:
    spec = method_spec(method)
    sources = sources_of(backbone, spec, tmp_path, (1, 2))
    plain = begin(backbone, spec, Choice(name="none"))
    choices = [
        Choice(name="stack"), Choice(name="average"), Choice(name="fuse", options={"target": "one-step"}),
        Choice(name="merge", options={"then": "stack"}),
    ]  # fmt: skip
    compared = [choice for choice in choices if allowed(method, choice)]
    assert compared
    for choice in compared:
        model = begin(backbone, spec, choice, sources if COMPOSITIONS.get(choice.name).many else sources[:1], noise=7)
        for of in ("head", "adapter"):
            mine, theirs = weights(model, of=of), weights(plain, of=of)
            assert len(mine) == len(theirs) > 0, (choice, of)
            assert all(torch.equal(*pair) for pair in zip(mine, theirs, strict=True)), (choice, of)
    other = begin(backbone, spec, Choice(name="none"), seed=43)
    assert not torch.equal(weights(other, of="head")[0], weights(plain, of="head")[0])
    fuse, there = Choice(name="fuse"), allowed(method, Choice(name="fuse"))
    fused = [begin(backbone, spec, fuse, sources, noise=noise) for noise in (1, 2) if there]
    states = [{path: one.detach() for path, one in model.named_parameters() if one.requires_grad} for model in fused]
    assert all(torch.equal(one, states[-1][path]) for state in states for path, one in state.items())


@pytest.mark.parametrize("kind", ["dare_linear", "dare_ties"])
def test_values_that_dare_keeps_depend_on_the_seed_of_first_weights_alone(
    kind: str, backbone: Backbone, tmp_path: Path
) -> None:
    spec = method_spec("peft:lora")
    sources = sources_of(backbone, spec, tmp_path, (1, 2))
    choice = Choice(name="merge", options={"kind": kind, "density": 0.5, "then": "continue"})
    first, same, other = (
        weights(begin(backbone, spec, choice, sources, seed=seed, noise=noise), of="adapter")
        for seed, noise in ((42, 1), (42, 2), (43, 1))
    )
    assert first and all(map(torch.equal, first, same))
    assert not any(map(torch.equal, first, other))
