"""Prediction: one pass over a data set without gradients, in few shapes, order restored."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from adapterstilts.data.batching import Collator, model_inputs
from adapterstilts.modeling.transfer_model import TransferModel

if TYPE_CHECKING:
    from datasets import Dataset


def predict(
    model: TransferModel,
    features: Dataset,
    *,
    task: str,
    collator: Collator,
    track: Callable[[Iterable[list[int]], int], Iterable[list[int]]] | None = None,
) -> list[np.ndarray]:
    """Logits of every feature, in the features' order.

    Args:
        features: As `data.features.encode` makes them.
        task: Which head to use.
        track: Wraps the iterable of batches, given their number, for example to show progress.

    Returns:
        One array per feature: `(outputs,)`, or `(length, outputs)` where tokens are scored, padding cut off.
    """
    lengths = features["length"][:]
    batches = collator.plan(lengths, features["sequences"][:])
    inputs = features.select_columns(model_inputs(features.column_names))
    device = next(model.parameters()).device
    results: dict[int, np.ndarray] = {}
    was_training = model.training
    model.eval()
    with torch.inference_mode():
        for indices in track(batches, len(batches)) if track else batches:
            batch = collator.pad(_rows(inputs, indices))
            logits = model(task=task, **{name: value.to(device) for name, value in batch.items()})["logits"]
            for index, values in zip(indices, logits.float().cpu().numpy(), strict=True):
                results[index] = values[: lengths[index]] if values.ndim > 1 else values
    model.train(was_training)
    return [results[index] for index in range(len(lengths))]


def _rows(features: Dataset, indices: list[int]) -> list[dict[str, Any]]:
    columns = features[indices]
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
