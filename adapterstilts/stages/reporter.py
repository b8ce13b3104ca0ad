"""What a stage tells whoever waits for it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol


class Reporter(Protocol):
    """Shows a stage's progress to whoever waits for it."""

    def note(self, message: str) -> None:
        """One line about what happens."""

    def trained(self, stage: str, step: int, steps: int, logged: dict[str, float]) -> None:
        """`step` of `steps` optimiser steps are done; `logged` has newly measured values."""

    def track(self, batches: Iterable[Any], total: int, label: str) -> Iterable[Any]:
        """Passes batches through, showing how many of `total` are done."""


class Silent:
    """A reporter that shows nothing."""

    def note(self, message: str) -> None:
        pass

    def trained(self, stage: str, step: int, steps: int, logged: dict[str, float]) -> None:
        pass

    def track(self, batches: Iterable[Any], total: int, label: str) -> Iterable[Any]:
        return batches
