"""What crosses to whoever makes a stage elsewhere, and what comes back of it."""

from __future__ import annotations

import sys
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any, Literal

from adapterstilts.errors import sendable
from adapterstilts.runs.specs import StageSpec
from adapterstilts.stages.engines.course import BusyError, busy
from adapterstilts.stages.reporter import Change, Reporter
from adapterstilts.stages.run import run_stage
from adapterstilts.stages.setup import Setup

# Progress is told no more often, in seconds.
_OFTEN = 0.1

Sort = Literal["note", "trained", "batch", "made", "busy", "failed"]
Make = Callable[..., Any]
"""What makes a stage: it is called as `run_stage` is."""


@dataclass(frozen=True)
class Order:
    """A stage to make.

    Attributes:
        command: The words of the command that it is made for, which its provenance names.
        folder: Where the command was begun, which relative paths are relative to.
        make: What does it, a function of a module.
    """

    spec: StageSpec
    setup: Setup
    force: bool
    command: tuple[str, ...]
    folder: Path
    make: Make = run_stage

    @classmethod
    def of_this_process(cls, spec: StageSpec, setup: Setup, *, force: bool, make: Make = run_stage) -> Order:
        """That of a command which is this process."""
        return cls(spec, setup, force, tuple(sys.argv), Path.cwd(), make)


@dataclass(frozen=True)
class Message:
    """What is said of the stage that is made.

    Attributes:
        sort: `note` and `trained` have the arguments of the reporter's methods, `batch` label, number of batches, and
            how many of them are done. `busy` has a message, `failed` the error and its traceback as text, and `made`
            nothing; each of these three is the last one of its stage.
    """

    sort: Sort
    values: tuple[Any, ...] = ()


class Sending:
    """The reporter of whoever makes stages elsewhere.

    Args:
        send: Sends a message on its way.
    """

    def __init__(self, send: Callable[[Message], None]) -> None:
        self._send = send
        self._last = 0.0
        self._lock = Lock()

    def send(self, message: Message) -> None:
        """Sends a message; from any thread."""
        with self._lock:
            self._send(message)

    def note(self, message: str) -> None:
        self.send(Message("note", (message,)))

    def trained(self, stage: str, step: int, steps: int, logged: dict[str, float]) -> None:
        if logged or step == steps or self._due():
            values = {name: float(value) for name, value in logged.items()}
            self.send(Message("trained", (stage, step, steps, values)))

    def track(self, batches: Iterable[Any], total: int, label: str) -> Iterator[Any]:
        self.send(Message("batch", (label, total, 0)))
        for done, batch in enumerate(batches, start=1):
            yield batch
            if done == total or self._due():
                self.send(Message("batch", (label, total, done)))

    def of(self, stage: str) -> Reporter:
        return self

    def changed(self, change: Change) -> None:
        pass

    def _due(self) -> bool:
        now = time.monotonic()
        due = now - self._last > _OFTEN
        self._last = now if due else self._last
        return due


def carry_out(order: Order, reporter: Reporter) -> Message:
    """Makes a stage, and says what has become of it.

    Raises:
        Terminated: A signal has ended it.
    """
    sys.argv = list(order.command)
    try:
        order.make(order.spec, order.setup, reporter, force=order.force, on_wait=busy)
    except BusyError as error:
        return Message("busy", (str(error),))
    except Exception as error:
        return Message("failed", (sendable(error), "".join(traceback.format_exception(error))))
    return Message("made")
