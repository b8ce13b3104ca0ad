"""What stages, and the engine that runs them, tell whoever waits for them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal, Protocol

Happened = Literal["planned", "started", "finished", "found", "waiting", "failed", "retried", "dropped", "ended"]


@dataclass(frozen=True)
class Totals:
    """How far a graph is.

    Attributes:
        stages: How many stages there are to make, those in the store aside.
        done: How many of them are finished, and `failed` failed, after all retries.
        dropped: How many are not made because one that they need has failed.
        running: How many are being made.
        jobs: How many are made at a time.
        found: How many were in the store from the beginning.
    """

    stages: int
    done: int = 0
    failed: int = 0
    dropped: int = 0
    running: int = 0
    jobs: int = 1
    found: int = 0

    @property
    def waiting(self) -> int:
        """How many have not begun."""
        return self.stages - self.done - self.failed - self.dropped - self.running


@dataclass(frozen=True)
class Change:
    """That something happened to a stage, or with an empty name to the graph: it is `planned`, and has `ended`.

    Attributes:
        happened: `waiting` is said of a stage that another process works on, `found` of one that was in the store.
        totals: After it.
        seconds: What a finished stage took.
        error: Of a failed or retried one, with its remedy.
        log: The file that has its traceback, and `command` what makes it alone, where a command line does.
    """

    happened: Happened
    totals: Totals
    stage: str = ""
    seconds: float | None = None
    error: str = ""
    log: str = ""
    command: str = ""


class Reporter(Protocol):
    """Shows progress to whoever waits for it."""

    def note(self, message: str) -> None:
        """One line about what happens."""

    def trained(self, stage: str, step: int, steps: int, logged: dict[str, float]) -> None:
        """`step` of `steps` optimiser steps are done; `logged` has newly measured values."""

    def track(self, batches: Iterable[Any], total: int, label: str) -> Iterable[Any]:
        """Passes batches through, showing how many of `total` are done."""

    def of(self, stage: str) -> Reporter:
        """The reporter of one stage of several: what it is told belongs to that stage."""

    def changed(self, change: Change) -> None:
        """A stage has begun or ended."""


class Silent:
    """A reporter that shows nothing."""

    def note(self, message: str) -> None:
        pass

    def trained(self, stage: str, step: int, steps: int, logged: dict[str, float]) -> None:
        pass

    def track(self, batches: Iterable[Any], total: int, label: str) -> Iterable[Any]:
        return batches

    def of(self, stage: str) -> Reporter:
        return self

    def changed(self, change: Change) -> None:
        pass
