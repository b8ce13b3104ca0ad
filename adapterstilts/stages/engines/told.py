"""A reporter that is told by messages what whoever makes a stage elsewhere says of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from adapterstilts.stages.engines.orders import Message
from adapterstilts.stages.reporter import Reporter


class Told:
    """Passes messages on to a stage's reporter."""

    def __init__(self, reporter: Reporter) -> None:
        self._reporter = reporter
        self._batches: Iterator[Any] = iter(())
        self._shown = ("", 0)
        self._done = 0

    def tell(self, message: Message) -> None:
        """Passes a message on, one of those that are not a stage's last."""
        if message.sort == "note":
            self._reporter.note(*message.values)
        elif message.sort == "trained":
            self._reporter.trained(*message.values)
        else:
            self._track(*message.values)

    def _track(self, label: str, total: int, done: int) -> None:
        """Takes as many from an iterable that the reporter tracks as batches are done."""
        if not done or (label, total) != self._shown:
            self._batches = iter(self._reporter.track(range(total), total, label))
            self._shown, self._done = (label, total), 0
        # The one that is worked on is taken too, and what comes after the last one ends it.
        while self._done <= done:
            next(self._batches, None)
            self._done += 1
