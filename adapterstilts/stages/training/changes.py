"""Whether training has changed a model's weights: a learning rate can be so small that none of them moves."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from adapterstilts.modeling.sharding import whole
from adapterstilts.modeling.transfer_model import TransferModel

# Numbers of a weight that are remembered: an optimiser that moves one of them moves all.
_REMEMBERED = 1024


@dataclass(frozen=True)
class WeightSample:
    """Some numbers of each trained weight, as they were.

    Attributes:
        values: Name to numbers `(at most twice _REMEMBERED,)`, evenly taken.
    """

    values: dict[str, torch.Tensor]

    @classmethod
    def of(cls, model: TransferModel) -> WeightSample:
        """Of the weights that a model is going to be trained in."""
        return cls({name: _some(one) for name, one in model.named_parameters() if one.requires_grad})

    def largest_change(self, model: TransferModel) -> float:
        """The largest absolute difference to what they are now; 0 for a model without trained weights."""
        now = {name: _some(one) for name, one in model.named_parameters() if name in self.values}
        changes = [
            float((now[name] - before).abs().max())
            for name, before in self.values.items()
            if name in now and now[name].shape == before.shape and len(before)
        ]
        return max(changes, default=0.0)


def _some(weight: torch.Tensor) -> torch.Tensor:
    flat = whole(weight.detach()).flatten()
    return flat[:: max(1, len(flat) // _REMEMBERED)].float().cpu().clone()
