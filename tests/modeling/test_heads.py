"""Heads: equal to those of `transformers` where there are such, and right about what their loss is a mean over."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.nn import functional
from transformers import (
    AutoConfig,
    XLMRobertaForMaskedLM,
    XLMRobertaForSequenceClassification,
    XLMRobertaForTokenClassification,
    XLMRobertaModel,
)

from adapterstilts.errors import CompatibilityError
from adapterstilts.mini import backbone_path
from adapterstilts.modeling.backbone import locate_backbone
from adapterstilts.modeling.composing import start_model
from adapterstilts.modeling.heads import HEADS, build_head, pool
from adapterstilts.modeling.transfer_model import TransferModel
from adapterstilts.runs.specs import MethodSpec
from adapterstilts.tasks.kind import HeadSpec
from tests.conftest import save_tiny_backbone
from tests.modeling.test_compositions import SPAN, logits, method_spec, store
from tests.runs.test_specs import SQUAD, train_spec

IDS = torch.tensor([[0, 9, 8, 7, 2, 1, 1, 1], [0, 5, 6, 7, 8, 9, 4, 2]])
MASK = (IDS != 1).long()


def model_with(folder: Path, spec: HeadSpec, method: str = "full") -> TransferModel:
    model = TransferModel(locate_backbone(str(folder)), method=MethodSpec(name=method), precision="fp32")
    model.add_head("task", spec)
    return model.eval()


def test_classification_equals_transformers(tiny_backbone: Path) -> None:
    model = model_with(tiny_backbone, HeadSpec("classification", 3))
    reference = XLMRobertaForSequenceClassification.from_pretrained(tiny_backbone, num_labels=3).eval()
    reference.classifier.load_state_dict(model.heads["task"].state_dict())
    label = torch.tensor([2, 0])
    ours = model(task="task", input_ids=IDS, attention_mask=MASK, label=label)
    theirs = reference(input_ids=IDS, attention_mask=MASK, labels=label)
    torch.testing.assert_close(ours["logits"], theirs.logits)
    torch.testing.assert_close(ours["loss"], theirs.loss)


def test_token_classification_equals_transformers(tiny_backbone: Path) -> None:
    model = model_with(tiny_backbone, HeadSpec("token", 5))
    reference = XLMRobertaForTokenClassification.from_pretrained(tiny_backbone, num_labels=5).eval()
    reference.classifier.load_state_dict(model.heads["task"].classifier.state_dict())
    labels = torch.tensor([[-100, 1, -100, 4, -100, -100, -100, -100], [-100, 0, 1, 2, 3, 4, 0, -100]])
    ours = model(task="task", input_ids=IDS, attention_mask=MASK, labels=labels)
    theirs = reference(input_ids=IDS, attention_mask=MASK, labels=labels)
    torch.testing.assert_close(ours["logits"], theirs.logits)
    torch.testing.assert_close(ours["loss"], theirs.loss)
    assert model.heads["task"].items({"labels": labels}) == 8


def test_masked_lm_is_the_checkpoints_own_head() -> None:
    model = model_with(backbone_path(), HeadSpec("masked_lm", 0))
    reference = XLMRobertaForMaskedLM.from_pretrained(backbone_path(), dtype=torch.float32).eval()
    labels = torch.tensor([[-100, 9, -100, 7, -100, -100, -100, -100], [-100] * 6 + [4, -100]])
    ours = model(task="task", input_ids=IDS, attention_mask=MASK, masked_labels=labels)
    with torch.no_grad():
        theirs = reference(input_ids=IDS, attention_mask=MASK, labels=labels)
    torch.testing.assert_close(ours["loss"], theirs.loss)
    assert ours["logits"].shape == (2, 3) and ours["logits"][:, 0].tolist() == [2, 1]
    torch.testing.assert_close(ours["logits"][:, 2].sum() / 3, theirs.loss)
    right = (theirs.logits.argmax(-1) == labels).sum(1)
    assert ours["logits"][:, 1].tolist() == right.tolist()


def test_a_tied_masked_lm_head_shares_the_encoders_embeddings(tiny_backbone: Path) -> None:
    frozen = model_with(tiny_backbone, HeadSpec("masked_lm", 0), "seq_bn")
    shared = frozen.heads["task"].decoder.decoder.weight
    assert shared is frozen.backbone.get_input_embeddings().weight
    frozen.train_head("task")
    assert not any(parameter.requires_grad for parameter in frozen.heads.parameters())
    assert list(frozen.stored()) == []  # the checkpoint has all of it
    full = model_with(tiny_backbone, HeadSpec("masked_lm", 0))
    full.train_backbone()
    full.train_head("task")
    assert any(name.startswith("heads.task.decoder") for name, _ in full.stored())


def test_a_checkpoint_without_a_masked_lm_head_is_refused(tiny_backbone: Path, tmp_path: Path) -> None:
    shutil.copytree(tiny_backbone, tmp_path / "encoder")
    XLMRobertaModel(AutoConfig.from_pretrained(tiny_backbone)).save_pretrained(tmp_path / "encoder")
    with pytest.raises(CompatibilityError, match="no head for masked language modelling"):
        model_with(tmp_path / "encoder", HeadSpec("masked_lm", 0))


def test_choices_are_compared_within_their_feature(tiny_backbone: Path) -> None:
    model = model_with(tiny_backbone, HeadSpec("choice", 1))
    ids, mask = IDS[[0, 1, 0, 1, 1]], MASK[[0, 1, 0, 1, 1]]
    batch: dict[str, Any] = {"sequences": torch.tensor([2, 3]), "label": torch.tensor([0, 2])}
    found = model(task="task", input_ids=ids, attention_mask=mask, **batch)
    one, other = (model.heads["task"].scores(model.backbone(i[None], m[None]).last_hidden_state, m[None]) for i, m in
                  zip(IDS, MASK, strict=True))  # fmt: skip
    rows = [torch.cat([one, other]).T[0], torch.cat([one, other, other]).T[0]]
    expected = sum(functional.cross_entropy(row[None], label[None]) for row, label in
                   zip(rows, batch["label"], strict=True)) / 2  # fmt: skip
    torch.testing.assert_close(found["loss"], expected)
    assert found["logits"][0, 2] == -torch.inf
    assert model.heads["task"].items({"sequences": batch["sequences"]}) == 2


def test_equal_answers_are_not_wrong_answers(tiny_backbone: Path) -> None:
    model = model_with(tiny_backbone, HeadSpec("dual_encoder", 0, {"pooling": "mean"}))
    ids, mask = IDS[[0, 1, 1, 1]], MASK[[0, 1, 1, 1]]
    pairs = {"sequences": torch.tensor([2, 2])}
    same, other = (
        model(task="task", input_ids=ids, attention_mask=mask, positive_id=torch.tensor(numbers), **pairs)
        for numbers in ([5, 5], [5, 6])
    )
    assert same["loss"].item() == 0
    torch.testing.assert_close(other["loss"], torch.tensor(2.0).log())
    torch.testing.assert_close(other["logits"].norm(dim=-1), torch.ones(4))


@pytest.mark.parametrize(("layer", "number"), [(0, 0), (1, 1), ("14/24", 1), ("24/24", 2)])
def test_pooled_vectors_are_those_of_the_layer(tiny_backbone: Path, layer: int | str, number: int) -> None:
    for pooling in ("mean", "first"):
        model = model_with(tiny_backbone, HeadSpec("pooled", 0, {"layer": layer, "pooling": pooling}))
        states = model.backbone(IDS, attention_mask=MASK, output_hidden_states=True).hidden_states
        expected = states[number][0, :5].mean(0) if pooling == "mean" else states[number][0, 0]
        found = model(task="task", input_ids=IDS, attention_mask=MASK)["logits"]
        torch.testing.assert_close(found[0], expected)


def test_vectors_of_several_sequences_lie_one_after_the_other() -> None:
    hidden, mask = torch.arange(24.0).view(3, 4, 2), torch.ones(3, 4, dtype=torch.long)
    head = build_head(HeadSpec("vectors", 0, {"pooling": "last"}), config=None)
    assert head(hidden, mask)["logits"].tolist() == [[6.0, 7.0], [14.0, 15.0], [22.0, 23.0]]
    found = head(hidden, mask, sequences=torch.tensor([1, 2]))["logits"]
    assert found.tolist() == [[6.0, 7.0, 0.0, 0.0], [14.0, 15.0, 22.0, 23.0]]


def test_padding_is_not_pooled() -> None:
    hidden = torch.randn(1, 6, 4)
    mask = torch.tensor([[1, 1, 1, 0, 0, 0]])
    torch.testing.assert_close(pool(hidden, mask, "mean"), hidden[:, :3].mean(1))


def test_every_head_is_built_from_its_spec(tiny_backbone: Path) -> None:
    config = AutoConfig.from_pretrained(tiny_backbone)
    options = {
        "pooled": {"layer": 1, "pooling": "mean"},
        "vectors": {"pooling": "mean"},
        "dual_encoder": {"pooling": "mean"},
        "masked_lm": {"decoder": torch.nn.Identity()},
    }
    for name in HEADS.names():
        head = build_head(HeadSpec(name, 2, options.get(name, {})), config=config)
        assert head.items({"input_ids": IDS, "labels": IDS, "masked_labels": IDS, "sequences": torch.ones(2)}) > 0


def test_masked_lm_heads_share_what_the_backbone_trains(tmp_path: Path) -> None:
    """With word embeddings tied to the head, as XLM-R has them, who trains the backbone trains them."""
    tied = locate_backbone(str(save_tiny_backbone(tmp_path / "tied", hidden_size=64)))
    whole = method_spec("seq_bn").model_copy(update={"unfreeze_backbone": True})
    task = SQUAD.model_copy(update={"data": SQUAD.data.model_copy(update={"task": "mlm"})})
    spec = train_spec(method=whole, tasks=(SQUAD, task))
    heads = {"squad": SPAN, "mlm": HeadSpec("masked_lm", 0)}
    model = start_model(spec, tied, [], heads=heads, source_task=None)
    assert model.backbone.get_input_embeddings().weight.requires_grad
    restored = store(model, tmp_path / "run", seed=1).restore(tied, precision="fp32")
    assert torch.equal(logits(restored, "squad"), logits(model, "squad"))
