"""Heads of several labels and of a number: their losses in closed form, and batches of what they are trained for."""

from __future__ import annotations

import pytest
import torch
from transformers import XLMRobertaConfig

from adapterstilts.data.batching import Collator
from adapterstilts.modeling.heads import build_head
from adapterstilts.tasks.kind import HeadSpec

CONFIG = XLMRobertaConfig(hidden_size=8, num_hidden_layers=1, num_attention_heads=2)
HIDDEN = torch.randn(2, 3, 8, generator=torch.Generator().manual_seed(0))
MASK = torch.ones(2, 3, dtype=torch.long)


def test_several_labels_are_trained_by_binary_cross_entropy() -> None:
    head = build_head(HeadSpec("multi_label", 4), config=CONFIG).eval()
    found = head(HIDDEN, MASK, label_set=torch.tensor([[3, 0], [-100, -100]]))
    wanted = torch.tensor([[1.0, 0.0, 0.0, 1.0], [0.0, 0.0, 0.0, 0.0]])
    p = torch.sigmoid(found["logits"])
    expected = -(wanted * p.log() + (1 - wanted) * (1 - p).log()).mean()
    torch.testing.assert_close(found["loss"], expected)
    assert head(HIDDEN, MASK).keys() == {"logits"}


def test_a_number_is_trained_by_its_squared_error() -> None:
    head = build_head(HeadSpec("regression", 1), config=CONFIG).eval()
    target = torch.tensor([0.5, -2.0])
    found = head(HIDDEN, MASK, target=target)
    assert found["logits"].shape == (2, 1)
    torch.testing.assert_close(found["loss"], ((found["logits"][:, 0] - target) ** 2).mean())


def test_sets_of_labels_are_as_long_as_the_longest_of_their_batch() -> None:
    features = [
        {"input_ids": [0, 5, 2], "label_set": list(range(40)), "target": 0.5},
        {"input_ids": [0, 2], "label_set": [-100], "target": -1.0},
    ]
    (batch,) = Collator(pad_id=1, tokens_per_batch=4096, max_length=64)(features)
    assert batch["label_set"].shape == (2, 40) and batch["input_ids"].shape == (2, 8)
    assert batch["target"].tolist() == [-1.0, 0.5] and batch["label_set"][0].tolist() == [-100] * 40
    assert batch["target"].dtype == torch.float32 and pytest.approx(0.5) == batch["target"][1].item()
