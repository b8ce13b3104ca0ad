"""The mean of a training's checkpoints instead of one that validation data select (Schmidt et al. 2023, 2305.16834)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from transformers import TrainerCallback

from adapterstilts.modeling.sharding import whole
from adapterstilts.modeling.storage import load_parameters, read_tensors, save_tensors
from adapterstilts.modeling.transfer_model import TransferModel
from adapterstilts.settings import Optimisation
from adapterstilts.stages.devices.group import ALONE, Group
from adapterstilts.stages.training_spec import check_points

_MEAN = "mean.safetensors"


class CheckpointMean(TrainerCallback):
    """The mean of the trained weights after every so many steps, the last step included, each with equal weight.

    It is kept in the leader's memory, in fp32, and written with each checkpoint, so that training goes on from there to
    the same bits: the next weights move it by their share of the distance.

    Args:
        every: Steps from one point to the next.
        steps: Those of the whole training.
        group: The processes that train together.
    """

    def __init__(self, model: TransferModel, *, every: int, steps: int, group: Group = ALONE) -> None:
        self.model, self.every, self.steps, self.group = model, every, steps, group
        self._mean: dict[str, torch.Tensor] = {}

    @classmethod
    def of(cls, model: TransferModel, settings: Optimisation, steps: int, group: Group = ALONE) -> CheckpointMean:
        """That of a training of some length.

        Raises:
            UsageError: It is over before there are two checkpoints.
        """
        check_points(steps)
        return cls(model, every=settings.interval(steps, steps), steps=steps, group=group)

    def points(self, step: int) -> int:
        """How many points there have been once a step has been made."""
        return step // self.every + (step == self.steps and step % self.every > 0)

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Takes the weights in where the step is a point, before a checkpoint of it is written."""
        if (number := self.points(state.global_step)) > self.points(state.global_step - 1):
            self._add(number)

    def _add(self, number: int) -> None:
        for name, tensor in self.model.stored():
            if tensor.requires_grad:
                complete = whole(tensor.detach())  # which all processes do together
                if self.group.leads:
                    weights = complete.to("cpu", torch.float32)
                    mean = self._mean.setdefault(name, torch.zeros_like(weights))
                    mean += (weights - mean) / number

    def save(self, checkpoint: Path) -> None:
        """Writes the mean until now, if there have been points."""
        if self.group.leads and self._mean:
            save_tensors(self._mean, checkpoint / _MEAN)

    def go_on(self, checkpoint: Path) -> None:
        """Goes on with what a checkpoint has."""
        if self.group.leads and (checkpoint / _MEAN).is_file():
            self._mean = read_tensors(checkpoint / _MEAN)

    def give_to(self, model: TransferModel, checkpoint: Path) -> None:
        """Makes the mean that the last checkpoint has a model's weights, in each process."""
        self.group.wait()  # for whoever writes it
        load_parameters(model, checkpoint / _MEAN)
