"""What is known of a stage while it is made: how far it is, how fast, and how long it will take."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

SHOWN = {"loss": "loss", "eval_score": "validation"}
"""Names of logged values to what they are called."""


@dataclass
class Watched:
    """A stage that is being made.

    Attributes:
        doing: Over what its batches go, such as `mlqa de`; empty while it is trained.
        done: Optimiser steps, or batches, of `total`.
        values: The last ones that were logged, by the names of `SHOWN`.
        clock: Tells the time in seconds.
    """

    name: str
    clock: Callable[[], float] = time.monotonic
    doing: str = ""
    done: int = 0
    total: int = 0
    values: dict[str, float] = field(default_factory=dict)
    _begun: float = 0.0
    _first: int = 0

    def trained(self, step: int, steps: int, logged: dict[str, float]) -> None:
        """See `Reporter.trained`."""
        self._reached("", step, steps)
        self.values |= {SHOWN[name]: value for name, value in logged.items() if name in SHOWN}

    def batch(self, label: str, done: int, total: int) -> None:
        """So many batches are done."""
        self._reached(label, done, total)

    @property
    def rate(self) -> float | None:
        """Steps or batches a second since it is watched; None before there were two."""
        passed = self.clock() - self._begun
        return (self.done - self._first) / passed if self.done > self._first and passed > 0 else None

    @property
    def left(self) -> float | None:
        """Seconds until the last step or batch."""
        return (self.total - self.done) / self.rate if self.rate else None

    def _reached(self, doing: str, done: int, total: int) -> None:
        if (doing, total) != (self.doing, self.total) or done < self.done:
            # A first step has been taken when it is told of, and how long it took is not known.
            self.doing, self.total, self._first, self._begun = doing, total, done, self.clock()
        self.done = done
