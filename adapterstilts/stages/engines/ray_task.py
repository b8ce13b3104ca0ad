"""What a Ray worker does: one stage, of which it tells through a queue."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from adapterstilts.errors import StoreError
from adapterstilts.stages.ending import ended_by_signals
from adapterstilts.stages.engines.orders import Message, Order, Sending, carry_out

Send = Callable[[tuple[str, Message]], None]
"""What takes a message with the key of its stage on its way."""


def make_stage_here(order: Order, key: str, queue: str) -> tuple[Message, int]:
    """What a task is: `make_stage`, with messages that go through a queue.

    Args:
        queue: Name of its actor, which a worker looks for when it has something to say, and once.
    """
    return make_stage(order, key, lambda message: _sender(queue)(message))


@lru_cache(maxsize=1)
def _sender(queue: str) -> Send:
    import ray

    actor = ray.get_actor(queue)
    return lambda message: ray.get(actor.put.remote(message))


def make_stage(order: Order, key: str, send: Send) -> tuple[Message, int]:
    """Makes a stage; returns the last message of it, and how many others were sent.

    A worker belongs to one command, and makes one stage after the other: the frozen backbone stays loaded.

    Args:
        key: Beside each message that is sent.
    """
    sent = 0

    def tell(message: Message) -> None:
        nonlocal sent
        send((key, message))
        sent += 1

    with ended_by_signals(owned=True):
        if not order.folder.is_dir():
            return Message("failed", (StoreError(f"A worker does not see {order.folder}."), "")), 0
        os.chdir(order.folder)
        return carry_out(order, Sending(tell)), sent


def sees(path: Path) -> bool:
    """Whether a file is there for a worker."""
    return path.is_file()
