"""Which methods give each text its own scores in a batch that several models share."""

from __future__ import annotations

import pytest
import torch

from adapterstilts.modeling.backbone import Backbone, locate_backbone
from adapterstilts.modeling.methods import METHODS
from adapterstilts.modeling.shared_batch import SharedBatch, scores_of, shared_form
from adapterstilts.modeling.transfer_model import TransferModel
from tests.modeling.test_as_alone import batch, disturbed

# As docs/serving.md says; of the others the libraries have none, or one that gives other scores.
SHARING = {
    "adapterplus", "compacter", "compacter++", "double_seq_bn", "ia3", "lora", "mam", "par_bn", "prefix_tuning",
    "seq_bn", "unipelt", "vera", "peft:lora", "peft:rslora",
}  # fmt: skip


@pytest.fixture(scope="module")
def backbone() -> Backbone:
    return locate_backbone("mini")


def examples(rows: int, seed: int) -> list[dict[str, torch.Tensor]]:
    given = batch(rows, seed=seed)
    return [{name: value[row : row + 1] for name, value in given.items()} for row in range(rows)]


def two(method: str, backbone: Backbone) -> dict[str, TransferModel]:
    found = {}
    for seed, name in enumerate(("a", "b")):
        found[name] = model = disturbed(backbone, method)
        torch.manual_seed(seed)
        with torch.no_grad():
            for path, parameter in model.named_parameters():
                if ".one" in path and parameter.is_floating_point():
                    parameter.add_(0.05 * torch.randn_like(parameter))
    return found


@pytest.mark.slow(but=8)
@pytest.mark.parametrize("method", METHODS.names())
def test_a_method_shares_batches_or_is_found_not_to(method: str, backbone: Backbone) -> None:
    models = two(method, backbone)
    forms = {shared_form(model) for model in models.values()}
    shared = SharedBatch(models["a"])
    added = [shared.add(name, one, "labels", examples(3, seed)) for seed, (name, one) in enumerate(models.items())]
    assert all(added) == (method in SHARING) and (None not in forms or method not in SHARING)
    if all(added):
        assert_own_scores(shared, models)


def assert_own_scores(shared: SharedBatch, models: dict[str, TransferModel]) -> None:
    """Batches of several rows, which were not those that it was tried on."""
    parts = [(name, batch(rows, seed=9 + rows)) for name in models for rows in (2, 5)]
    assert shared.names == list(models)
    for (name, given), scores in zip(parts, shared.scores(parts), strict=True):
        for row, own in enumerate(scores):
            one = {key: value[row : row + 1] for key, value in given.items()}
            assert torch.equal(own, scores_of(models[name], "labels", one)[0])


def test_sizes_of_a_method_share_a_batch(backbone: Backbone) -> None:
    models = {str(size): disturbed(backbone, "seq_bn", reduction_factor=size) for size in (4, 8, 16)}
    shared = SharedBatch(models["4"])
    assert all(shared.add(name, one, "labels", examples(3, 5)) for name, one in models.items())
    assert_own_scores(shared, models)


def test_other_forms_of_models_are_told_apart(backbone: Backbone) -> None:
    forms = {method: shared_form(disturbed(backbone, method)) for method in ("seq_bn", "lora", "peft:lora", "peft:ia3")}
    assert len(set(forms.values())) == 4 and forms["lora"] == shared_form(disturbed(backbone, "lora", r=4))
    assert shared_form(disturbed(backbone, "full")) is None and shared_form(disturbed(backbone, "head")) is None
