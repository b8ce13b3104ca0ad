from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from adapterstilts.data.batching import Collator, LengthBatches, model_inputs
from adapterstilts.data.buckets import bucket

LENGTHS = np.random.default_rng(0).integers(5, 384, size=1003).tolist()


def feature(length: int) -> dict:
    return {"input_ids": list(range(2, length + 2)), "start_positions": length - 1}


@pytest.mark.parametrize(
    ("length", "fine", "coarse"),
    [(1, 8, 16), (16, 16, 16), (17, 24, 32), (129, 144, 160), (257, 288, 320), (380, 384, 384), (400, 400, 400)],
)
def test_bucket(length: int, fine: int, coarse: int) -> None:
    assert bucket(length, max_length=384) == fine
    assert bucket(length, max_length=384, coarse=True) == coarse


def test_an_epoch_has_every_feature_once_in_an_order_of_its_own() -> None:
    batches = LengthBatches(LENGTHS, batch_size=32, seed=1)
    epochs = []
    for epoch in (0, 1, 0):
        batches.set_epoch(epoch)
        epochs.append(list(batches))
        assert sorted(index for batch in epochs[-1] for index in batch) == list(range(len(LENGTHS)))
        assert len(epochs[-1]) == len(batches) == math.ceil(len(LENGTHS) / 32)
    assert epochs[0] == epochs[2] != epochs[1]
    assert epochs[0] != list(LengthBatches(LENGTHS, batch_size=32, seed=2))


def test_batches_have_little_padding_and_few_shapes() -> None:
    collator = Collator(pad_id=1, tokens_per_batch=4096, max_length=384)
    real = padded = 0
    shapes = set()
    for batch in LengthBatches(LENGTHS, batch_size=32, seed=1):
        for micro in collator([feature(LENGTHS[index]) for index in batch]):
            shapes.add(tuple(micro["input_ids"].shape))
            real += int(micro["attention_mask"].sum())
            padded += micro["input_ids"].numel()
    assert real == sum(LENGTHS)
    assert real / padded > 0.93  # random batches of 32 padded to their longest: about 0.53
    assert len(shapes) < 50


@pytest.mark.parametrize("budget", [16, 100, 1000, 10_000])
def test_micro_batches_keep_the_budget_and_every_feature(budget: int) -> None:
    collator = Collator(pad_id=1, tokens_per_batch=budget, max_length=64)
    features = [feature(length) for length in (5, 60, 17, 33, 60, 9, 12)]
    micros = collator(features)
    assert sorted(int(label) for micro in micros for label in micro["start_positions"]) == sorted(
        entry["start_positions"] for entry in features
    )
    for micro in micros:
        assert micro["input_ids"].numel() <= max(budget, micro["input_ids"].shape[1])


def test_padding_is_masked_and_filled() -> None:
    batch = Collator(pad_id=1, tokens_per_batch=999, max_length=64).pad(
        [
            {"input_ids": [5, 6], "labels": [0, 1], "token_type_ids": [0, 1]},
            {"input_ids": [7], "labels": [2], "token_type_ids": [1]},
        ]
    )
    assert batch["input_ids"].tolist() == [[5, 6] + [1] * 6, [7] + [1] * 7]
    assert batch["labels"][1].tolist() == [2] + [-100] * 7
    assert batch["token_type_ids"][0].tolist() == [0, 1] + [0] * 6
    assert batch["attention_mask"].sum(1).tolist() == [2, 1]
    assert all(value.dtype == torch.int64 for value in batch.values())


def test_prediction_plan_covers_all_within_the_budget() -> None:
    collator = Collator(pad_id=1, tokens_per_batch=4096, max_length=384)
    plan = collator.plan(LENGTHS, [1] * len(LENGTHS))
    assert sorted(index for batch in plan for index in batch) == list(range(len(LENGTHS)))
    padded = sum(len(batch) * max(LENGTHS[index] for index in batch) for batch in plan)
    assert padded / sum(LENGTHS) < 1.04
    for batch in plan:
        widths = {bucket(LENGTHS[index], max_length=384) for index in batch}
        assert len(widths) == 1 and len(batch) * widths.pop() <= 4096
    assert collator.for_prediction().tokens_per_batch == 4096
    collator.on_gpu = True
    assert collator.for_prediction().tokens_per_batch == 8192
    # Four sequences a feature: a quarter of the features fit.
    several = collator.plan(LENGTHS, [4] * len(LENGTHS))
    assert sorted(index for batch in several for index in batch) == list(range(len(LENGTHS)))
    for batch in several:
        assert len(batch) == 1 or 4 * len(batch) * bucket(LENGTHS[batch[0]], max_length=384) <= 4096


def test_features_of_several_sequences_follow_each_other() -> None:
    batch = Collator(pad_id=1, tokens_per_batch=999, max_length=64).pad(
        [
            {"input_ids": [[5, 6], [7]], "label": 1, "row": 0, "length": 2, "tokens": 3, "sequences": 2},
            {"input_ids": [[8], [9, 9, 9], [4]], "label": 0, "row": 1, "length": 3, "tokens": 5, "sequences": 3},
        ]
    )
    assert batch["input_ids"][:, 0].tolist() == [5, 7, 8, 9, 4] and batch["sequences"].tolist() == [2, 3]
    assert batch["attention_mask"].sum(1).tolist() == [2, 1, 1, 3, 1] and batch["label"].tolist() == [1, 0]
    assert set(batch) == {"input_ids", "attention_mask", "sequences", "label"}


def test_features_that_are_compared_stay_together_whatever_the_budget() -> None:
    features = [{"input_ids": [[1] * length, [2] * 30], "positive_id": length} for length in range(5, 25)]
    for budget in (64, 100_000):
        micros = Collator(pad_id=1, tokens_per_batch=budget, max_length=64, rows=8)(features)
        assert [len(micro["sequences"]) for micro in micros] == [10, 10]


def test_corruption_is_told_the_epoch() -> None:
    collator = Collator(
        pad_id=1, tokens_per_batch=999, max_length=64, corrupt=lambda one, epoch: {**one, "input_ids": [epoch] * 2}
    )
    collator.epoch = 7
    assert collator([feature(5)])[0]["input_ids"].tolist()[0][:3] == [7, 7, 1]


def test_model_inputs() -> None:
    assert model_inputs(["row", "input_ids", "start_positions", "token_type_ids"]) == ["input_ids", "token_type_ids"]
