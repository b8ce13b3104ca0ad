"""What a stage leaves in its work folder while it is made, so that other processes see how far it is."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from adapterstilts.errors import StoreError
from adapterstilts.runs.provenance import now
from adapterstilts.runs.records import read_record
from adapterstilts.runs.store import CHECKPOINTS
from adapterstilts.settings import Strict
from adapterstilts.stages.reporter import Change, Reporter
from adapterstilts.stages.watched import Watched

_FILE = "at-work.json"
# Written no more often, in seconds.
_OFTEN = 1.0


class AtWork(Strict):
    """Who makes a stage, and how far it is.

    Attributes:
        since: When this process began with it, and `at` when this was written: ISO 8601, in UTC.
        doing: Over what batches go; empty while it is trained.
        done: Optimiser steps, or batches, of `total`; both 0 before the first one.
        rate: Of them a second.
        seconds_left: Until the last one.
        loss: The last one that was logged.
        validation: Likewise the main score on the validation data.
    """

    host: str
    pid: int
    since: str
    at: str
    doing: str = ""
    done: int = 0
    total: int = 0
    rate: float | None = None
    seconds_left: float | None = None
    loss: float | None = None
    validation: float | None = None


def at_work(work: Path) -> AtWork | None:
    """What a work folder says of who works in it, or did last."""
    try:
        return read_record(work / CHECKPOINTS / _FILE, AtWork)
    except StoreError:
        return None


class Recorded:
    """A reporter of one stage that writes down what it passes on.

    Args:
        work: The stage's folder; what is written there goes with the checkpoints.
    """

    def __init__(self, reporter: Reporter, work: Path) -> None:
        self._reporter = reporter
        self._path = work / CHECKPOINTS / _FILE
        self._watched = Watched(work.name)
        self._since = now()
        self._last = float("-inf")
        self._path.parent.mkdir(exist_ok=True)
        self._write()

    def note(self, message: str) -> None:
        self._reporter.note(message)

    def trained(self, stage: str, step: int, steps: int, logged: dict[str, float]) -> None:
        self._watched.trained(step, steps, logged)
        self._write()
        self._reporter.trained(stage, step, steps, logged)

    def track(self, batches: Iterable[Any], total: int, label: str) -> Iterator[Any]:
        self._watched.batch(label, 0, total)
        for done, batch in enumerate(self._reporter.track(batches, total, label), start=1):
            yield batch
            self._watched.batch(label, done, total)
            self._write()

    def of(self, stage: str) -> Reporter:
        return self

    def changed(self, change: Change) -> None:
        self._reporter.changed(change)

    def _write(self) -> None:
        """Replaces the file, if it is time; a stage does not fail because this cannot be written."""
        watched = self._watched
        if watched.clock() - self._last < _OFTEN:
            return
        self._last = watched.clock()
        told = AtWork(
            host=platform.node(),
            pid=os.getpid(),
            since=self._since,
            at=now(),
            doing=watched.doing,
            done=watched.done,
            total=watched.total,
            rate=watched.rate,
            seconds_left=watched.left,
            loss=watched.values.get("loss"),
            validation=watched.values.get("validation"),
        )
        scratch = self._path.with_suffix(".part")
        with suppress(OSError):
            scratch.write_text(told.model_dump_json(), encoding="utf-8")
            scratch.replace(self._path)
