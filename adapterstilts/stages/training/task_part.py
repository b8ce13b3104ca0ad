"""What one task brings to a training stage."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from adapterstilts.data.batching import Collator
from adapterstilts.data.lower_states import LowerStates
from adapterstilts.modeling.transfer_model import TransferModel
from adapterstilts.stages.devices.group import Group
from adapterstilts.stages.lower import lower_states

if TYPE_CHECKING:
    from datasets import Dataset

Score = Callable[[list[np.ndarray]], dict[str, float]]


@dataclass(frozen=True)
class TaskPart:
    """What one task brings to a training stage.

    Attributes:
        features: Training features with labels, as `data.features.encode` makes them.
        held_out: Features of the English validation data; None where no checkpoint is selected by any.
        score: Their logits to metrics, `score` being the main one.
        averaged: Whether this main score counts when several tasks choose a checkpoint together.
        states: Where is kept what lower layers give that drop nothing.
        below: What they give of the training features; None where these layers are computed with the others.
    """

    name: str
    features: Dataset
    held_out: Dataset | None
    score: Score
    collator: Collator
    averaged: bool = True
    states: Path | None = None
    below: LowerStates | None = None

    def above_lower_layers(self, model: TransferModel, *, group: Group, track: Any) -> TaskPart:
        """The same with what the model's lower layers give, unless its features are others in each epoch.

        Args:
            track: Shows progress over batches, with a label.
        """
        if self.states is None or self.collator.corrupt:
            return self

        def shown(batches: Sequence[list[int]], count: int) -> Any:
            return track(batches, count, label=f"{self.name}: the first {model.lower} layers")

        collator = self.collator.for_prediction()
        below = lower_states(model, self.features, self.states, collator=collator, group=group, track=shown)
        return replace(self, below=below)
