"""Differences of chosen weights: which are chosen, what is computed with them, and that nothing else ever moves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from adapterstilts.errors import CompatibilityError, SharingError, UsageError
from adapterstilts.modeling.backbone import Backbone, locate_backbone
from adapterstilts.modeling.blocks import ModelOutline
from adapterstilts.modeling.compatibility import check_composition
from adapterstilts.modeling.exchange.exporting import export_model
from adapterstilts.modeling.exchange.importing import import_model
from adapterstilts.modeling.exchange.sparse_parts import DIFFERENCES
from adapterstilts.modeling.exchange.whole import becomes_one, merge
from adapterstilts.modeling.methods import METHODS
from adapterstilts.modeling.storage import WEIGHTS, StoredModel, read_tensors
from adapterstilts.modeling.transfer_model import TransferModel
from adapterstilts.runs.specs import Choice, MethodSpec
from tests.conftest import save_tiny_backbone
from tests.modeling.test_compositions import begin, logits, store

FULL, ADD, NONE = MethodSpec(name="full"), Choice(name="add"), Choice(name="none")
SPARSE = METHODS.get("lt_sft").normalize(MethodSpec(name="lt_sft", options={"density": 0.03}))


@pytest.fixture(scope="module")
def backbone(tmp_path_factory: pytest.TempPathFactory) -> Backbone:
    return locate_backbone(str(save_tiny_backbone(tmp_path_factory.mktemp("backbone") / "tiny")))


@pytest.fixture(scope="module")
def full(backbone: Backbone, tmp_path_factory: pytest.TempPathFactory) -> StoredModel:
    """A model whose every weight was moved."""
    return store(begin(backbone, FULL, NONE, task="squad"), tmp_path_factory.mktemp("full") / "squad", seed=1)


@pytest.fixture(scope="module")
def squad(backbone: Backbone, full: StoredModel, tmp_path_factory: pytest.TempPathFactory) -> StoredModel:
    model = begin(backbone, SPARSE, NONE, task="squad", first_phase=full)
    return store(model, tmp_path_factory.mktemp("sparse") / "squad", seed=2)


def weights(model: TransferModel) -> dict[str, torch.Tensor]:
    """The backbone's own."""
    own = {name: one.detach().clone() for name, one in model.backbone.named_parameters()}
    return {name: one for name, one in own.items() if "differences" not in name}


def flat(tensors: dict[str, torch.Tensor]) -> torch.Tensor:
    return torch.cat([one.flatten() for one in tensors.values()])


def difference(model: TransferModel, name: str) -> tuple[torch.Tensor, torch.Tensor]:
    one: Any = model.backbone.differences[name]  # type: ignore[index, operator]
    return one.indices, one.values.detach()


def test_the_largest_changes_of_all_weights_together_are_chosen(backbone: Backbone, full: StoredModel) -> None:
    model = begin(backbone, SPARSE, NONE, task="squad", first_phase=full)
    own, trained = weights(model), read_tensors(full.folder / WEIGHTS)
    changes = (flat({name: trained[f"backbone.{name}"] for name in own}) - flat(own)).abs()
    count = round(0.03 * len(changes))
    indices, values = difference(model, "squad")
    assert torch.equal(indices.long(), changes.topk(count).indices.sort().values)
    assert indices.dtype == torch.int32 and values.dtype == torch.float32 and not values.any()
    counts = model.parameter_counts()
    heads = sum(one.numel() for one in model.heads.parameters())
    assert counts == {"trained": count + heads, "total": len(changes) + count + heads}


def test_of_equal_changes_the_first_are_chosen(backbone: Backbone, full: StoredModel, tmp_path: Path) -> None:
    unchanged = {name: one for name, one in read_tensors(full.folder / WEIGHTS).items() if name.startswith("heads")}
    save_file(unchanged, tmp_path / WEIGHTS)
    model = begin(backbone, SPARSE, NONE, first_phase=StoredModel("none", full.description, tmp_path))
    indices, _ = difference(model, "mlqa")
    assert torch.equal(indices, torch.arange(len(indices), dtype=torch.int32))


