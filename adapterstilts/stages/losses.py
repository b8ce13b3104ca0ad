"""The mean loss of training steps, which an interruption does not change."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass
class Losses:
    """The losses of steps, added up.

    Attributes:
        recent: The sum of those since the last mean was taken, of `recent_steps` steps.
        total: The sum of all, of `steps` steps.
    """

    recent: float = 0.0
    recent_steps: int = 0
    total: float = 0.0
    steps: int = 0

    def add(self, loss: float) -> None:
        """Counts one step."""
        self.recent += loss
        self.recent_steps += 1
        self.total += loss
        self.steps += 1

    def take(self) -> float:
        """The mean of those since the last time."""
        mean = self.recent / max(1, self.recent_steps)
        self.recent, self.recent_steps = 0.0, 0
        return mean

    @property
    def mean(self) -> float:
        """The mean of all."""
        return self.total / max(1, self.steps)

    def told(self) -> dict[str, Any]:
        """What a checkpoint keeps of it."""
        return asdict(self)
