"""Batches of several tasks: each of one task, how many of each by a sampling strategy."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from torch.utils.data import Sampler

from adapterstilts.data.batch_counts import batch_counts
from adapterstilts.data.batching import Batch, Collator, LengthBatches
from adapterstilts.runs.specs import Sampling

if TYPE_CHECKING:
    from datasets import Dataset

    from adapterstilts.data.lower_states import LowerStates

# Keeps the order of tasks apart from the orders of features, which are drawn with seed and epoch alone.
_ORDER_OF_TASKS = 1


class TaskBatch(NamedTuple):
    """The features of one optimiser step.

    Attributes:
        epoch: Which pass over the task's own features they belong to, from 0.
        indices: Their places among the task's features.
    """

    task: str
    epoch: int
    indices: list[int]


class MixedBatches(Sampler[Any]):
    """Random batches of several tasks, in an order that seed and epoch alone decide.

    Each task goes through its own batches in turn, from one of its epochs into the next, and goes on in the next
    epoch of the stage where it stopped. With one task these are the batches of its `LengthBatches`.

    Args:
        parts: Task to its own batches.
        counts: Task to its number of batches in an epoch, as `batch_counts` gives them.
    """

    def __init__(self, parts: Mapping[str, LengthBatches], counts: Mapping[str, int], *, seed: int) -> None:
        self.parts = parts
        self.counts = counts
        self.seed = seed
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Chooses the order of the next iteration."""
        self.epoch = epoch

    def __len__(self) -> int:
        return sum(self.counts.values())

    def __iter__(self) -> Iterator[TaskBatch]:
        tasks = [task for task, count in self.counts.items() for _ in range(count)]
        random = np.random.default_rng((self.seed, self.epoch, _ORDER_OF_TASKS))
        streams = {task: self._stream(task) for task in self.counts}
        return iter([next(streams[tasks[place]]) for place in random.permutation(len(tasks))])

    def seen(self, steps: int, tokens: Mapping[str, Sequence[int]]) -> dict[str, dict[str, int]]:
        """Each task's `examples_seen` and `tokens_seen`: features and their tokens in the first `steps` batches.

        Args:
            tokens: Task to the tokens of each of its features.
        """
        found = {task: {"examples_seen": 0, "tokens_seen": 0} for task in self.counts}
        for epoch in range(math.ceil(steps / len(self))):
            self.set_epoch(epoch)
            for batch in list(self)[: steps - epoch * len(self)]:
                own = found[batch.task]
                own["examples_seen"] += len(batch.indices)
                own["tokens_seen"] += sum(tokens[batch.task][index] for index in batch.indices)
        return found

    def steps_for(self, amount: int, tokens: Mapping[str, Sequence[int]]) -> int:
        """The first number of batches, one at least, that have `amount` tokens together."""
        steps = found = epoch = 0
        while found < amount or not steps:
            self.set_epoch(epoch)
            for batch in self:
                if found >= amount and steps:
                    break
                found += sum(tokens[batch.task][index] for index in batch.indices)
                steps += 1
            epoch += 1
        return steps

    def _stream(self, task: str) -> Iterator[TaskBatch]:
        """The task's batches from where it stopped before this epoch."""
        own = self.parts[task]
        epoch, first = divmod(self.epoch * self.counts[task], len(own))
        while True:
            own.set_epoch(epoch)
            for indices in list(own)[first:]:
                yield TaskBatch(task, epoch, indices)
            epoch, first = epoch + 1, 0


@dataclass(frozen=True)
class Length:
    """How long a stage is trained: by one of these, of which the first that is told counts.

    Attributes:
        steps: Optimiser steps; 0 trains nothing.
        tokens: Steps until so many tokens were trained on.
        epochs: Passes over the training features.
    """

    steps: int | None = None
    tokens: int | None = None
    epochs: float = 1

    def of(self, batches: MixedBatches, tokens: Mapping[str, Sequence[int]]) -> int:
        """The optimiser steps of a stage with these batches.

        Args:
            tokens: Task to the tokens of each of its features.
        """
        if self.steps is not None:
            return self.steps
        if self.tokens is not None:
            return batches.steps_for(self.tokens, tokens)
        return max(1, math.ceil(len(batches) * self.epochs))


def mix(lengths: Mapping[str, Sequence[int]], sampling: Sampling | None, *, batch_size: int, seed: int) -> MixedBatches:
    """The batches of a stage.

    Args:
        lengths: Task to the tokens of each of its features.
        sampling: How often each task is trained on; None where there is one.

    Raises:
        UsageError: As `batch_counts`.
    """
    parts = {task: LengthBatches(each, batch_size=batch_size, seed=seed) for task, each in lengths.items()}
    counts = batch_counts({task: len(each) for task, each in parts.items()}, sampling, batch_size=batch_size)
    return MixedBatches(parts, counts, seed=seed)


class MixedFeatures:
    """The features of several tasks as one data set, read by `TaskBatch`.

    Args:
        below: Task to what its features come with, where that was computed before.
    """

    def __init__(self, features: Mapping[str, Dataset], below: Mapping[str, LowerStates]) -> None:
        self.features = features
        self.below = below

    def __len__(self) -> int:
        return sum(len(each) for each in self.features.values())

    def __getitems__(self, batch: TaskBatch) -> tuple[TaskBatch, Sequence[Any]]:
        rows = self.features[batch.task].__getitems__(batch.indices)
        below = self.below.get(batch.task)
        return batch, below.beside(rows, batch.indices) if below else rows


class Step(NamedTuple):
    """What one process has to compute of an optimiser step.

    Attributes:
        counted: How many of the micro-batches count; see `Collator.share`.
    """

    task: str
    micros: list[Batch]
    counted: int


class MixedCollator:
    """Turns the features of an optimiser step into the micro-batches of their task.

    Args:
        collators: Task to its own collator.
        rank: Which of `count` processes it is that make the step together.
    """

    def __init__(self, collators: Mapping[str, Collator], *, rank: int = 0, count: int = 1) -> None:
        self.collators = collators
        self.rank = rank
        self.count = count

    def __call__(self, step: tuple[TaskBatch, Sequence[Any]]) -> Step:
        """This process's part of the step."""
        batch, features = step
        collator = self.collators[batch.task]
        collator.epoch = batch.epoch
        if self.count == 1:
            micros = collator(features)
            return Step(batch.task, micros, len(micros))
        return Step(batch.task, *collator.share(features, rank=self.rank, count=self.count))
