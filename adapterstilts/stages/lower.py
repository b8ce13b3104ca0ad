"""What a model's lower layers give for each token of some features: computed once for all models that share them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from adapterstilts import __version__
from adapterstilts.data.batching import Collator
from adapterstilts.data.lower_states import LowerStates, missing_tokens, recall_states
from adapterstilts.modeling.transfer_model import TransferModel
from adapterstilts.runs.full_disk import free_bytes
from adapterstilts.stages.devices.group import ALONE, Group

if TYPE_CHECKING:
    from datasets import Dataset

FOLDER = "lower_states"
"""Of a store's cache."""
# Of the free disk: what is only sooner with it leaves as much.
_SHARE = 0.5
# Bytes of a number at most.
_BYTES = 4


def lower_states(
    model: TransferModel,
    features: Dataset,
    folder: Path,
    *,
    collator: Collator,
    group: Group = ALONE,
    track: Any = None,
) -> LowerStates | None:
    """What the model's settled layers give; None where it has none, or the disk no room for what is missing.

    Args:
        features: As `data.features.encode` makes them.
        folder: Where it is kept.
        collator: That of prediction.
        group: The processes that work on the stage: the leader computes.
        track: Wraps the iterable of batches, given their number, for example to show progress.
    """
    if not model.lower:
        return None
    backbone, hidden = model.pretrained, model.config.hidden_size
    # Under bf16 a backbone is in fp32 where weights above are its own, and then rounds otherwise.
    held = str(next(model.backbone.parameters()).dtype)
    what = (__version__, backbone.fingerprint, str(backbone.quantization), model.precision, held, str(model.lower))

    def is_room() -> bool:
        return missing_tokens(folder, *what, features=features) * hidden * _BYTES <= _SHARE * free_bytes(folder)

    def compute(these: Dataset) -> Iterator[tuple[int, torch.Tensor]]:
        return _computed(model, these, collator, track)

    if not group.from_leader(is_room):
        return None
    return group.leader_first(lambda: recall_states(folder, *what, features=features, hidden=hidden, compute=compute))


def _computed(
    model: TransferModel, features: Dataset, collator: Collator, track: Any
) -> Iterator[tuple[int, torch.Tensor]]:
    device, was_training = next(model.parameters()).device, model.training
    inputs = features.select_columns([name for name in model.inputs if name in features.column_names])
    batches = collator.plan(features["length"][:], features["sequences"][:])
    model.eval()
    try:
        for places in track(batches, len(batches)) if track else batches:
            columns: Mapping[str, Any] = inputs[places]
            rows = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
            batch = collator.pad(rows)
            counts = batch.pop("sequences", torch.ones(len(places), dtype=torch.long)).tolist()
            with torch.inference_mode():
                states = model.lower_states(**{name: value.to(device) for name, value in batch.items()}).cpu()
            real = batch["attention_mask"].bool()
            for place, own, mask in zip(places, states.split(counts), real.split(counts), strict=True):
                yield place, own[mask]
    finally:
        model.train(was_training)
