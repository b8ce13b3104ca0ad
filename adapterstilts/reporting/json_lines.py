"""What happens as JSON, one object a line on standard error, for programs that watch a command."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import IO, Any

from adapterstilts.runs.provenance import now
from adapterstilts.stages.reporter import Change, Reporter
from adapterstilts.stages.watched import SHOWN, Watched

# Progress without new values is told no more often, in seconds.
_OFTEN = 1.0


class JsonLines:
    """A reporter that prints events.

    Each has `time` and `event`, and those of a stage have `stage`. `note` has a `message`. `progress` has `step` and
    `steps`, or `doing`, `batch` and `batches`, and where they are known `rate` (a second), `seconds_left`, `loss` and
    `validation`. Others are the changes of stages (`started`, `finished`, `failed`, ...; see `Change`), with `totals`.
    The last one of a command that fails is `error`.

    Args:
        stage: That everything it is told belongs to; none for the command.
        file: By default standard error, as it is when something is printed.
    """

    def __init__(self, stage: str = "", file: IO[str] | None = None) -> None:
        self._stage = stage
        self._file = file
        self._watched = Watched(stage)
        self._last = float("-inf")

    def note(self, message: str) -> None:
        self.tell("note", message=message)

    def trained(self, stage: str, step: int, steps: int, logged: dict[str, float]) -> None:
        self._watched.trained(step, steps, logged)
        new = {SHOWN[name]: value for name, value in logged.items() if name in SHOWN}
        if new or step == steps or self._due():
            self._progress(stage, new, step=step, steps=steps)

    def track(self, batches: Iterable[Any], total: int, label: str) -> Iterator[Any]:
        self._watched.batch(label, 0, total)
        for done, batch in enumerate(batches, start=1):
            yield batch
            self._watched.batch(label, done, total)
            if done == total or self._due():
                self._progress(self._stage, {}, doing=label, batch=done, batches=total)

    def of(self, stage: str) -> Reporter:
        return JsonLines(stage, self._file)

    def changed(self, change: Change) -> None:
        told = asdict(change)
        totals = {**told["totals"], "waiting": change.totals.waiting}
        rest = {name: told[name] for name in ("seconds", "error", "log", "command") if told[name] not in (None, "")}
        self.tell(change.happened, stage=change.stage, **rest, totals=totals)

    def tell(self, event: str, *, stage: str = "", **values: Any) -> None:
        """Prints an event."""
        of = {"stage": stage or self._stage} if stage or self._stage else {}
        line = json.dumps({"time": now(), "event": event, **of, **values}, ensure_ascii=False)
        print(line, file=self._file or sys.stderr, flush=True)

    def _progress(self, stage: str, new: dict[str, float], **values: Any) -> None:
        known = {"rate": self._watched.rate, "seconds_left": self._watched.left}
        shown = {name: float(f"{value:.4g}") for name, value in known.items() if value is not None}
        self.tell("progress", stage=stage, **values, **shown, **new)

    def _due(self) -> bool:
        passed = self._watched.clock() - self._last
        if passed > _OFTEN:
            self._last = self._watched.clock()
        return passed > _OFTEN