def test_training_moves_the_chosen_weights_alone_as_their_gradients_say(backbone: Backbone, full: StoredModel) -> None:
    model = begin(backbone, SPARSE, NONE, first_phase=full).train()
    dense = begin(backbone, FULL, NONE).train()
    dense.heads.load_state_dict(model.heads.state_dict())
    batch = {"input_ids": torch.randint(5, 900, (2, 16)), "attention_mask": torch.ones(2, 16, dtype=torch.long)}
    labels = {"start_positions": torch.tensor([1, 2]), "end_positions": torch.tensor([3, 4])}
    for one in (model, dense):
        torch.manual_seed(7)
        one(task="mlqa", **batch, **labels)["loss"].backward()
    indices, _ = difference(model, "mlqa")
    all_ = torch.cat([one.grad.flatten() for one in dense.backbone.parameters() if one.grad is not None])
    mine: Any = model.backbone.differences["mlqa"].values.grad  # type: ignore[index, operator]
    torch.testing.assert_close(mine, all_[indices.long()], atol=1e-6, rtol=1e-4)
    assert mine.any()
    before = weights(model)
    torch.optim.AdamW([one for one in model.parameters() if one.requires_grad], lr=0.1, weight_decay=0.1).step()
    assert all(torch.equal(before[name], one) for name, one in weights(model).items())
    assert difference(model, "mlqa")[1].any()


def test_a_run_is_the_pretrained_weights_with_its_difference(
    backbone: Backbone, squad: StoredModel, tmp_path: Path
) -> None:
    model = squad.restore(backbone, precision="fp32")
    tensors = read_tensors(squad.folder / WEIGHTS)
    indices = tensors["backbone.differences.squad.indices"].long()
    values = tensors["backbone.differences.squad.values"]
    size = (squad.folder / WEIGHTS).stat().st_size
    heads = sum(one.numel() for one in model.heads.parameters())
    assert 8 * len(indices) + 4 * heads < size < 8 * len(indices) + 4 * heads + 2000
    by_hand = TransferModel(backbone, method=FULL, precision="fp32")
    by_hand.add_head("squad", squad.description.heads["squad"].spec())
    by_hand.heads.load_state_dict(model.heads.state_dict())
    own = list(by_hand.backbone.parameters())
    vector = torch.nn.utils.parameters_to_vector(own).detach()
    vector[indices] += values
    torch.nn.utils.vector_to_parameters(vector, own)
    assert torch.equal(logits(model, "squad"), logits(by_hand, "squad"))
    assert not squad.description.own_backbone
    # Once they are part of the weights, these are plain ones.
    model.merge_last()
    assert not hasattr(model.backbone, "differences")
    assert torch.equal(logits(model, "squad"), logits(by_hand, "squad"))
    fresh = TransferModel(backbone, method=FULL, precision="fp32")
    pretrained = torch.nn.utils.parameters_to_vector(fresh.backbone.parameters())
    assert not torch.equal(vector, pretrained)  # what was loaded first was not touched by any of it


def test_a_new_difference_is_learnt_above_the_sum_of_earlier_ones(
    backbone: Backbone, full: StoredModel, squad: StoredModel, tmp_path: Path
) -> None:
    mnli = store(begin(backbone, SPARSE, NONE, task="mnli", first_phase=full), tmp_path / "mnli", seed=3)
    first = begin(backbone, FULL, ADD, [squad, mnli])
    parts = [difference(one.restore(backbone, precision="fp32"), one.folder.name) for one in (squad, mnli)]
    expected = flat(weights(TransferModel(backbone, method=FULL, precision="fp32")))
    for indices, values in parts:
        expected[indices.long()] += values
    assert torch.equal(flat(weights(first)), expected) and not first.blocks
    trained = store(first, tmp_path / "first", seed=4)
    model = begin(backbone, SPARSE, ADD, [squad, mnli], first_phase=trained)
    assert model.adapter_names == ["squad", "mnli", "mlqa"]
    learnt = read_tensors(trained.folder / WEIGHTS)
    changes = (flat({name: learnt[f"backbone.{name}"] for name in weights(model)}) - expected).abs()
    indices, _ = difference(model, "mlqa")
    assert torch.equal(indices.long(), changes.topk(len(indices)).indices.sort().values)
    assert [name for name, one in model.backbone.named_parameters() if one.requires_grad] == ["differences.mlqa.values"]
    target = store(model, tmp_path / "target", seed=5)
    again = target.restore(backbone, precision="fp32")
    assert torch.equal(logits(again), logits(model))
    assert becomes_one(target.description)
    merge(again)
    assert not hasattr(again.backbone, "differences") and torch.equal(logits(again), logits(model))
    going_on = begin(backbone, SPARSE, Choice(name="continue"), [squad], task="squad")
    assert torch.equal(difference(going_on, "squad")[0], parts[0][0])


