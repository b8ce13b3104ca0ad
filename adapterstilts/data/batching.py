"""Batches of few shapes: similar lengths together, padded to a bucket, split under a token budget."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch.utils.data import Sampler

from adapterstilts.data.buckets import bucket, prediction_budget
from adapterstilts.data.features import has_several, sequences_of

Batch = dict[str, torch.Tensor]
Feature = Mapping[str, Any]

# Columns that a model takes to predict, with the value that pads them; None stands for the tokenizer's pad id.
_INPUTS: dict[str, int | None] = {"input_ids": None, "token_type_ids": 0, "masked_labels": -100}
_IGNORED_LABEL = -100
# Columns that describe features and are no input of any head.
_DESCRIPTIONS = ("row", "length", "tokens", "sequences", "maskable")
# Lists of a whole feature and not of its tokens, as long as the longest of a batch.
_OF_FEATURES = ("label_set",)
BELOW = "below"
"""The column of what the lower layers give for each token of a feature, where that was computed before."""
# Features sorted together: enough for little padding, few enough that batches stay mixed.
_POOL_BATCHES = 50


class LengthBatches(Sampler[list[int]]):
    """Random batches of features of similar length; every feature once an epoch, the order fixed by seed and epoch.

    Args:
        lengths: Tokens of each feature.
        batch_size: Features of each batch; the last may be smaller.
    """

    def __init__(self, lengths: Sequence[int], *, batch_size: int, seed: int) -> None:
        self.lengths = np.asarray(lengths)
        self.batch_size = batch_size
        self.seed = seed
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Chooses the order of the next iteration."""
        self.epoch = epoch

    def __len__(self) -> int:
        return math.ceil(len(self.lengths) / self.batch_size)

    def __iter__(self) -> Iterator[list[int]]:
        random = np.random.default_rng((self.seed, self.epoch))
        order = random.permutation(len(self.lengths))
        batches: list[list[int]] = []
        for start in range(0, len(order), self.batch_size * _POOL_BATCHES):
            pool = order[start : start + self.batch_size * _POOL_BATCHES]
            pool = pool[np.argsort(self.lengths[pool], kind="stable")]
            batches += [pool[at : at + self.batch_size].tolist() for at in range(0, len(pool), self.batch_size)]
        return iter(batches[position] for position in random.permutation(len(batches)))


