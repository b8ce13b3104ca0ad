"""Prediction: one pass over a data set without gradients, in few shapes, order restored."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from adapterstilts.data.batching import Batch, Collator, Feature, model_inputs
from adapterstilts.modeling.sharding import is_sharded
from adapterstilts.modeling.transfer_model import TransferModel
from adapterstilts.stages.devices.group import ALONE, Group
from adapterstilts.stages.lower import lower_states

if TYPE_CHECKING:
    from datasets import Dataset

Scores = np.ndarray | torch.Tensor
Track = Callable[[Iterable[list[int]], int], Iterable[list[int]]]


def predict(
    model: TransferModel,
    features: Dataset,
    *,
    task: str,
    collator: Collator,
    track: Track | None = None,
    group: Group = ALONE,
    states: Path | None = None,
) -> list[np.ndarray]:
    """Logits of every feature, in the features' order.

    Args:
        features: As `data.features.encode` makes them.
        task: Which head to use.
        track: Wraps the iterable of batches, given their number, for example to show progress.
        group: Processes with the same model and features, which share the batches.
        states: Where is kept what lower layers give that drop nothing; None where it is computed with the others.

    Returns:
        One array per feature: `(outputs,)`, or `(length, outputs)` where tokens are scored, padding cut off. Of
        several processes the leader has them all, and the others have none.
    """
    device = next(model.parameters()).device

    def run(batch: Batch) -> Scores:
        scores: torch.Tensor = model(task=task, **{name: value.to(device) for name, value in batch.items()})["logits"]
        return scores

    was_training = model.training
    below = lower_states(model, features, states, collator=collator, group=group) if states else None
    model.eval()
    # Weights that are gathered in inference mode could not be trained afterwards.
    with torch.no_grad() if is_sharded(model) else torch.inference_mode():
        inputs = features.select_columns(model_inputs(features.column_names))
        lengths, sequences = features["length"][:], features["sequences"][:]
        found = in_batches(
            run,
            lambda these: below.beside(_rows(inputs, these), these) if below else _rows(inputs, these),
            lengths,
            sequences,
            collator=collator,
            track=track,
            group=group,
            in_step=is_sharded(model),
        )
    model.train(was_training)
    return found


def in_batches(
    run: Callable[[Batch], Scores],
    inputs: Callable[[list[int]], Sequence[Feature]],
    lengths: Sequence[int],
    sequences: Sequence[int],
    *,
    collator: Collator,
    track: Track | None = None,
    group: Group = ALONE,
    in_step: bool = False,
) -> list[np.ndarray]:
    """As `predict`, of anything that gives the scores of a batch.

    Args:
        run: Gives the scores of a batch, which a GPU may still compute: the next batch is made before they are read.
        inputs: From places to the features there, with the columns that the model reads.
        lengths: Tokens of each feature's longest sequence.
        sequences: How many sequences each feature has.
        in_step: Whether processes wait for each other in each batch, so that all need the same number.
    """
    batches = collator.plan(lengths, sequences)
    own = group.mine(batches)
    results: dict[int, np.ndarray] = {}

    def read(indices: list[int], scores: Scores) -> None:
        there = scores if isinstance(scores, np.ndarray) else scores.float().cpu().numpy()
        for index, values in zip(indices, there, strict=True):
            results[index] = values[: lengths[index]] if values.ndim > 1 else values

    begun: tuple[list[int], Scores] | None = None
    for indices in track(own, len(own)) if track else own:
        batch = collator.pad(inputs(indices))
        if begun:
            read(*begun)
        begun = indices, run(batch)
    if begun:
        read(*begun)
    if in_step and len(own) < math.ceil(len(batches) / group.count):
        run(collator.pad(inputs(batches[0])))
    found = {index: values for share in group.to_leader(results) for index, values in share.items()}
    return [found[index] for index in range(len(lengths))] if group.leads else []


def _rows(features: Dataset, indices: list[int]) -> list[dict[str, Any]]:
    columns = features[indices]
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
