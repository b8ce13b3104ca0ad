"""A process that makes stages for another one: it imports torch once, and keeps a frozen backbone between stages."""

from __future__ import annotations

import os
import signal
import sys
import time
from contextlib import suppress
from multiprocessing.connection import Connection
from queue import SimpleQueue
from threading import Thread

from adapterstilts.stages.ending import Terminated, ended_by_signals
from adapterstilts.stages.engines.orders import Message, Order, Sending, carry_out

# What a training may take for its last step and checkpoint when nobody is left to tell, in seconds.
_ALONE = 60.0


def work(descriptor: int) -> None:
    """Makes stages until a signal comes or nobody is left at the other end.

    In either case the step of a running training is saved first.

    Args:
        descriptor: Of the link.
    """
    link = Connection(descriptor)
    orders: SimpleQueue[Order] = SimpleQueue()

    def send(message: Message) -> None:
        with suppress(OSError):  # nobody is left, which `_read` hears too
            link.send(message)

    try:
        with ended_by_signals(owned=True):
            Thread(target=_read, args=(link, orders), name="orders", daemon=True).start()
            reporter = Sending(send)
            while True:
                reporter.send(carry_out(orders.get(), reporter))
    except Terminated as ended:
        sys.exit(ended.exit_code)


def _read(link: Connection, orders: SimpleQueue[Order]) -> None:
    try:
        while True:
            orders.put(link.recv())
    except (EOFError, OSError):
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(_ALONE)
        os._exit(1)  # as a kill would: checkpoints can be trusted
