"""Ending by a signal: SIGTERM, which batch systems send, ends a graph as Ctrl-C does."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Terminated(KeyboardInterrupt):
    """SIGTERM has come."""

    exit_code = 128 + signal.SIGTERM


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """While it lasts, SIGTERM raises `Terminated`, unless somebody else handles it.

    Raises:
        Terminated: It has come.
    """
    free = threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    if not free:
        yield
        return
    signal.signal(signal.SIGTERM, _end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _end(number: int, frame: FrameType | None) -> None:
    raise Terminated