def test_predictions_follow_the_numbers(backbone: Backbone, squad: StoredModel) -> None:
    model = squad.restore(backbone, precision="fp32")
    before = logits(model, "squad")
    assert torch.equal(logits(model, "squad"), before)
    values: Any = model.backbone.differences["squad"].values  # type: ignore[index, operator]
    with torch.no_grad():
        values.zero_()
    plain = TransferModel(backbone, method=FULL, precision="fp32")
    plain.add_head("squad", squad.description.heads["squad"].spec())
    plain.heads.load_state_dict(model.heads.state_dict())
    after = logits(model, "squad")
    assert not torch.equal(after, before) and torch.equal(after, logits(plain, "squad"))


def test_training_goes_on_after_predictions_of_any_kind(backbone: Backbone, full: StoredModel) -> None:
    model = begin(backbone, SPARSE, NONE, first_phase=full)
    batch = {"input_ids": torch.randint(5, 900, (2, 16)), "attention_mask": torch.ones(2, 16, dtype=torch.long)}
    with torch.inference_mode():
        before = model.eval()(task="mlqa", **batch)["logits"]
    labels = {"start_positions": torch.tensor([1, 2]), "end_positions": torch.tensor([3, 4])}
    model.train()(task="mlqa", **batch, **labels)["loss"].backward()
    torch.optim.SGD([one for one in model.parameters() if one.requires_grad], lr=10.0).step()
    with torch.inference_mode():
        assert not torch.equal(model.eval()(task="mlqa", **batch)["logits"], before)


def test_bf16_leaves_the_weights_in_fp32(backbone: Backbone, full: StoredModel) -> None:
    model = TransferModel(backbone, method=SPARSE, precision="bf16")
    assert {one.dtype for one in model.backbone.parameters()} == {torch.float32}


def test_what_cannot_be_is_refused(backbone: Backbone, full: StoredModel, squad: StoredModel) -> None:
    for density in (0, 1.5, -0.1):
        with pytest.raises(UsageError, match=f"density={density} is out of range. Use above 0 and at most 1"):
            METHODS.get("lt_sft").resolve({"density": density})
    with pytest.raises(UsageError, match="--unfreeze-backbone has no meaning for method 'lt_sft'"):
        METHODS.get("lt_sft").normalize(MethodSpec(name="lt_sft", unfreeze_backbone=True))
    with pytest.raises(CompatibilityError, match="cannot be used with composition 'stack'"):
        check_composition(Choice(name="stack"), SPARSE, [full])
    with pytest.raises(CompatibilityError, match="'full' cannot be used with composition 'add'"):
        check_composition(ADD, FULL, [full])
    check_composition(ADD, FULL, [squad])
    outline = ModelOutline("seq_bn", begin(backbone, MethodSpec(name="seq_bn"), NONE).describe())
    with pytest.raises(CompatibilityError, match="whose library cannot be mixed with that of lt_sft"):
        check_composition(ADD, SPARSE, [outline])
    with pytest.raises(CompatibilityError, match="the mean of weights of method 'lt_sft' is none of that method"):
        check_composition(Choice(name="mean"), SPARSE, [squad, squad])


def test_it_is_shared_as_one_file_that_transformers_can_add(
    backbone: Backbone, squad: StoredModel, tmp_path: Path
) -> None:
    folder = tmp_path / "package"
    found = export_model(squad, backbone, folder, labels={}, base=backbone.path, revision=None)
    assert found.library == "adapterstilts"
    model = squad.restore(backbone, precision="fp32")
    ids = torch.randint(5, 900, (2, 16), generator=torch.Generator().manual_seed(3))
    model.eval()
    with torch.no_grad():
        ours = model(task="squad", input_ids=ids, attention_mask=torch.ones_like(ids))["logits"]
    names = {"FOLDER": str(folder), "BASE": backbone.path}
    exec(found.loading, names)
    theirs: Any = names["model"]
    with torch.no_grad():
        output = theirs.eval()(input_ids=ids)
    torch.testing.assert_close(torch.stack([output.start_logits, output.end_logits], -1), ours, atol=1e-5, rtol=1e-4)
    tensors = import_model(folder, squad.description, backbone)
    kept = read_tensors(squad.folder / WEIGHTS)
    assert tensors.keys() == kept.keys() and all(torch.equal(one, kept[name]) for name, one in tensors.items())
    # A stranger's places are looked at before they are used.
    file = folder / DIFFERENCES
    mine = load_file(file)
    for place in (-1, 10**8, int(mine["squad.indices"][-2])):
        odd = mine["squad.indices"].clone()
        odd[-1] = place
        save_file({**mine, "squad.indices": odd}, file)
        with pytest.raises(SharingError, match="squad has places that are not ascending numbers below"):
            import_model(folder, squad.description, backbone)
