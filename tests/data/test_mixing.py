"""Batches of several tasks: how many of each, which ones, and in which order."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapterstilts.data.batch_counts import batch_counts
from adapterstilts.data.batching import Collator, LengthBatches
from adapterstilts.data.mixing import MixedBatches, MixedCollator, TaskBatch, mix
from adapterstilts.errors import UsageError
from adapterstilts.runs.specs import Sampling

SIZES = {"squad": 100, "mnli": 40, "copa": 4}
STRATEGIES: dict[str, dict[str, Any]] = {
    "proportional": {},
    "uniform": {},
    "temperature": {"temperature": 2.0},
    "capped": {"cap": 160},
    "weights": {"weights": {"squad": 1.0, "mnli": 1.0, "copa": 2.0}},
}
LENGTHS = {
    task: np.random.default_rng(size).integers(5, 128, size=8 * size - 3).tolist() for task, size in SIZES.items()
}


def mixed(strategy: str = "proportional", *, seed: int = 1) -> MixedBatches:
    return mix(LENGTHS, Sampling(strategy=strategy, **STRATEGIES[strategy]), batch_size=8, seed=seed)


def epoch_of(batches: MixedBatches, epoch: int) -> list[TaskBatch]:
    batches.set_epoch(epoch)
    return list(batches)


@pytest.mark.parametrize(
    ("strategy", "expected"),
    [
        ("proportional", {"squad": 100, "mnli": 40, "copa": 4}),
        ("uniform", {"squad": 48, "mnli": 48, "copa": 48}),
        # Roots 10, 6.3246 and 2 of 144 batches: 78.58, 49.70 and 15.72.
        ("temperature", {"squad": 78, "mnli": 50, "copa": 16}),
        # 160 features are 20 batches, so 20, 20 and 4 of 144: 65.45, 65.45 and 13.09, the tie to the first.
        ("capped", {"squad": 66, "mnli": 65, "copa": 13}),
        ("weights", {"squad": 36, "mnli": 36, "copa": 72}),
    ],
)
def test_counts_follow_the_strategy(strategy: str, expected: dict[str, int]) -> None:
    batches = mixed(strategy)
    assert batches.counts == expected and len(batches) == sum(SIZES.values())
    for epoch in (0, 1, 5):
        assert Counter(batch.task for batch in epoch_of(batches, epoch)) == expected


@given(
    sizes=st.lists(st.integers(1, 100_000), min_size=2, max_size=14),
    sampling=st.one_of(
        st.just(Sampling()),
        st.just(Sampling(strategy="uniform")),
        st.floats(1, 1000).map(lambda value: Sampling(strategy="temperature", temperature=value)),
        st.integers(1, 10**7).map(lambda value: Sampling(strategy="capped", cap=value)),
    ),
)
def test_counts_sum_up_and_leave_no_task_out(sizes: list[int], sampling: Sampling) -> None:
    named = {f"task{number}": size for number, size in enumerate(sizes)}
    counts = batch_counts(named, sampling, batch_size=32)
    assert sum(counts.values()) == sum(sizes) and min(counts.values()) >= 1
    if sampling.strategy == "proportional":
        assert counts == named
    by_size = sorted(named, key=lambda task: named[task])
    assert all(counts[one] <= counts[other] + 1 for one, other in pairwise(by_size))


def test_strategies_meet_where_they_should() -> None:
    same = batch_counts(SIZES, Sampling(), batch_size=8)
    assert batch_counts(SIZES, Sampling(strategy="temperature", temperature=1), batch_size=8) == same
    assert batch_counts(SIZES, Sampling(strategy="capped", cap=800), batch_size=8) == same
    uniform = batch_counts(SIZES, Sampling(strategy="uniform"), batch_size=8)
    assert batch_counts(SIZES, Sampling(strategy="temperature", temperature=1e9), batch_size=8) == uniform


def test_a_task_without_a_batch_is_an_error() -> None:
    sampling = Sampling(strategy="weights", weights={"squad": 1000, "mnli": 1000, "copa": 1})
    with pytest.raises(UsageError, match=r"weights squad 1000, mnli 1000, copa 1: copa gets none of the 144 batches"):
        batch_counts(SIZES, sampling, batch_size=8)


def test_proportional_has_every_feature_once_an_epoch() -> None:
    batches = mixed()
    for epoch in range(3):
        seen: dict[str, list[int]] = {task: [] for task in SIZES}
        for batch in epoch_of(batches, epoch):
            assert batch.epoch == epoch
            seen[batch.task] += batch.indices
        assert {task: sorted(indices) for task, indices in seen.items()} == {
            task: list(range(len(lengths))) for task, lengths in LENGTHS.items()
        }


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_each_task_goes_through_its_own_batches_without_a_gap(strategy: str) -> None:
    """Put together over epochs, a task's batches are those of its own sampler, one epoch after the other."""
    batches = mixed(strategy)
    found: dict[str, list[list[int]]] = {task: [] for task in SIZES}
    for epoch in range(4):
        for batch in epoch_of(batches, epoch):
            found[batch.task].append(batch.indices)
    for task, mine in found.items():
        alone = LengthBatches(LENGTHS[task], batch_size=8, seed=1)
        expected: list[list[int]] = []
        for epoch in range(len(mine) // len(alone) + 1):
            alone.set_epoch(epoch)
            expected += list(alone)
        assert mine == expected[: len(mine)]


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_seed_and_epoch_alone_decide(strategy: str) -> None:
    batches = mixed(strategy)
    forth = [epoch_of(batches, epoch) for epoch in (0, 1, 2)]
    other = mixed(strategy)
    assert [epoch_of(other, epoch) for epoch in (2, 1, 0)] == forth[::-1]
    orders = [[batch.task for batch in one] for one in forth]
    assert orders[0] != orders[1] != orders[2]
    assert [batch.task for batch in epoch_of(mixed(strategy, seed=2), 0)] != orders[0]


def test_one_task_has_the_batches_of_its_own_sampler() -> None:
    batches = mix({"squad": LENGTHS["squad"]}, None, batch_size=8, seed=5)
    alone = LengthBatches(LENGTHS["squad"], batch_size=8, seed=5)
    assert len(batches) == len(alone)
    for epoch in (0, 1, 7):
        alone.set_epoch(epoch)
        assert epoch_of(batches, epoch) == [TaskBatch("squad", epoch, indices) for indices in alone]


def test_what_was_seen_is_counted_for_each_task() -> None:
    batches = mixed("uniform")
    seen = batches.seen(200, LENGTHS)
    steps = [*epoch_of(batches, 0), *epoch_of(batches, 1)][:200]
    for task, counts in seen.items():
        mine = [index for batch in steps if batch.task == task for index in batch.indices]
        assert counts == {"examples_seen": len(mine), "tokens_seen": sum(LENGTHS[task][index] for index in mine)}


def test_features_are_corrupted_anew_whenever_their_task_begins_again() -> None:
    def told(feature: Any, epoch: int) -> dict[str, Any]:
        return {**feature, "label": epoch}

    plain = Collator(pad_id=1, tokens_per_batch=999, max_length=64)
    masking = Collator(pad_id=1, tokens_per_batch=999, max_length=64, corrupt=told)
    collate = MixedCollator({"squad": plain, "mlm": masking})
    feature = {"input_ids": [5, 6], "label": 99}
    for task, epoch, label in (("mlm", 4, 4), ("squad", 7, 99), ("mlm", 5, 5)):
        name, (micro,), _ = collate((TaskBatch(task, epoch, [0]), [feature]))
        assert name == task and micro["label"].tolist() == [label]