class Collator:
    """Turns features into micro-batches of at most `tokens_per_batch` padded tokens.

    The features of one call belong to one optimiser step; into how many micro-batches they are split decides
    memory and speed, not the gradient.

    Args:
        rows: Features in each micro-batch, whatever their tokens: for heads that compare features with each other.
        corrupt: Applied to each training feature with the epoch before it is padded, e.g. to mask tokens.
        on_gpu: Whether batches are for a GPU.
    """

    def __init__(
        self,
        *,
        pad_id: int,
        tokens_per_batch: int,
        max_length: int,
        rows: int | None = None,
        corrupt: Callable[[Feature, int], Feature] | None = None,
        on_gpu: bool = False,
    ) -> None:
        self.pad_id = pad_id
        self.tokens_per_batch = tokens_per_batch
        self.max_length = max_length
        self.rows = rows
        self.corrupt = corrupt
        self.on_gpu = on_gpu
        self.epoch = 0

    def for_prediction(self) -> Collator:
        """The same collator with the token budget of prediction."""
        budget = prediction_budget(self.tokens_per_batch, on_gpu=self.on_gpu)
        return Collator(pad_id=self.pad_id, tokens_per_batch=budget, max_length=self.max_length)

    def __call__(self, features: Sequence[Feature]) -> list[Batch]:
        """Micro-batches of nearly equal numbers of rows, shortest features first."""
        ordered = _by_length(features)
        return self._padded(_cut(ordered, self._micro_batches(ordered)))

    def share(self, features: Sequence[Feature], *, rank: int, count: int) -> tuple[list[Batch], int]:
        """One process's micro-batches of an optimiser step that several processes make together.

        Together they are those of one process, up to how they are cut. All processes get the same number, as they wait
        for each other in each; one that has fewer gets one again that another has, which is not to be counted.

        Args:
            rank: Which of `count` processes it is.

        Returns:
            The micro-batches, and how many of them are to be counted.
        """
        ordered = _by_length(features)
        if self.rows:
            compared = _cut(ordered, self._micro_batches(ordered))
            shares = [compared[place::count] for place in range(count)]
        else:
            parts = [ordered[place::count] for place in range(count)]
            most = max(self._micro_batches(part) for part in parts)
            shares = [_cut(part, min(most, len(part))) for part in parts]
        own = shares[rank]
        lacking = max(map(len, shares)) - len(own)
        return self._padded([*own, *shares[0][:1] * lacking]), len(own)

    def _micro_batches(self, ordered: Sequence[Feature]) -> int:
        """How many micro-batches features make, the longest of which is the last."""
        if not ordered:
            return 0
        if self.rows:
            return max(1, len(ordered) // self.rows)
        width = self.width(_longest(ordered[-1]["input_ids"]))
        sequences = max(len(sequences_of(feature["input_ids"])) for feature in ordered)
        return math.ceil(len(ordered) / max(1, self.tokens_per_batch // (width * sequences)))

    def width(self, longest: int) -> int:
        """To how many tokens sequences are padded of which the longest has so many."""
        return bucket(longest, max_length=self.max_length)

    def _padded(self, parts: Sequence[Sequence[Feature]]) -> list[Batch]:
        if self.corrupt is None:
            return [self.pad(part) for part in parts]
        return [self.pad([self.corrupt(feature, self.epoch) for feature in part]) for part in parts]

    def pad(self, features: Sequence[Feature]) -> Batch:
        """One padded batch.

        Inputs and sequence labels are `(sequences, seq)`, states of lower layers `(sequences, seq, hidden)`, sets of
        labels `(batch, most of one)`, other labels `(batch,)`. Where features have several sequences these follow each
        other, and `sequences` `(batch,)` tells how many each feature has.
        """
        several = has_several(features[0]["input_ids"])
        lengths = [len(ids) for feature in features for ids in sequences_of(feature["input_ids"])]
        width = self.width(max(lengths))
        batch: Batch = {"attention_mask": (torch.arange(width) < torch.tensor(lengths)[:, None]).long()}
        for name, first in features[0].items():
            values = [feature[name] for feature in features]
            if name in _DESCRIPTIONS:
                continue
            if name == BELOW:
                batch[name] = _pad_states(torch.cat(values).split(lengths), width)
            elif isinstance(first, list):
                if several:
                    values = [value for feature in values for value in feature]
                filler = _INPUTS.get(name, _IGNORED_LABEL)
                longest = max(map(len, values)) if name in _OF_FEATURES else width
                batch[name] = _pad_lists(values, longest, self.pad_id if filler is None else filler)
            else:
                batch[name] = torch.tensor(values)
        if several:
            batch["sequences"] = torch.tensor([len(feature["input_ids"]) for feature in features])
        return batch

    def plan(self, lengths: Sequence[int], sequences: Sequence[int]) -> list[list[int]]:
        """Feature indices of each batch when order does not matter, as in prediction: longest first.

        Args:
            lengths: Tokens of each feature's longest sequence.
            sequences: How many sequences each feature has.
        """
        order = np.argsort(-np.asarray(lengths), kind="stable")
        batches: list[list[int]] = []
        width = tokens = 0
        for index in order.tolist():
            own = self.width(int(lengths[index]))
            added = own * int(sequences[index])
            if not batches or own != width or tokens + added > self.tokens_per_batch:
                batches.append([])
                width, tokens = own, 0
            batches[-1].append(index)
            tokens += added
        return batches


def _by_length(features: Sequence[Feature]) -> list[Feature]:
    return sorted(features, key=lambda feature: _longest(feature["input_ids"]))


def _cut(ordered: Sequence[Feature], count: int) -> list[Sequence[Feature]]:
    """Equal parts rather than full ones and a rest: one shape instead of two."""
    cuts = [round(part * len(ordered) / count) for part in range(count + 1)] if count else []
    return [ordered[first:end] for first, end in itertools.pairwise(cuts)]


def _longest(ids: Sequence[Any]) -> int:
    return max(len(sequence) for sequence in sequences_of(ids))


def model_inputs(columns: Sequence[str]) -> list[str]:
    """Those of `columns` that are inputs of a model."""
    return [name for name in columns if name in _INPUTS]


def _pad_lists(values: Sequence[Sequence[int]], width: int, filler: int) -> torch.Tensor:
    padded = np.full((len(values), width), filler, dtype=np.int64)
    for row, value in enumerate(values):
        padded[row, : len(value)] = value
    return torch.from_numpy(padded)


def _pad_states(values: Sequence[torch.Tensor], width: int) -> torch.Tensor:
    padded = values[0].new_zeros(len(values), width, values[0].shape[-1])
    for row, value in enumerate(values):
        padded[row, : len(value)] = value
    return padded
