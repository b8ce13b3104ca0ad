"""A process that makes stages for another one: it imports torch once, and keeps a frozen backbone between stages."""

from __future__ import annotations

import os
import pickle
import sys
import time
import traceback
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from queue import SimpleQueue
from threading import Lock, Thread
from typing import Any, Literal

from adapterstilts.runs.specs import StageSpec
from adapterstilts.stages.engines.course import BusyError, busy
from adapterstilts.stages.reporter import Change, Reporter
from adapterstilts.stages.run import run_stage
from adapterstilts.stages.setup import Setup

# Progress is told no more often, in seconds.
_OFTEN = 0.1

Sort = Literal["note", "trained", "batch", "made", "busy", "failed"]


@dataclass(frozen=True)
class Order:
    """A stage to make.

    Attributes:
        command: The words of the command that it is made for, which its provenance names.
    """

    spec: StageSpec
    setup: Setup
    force: bool
    command: tuple[str, ...]


@dataclass(frozen=True)
class Message:
    """What a worker says of the stage that it makes.

    Attributes:
        sort: `note` and `trained` have the arguments of the reporter's methods, `batch` label, number of batches, and
            how many of them are done. `busy` has a message, `failed` the error and its traceback as text, and `made`
            nothing; after these three it waits for the next order.
    """

    sort: Sort
    values: tuple[Any, ...] = ()


class Sending:
    """The reporter of a worker."""

    def __init__(self, link: Connection) -> None:
        self._link = link
        self._last = 0.0
        self._lock = Lock()

    def send(self, sort: Sort, *values: Any) -> None:
        """Sends a message."""
        with self._lock:
            self._link.send(Message(sort, values))

    def note(self, message: str) -> None:
        self.send("note", message)

    def trained(self, stage: str, step: int, steps: int, logged: dict[str, float]) -> None:
        if logged or step == steps or self._due():
            self.send("trained", stage, step, steps, {name: float(value) for name, value in logged.items()})

    def track(self, batches: Iterable[Any], total: int, label: str) -> Iterator[Any]:
        self.send("batch", label, total, 0)
        for done, batch in enumerate(batches, start=1):
            yield batch
            if done == total or self._due():
                self.send("batch", label, total, done)

    def of(self, stage: str) -> Reporter:
        return self

    def changed(self, change: Change) -> None:
        pass

    def _due(self) -> bool:
        now = time.monotonic()
        due = now - self._last > _OFTEN
        self._last = now if due else self._last
        return due


def work(descriptor: int) -> None:
    """Makes stages until nobody is left at the other end, which ends this process at once, whatever it does.

    Args:
        descriptor: Of the link.
    """
    link = Connection(descriptor)
    orders: SimpleQueue[Order] = SimpleQueue()
    Thread(target=_read, args=(link, orders), name="orders", daemon=True).start()
    reporter = Sending(link)
    while True:
        order = orders.get()
        sys.argv = list(order.command)
        try:
            run_stage(order.spec, order.setup, reporter, force=order.force, on_wait=busy)
        except BusyError as error:
            reporter.send("busy", str(error))
        except Exception as error:
            reporter.send("failed", _sendable(error), "".join(traceback.format_exception(error)))
        else:
            reporter.send("made")


def _read(link: Connection, orders: SimpleQueue[Order]) -> None:
    try:
        while True:
            orders.put(link.recv())
    except (EOFError, OSError):
        # As a kill would: checkpoints can be trusted, and whoever had to be told is gone.
        os._exit(0)


def _sendable(error: Exception) -> Exception:
    """The error, or what can be said of one that does not cross to another process."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error
