"""Ending by a signal: what batch systems and terminals send lets a training save its last step before it ends."""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from adapterstilts.errors import AstiltsError

# Ctrl-C, the end of a job, and the warning of a batch system that it comes; Windows lacks the last.
ENDING = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGUSR1") if hasattr(signal, name))
_DEFAULTS = (signal.SIG_DFL, signal.default_int_handler)
# For so many seconds another signal says the same again: a batch system tells all processes of a job of its end, and
# whoever has started some of them passes it on to these. Nobody passes on what a person types twice.
_TOLD_AGAIN = 5.0


class Terminated(KeyboardInterrupt):
    """A signal has come, and what ran has been left.

    Attributes:
        number: The signal.
        step: The last step of a training that has been saved because of it; None where nothing was trained.
    """

    def __init__(self, number: int, step: int | None = None) -> None:
        super().__init__(f"{signal.Signals(number).name} has come")
        self.number = number
        self.step = step

    @property
    def exit_code(self) -> int:
        """What a process ends with then, as shells have it: 130 after SIGINT, 143 after SIGTERM."""
        return 128 + self.number


class _Received:
    """What this process has received; signals are its own, and so is this.

    Attributes:
        first: The first signal, and `since` when it came.
        waits: How many blocks put it off.
    """

    def __init__(self) -> None:
        self.first: int | None = None
        self.since = 0.0
        self.waits = 0

    def hear(self, number: int, frame: FrameType | None) -> None:
        """Ends what runs, unless it can wait and this is the first signal, or the first one told again."""
        again = self.first is not None
        if not again:
            self.first, self.since = number, time.monotonic()
        elif number != signal.SIGINT and time.monotonic() - self.since < _TOLD_AGAIN:
            return  # what the first one has begun goes on: a step is saved, or is said to be
        if again or not self.waits:
            raise Terminated(number)


_RECEIVED = _Received()


@contextmanager
def ended_by_signals(*, owned: bool = False) -> Iterator[None]:
    """While it lasts, signals that end a process raise `Terminated`, except those that somebody else handles.

    In a block of `put_off` the first one waits; a second one ends what runs at once, unless it comes in the same moment
    as the first and is not Ctrl-C.

    Args:
        owned: Whether the process does nothing else, so that nobody else's handling of signals counts.

    Raises:
        Terminated: One has come.
    """
    taken: dict[int, Any] = {}
    if threading.current_thread() is threading.main_thread():
        before = {number: signal.getsignal(number) for number in ENDING}
        taken = {number: handler for number, handler in before.items() if owned or handler in _DEFAULTS}
    for number in taken:
        signal.signal(number, _RECEIVED.hear)
    unraisable = sys.unraisablehook

    def unless_ending(told: Any) -> None:
        """Python drops what is raised where an object is deleted; that a signal has come is known nonetheless."""
        if not isinstance(told.exc_value, Terminated):
            unraisable(told)

    if taken:
        sys.unraisablehook = unless_ending
    try:
        with unmasked():
            yield
        if taken and _RECEIVED.first is not None:  # where Python could not raise anything
            raise Terminated(_RECEIVED.first)
    finally:
        if taken:
            sys.unraisablehook = unraisable
        for number, handler in taken.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
        if taken:
            _RECEIVED.first = None


@contextmanager
def unmasked() -> Iterator[None]:
    """While it lasts, an error that a library has made of what a signal raised in it is the signal again.

    Those in Rust and C++ do so.

    Raises:
        Terminated: One has come.
    """
    try:
        yield
    except (AstiltsError, OSError):  # what they say has to be known, such as that the last step could not be saved
        raise
    except Exception as error:
        if _RECEIVED.first is not None:
            raise Terminated(_RECEIVED.first) from error
        raise


@contextmanager
def put_off() -> Iterator[None]:
    """While it lasts, the first signal waits: until it is asked for (`signal_waiting`), or for the end of the block.

    Raises:
        Terminated: One has come, and the block has ended.
    """
    _RECEIVED.waits += 1
    try:
        yield
    finally:
        _RECEIVED.waits -= 1
    if _RECEIVED.first is not None and not _RECEIVED.waits:
        raise Terminated(_RECEIVED.first)


def signal_waiting() -> int | None:
    """The signal that has come and waits, if one does."""
    return _RECEIVED.first
