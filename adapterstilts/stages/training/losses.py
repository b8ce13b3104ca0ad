"""The mean loss of training steps, which an interruption does not change."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from adapterstilts.errors import AstiltsError

if TYPE_CHECKING:
    from torch import Tensor

_WAITING = 16
"""Steps after which the device is waited for: a GPU is given the next steps before it has computed these."""


@dataclass
class Losses:
    """The losses of steps, added up once they are known.

    Attributes:
        recent: The sum of those since the last mean was taken, of `recent_steps` steps.
        total: The sum of all, of `steps` steps.
    """

    recent: float = 0.0
    recent_steps: int = 0
    total: float = 0.0
    steps: int = 0

    def __post_init__(self) -> None:
        self._waiting: list[Tensor] = []

    def add(self, loss: Tensor) -> None:
        """Counts one step, whose loss is a number that the device may not have computed yet."""
        self._waiting.append(loss)
        if len(self._waiting) == _WAITING:
            self.settle()

    def settle(self) -> None:
        """Waits for the losses of all steps that were counted.

        Raises:
            AstiltsError: One of them is not finite.
        """
        if not self._waiting:
            return
        import torch

        found, self._waiting = torch.stack(self._waiting).tolist(), []
        for loss in found:
            self.steps += 1
            if not math.isfinite(loss):
                raise AstiltsError(
                    f"The loss is {loss} at step {self.steps}.", remedy="Lower --learning-rate or use --precision fp32."
                )
            self.recent += loss
            self.recent_steps += 1
            self.total += loss

    def take(self) -> float:
        """The mean of those since the last time."""
        self.settle()
        mean = self.recent / max(1, self.recent_steps)
        self.recent, self.recent_steps = 0.0, 0
        return mean

    @property
    def mean(self) -> float:
        """The mean of all."""
        self.settle()
        return self.total / max(1, self.steps)

    def told(self) -> dict[str, Any]:
        """What a checkpoint keeps of it."""
        self.settle()
        return asdict(self)
