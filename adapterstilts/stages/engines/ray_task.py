"""What a Ray worker does: one stage, of which it tells through a queue."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from adapterstilts.errors import StoreError
from adapterstilts.stages.ending import ended_by_signals
from adapterstilts.stages.engines.orders import Message, Order, Sending, carry_out


def make_stage(order: Order, key: str, post: Any) -> tuple[Message, int]:
    """Makes a stage; returns the last message of it, and how many others were sent.

    A worker belongs to one command, and makes one stage after the other: the frozen backbone stays loaded.

    Args:
        key: Before each message that is sent.
        post: A `ray.util.queue.Queue` that the others are sent through.
    """
    sent = 0

    def send(message: Message) -> None:
        nonlocal sent
        post.put((key, message))
        sent += 1

    with ended_by_signals(owned=True):
        if not order.folder.is_dir():
            return Message("failed", (StoreError(f"A worker does not see {order.folder}."), "")), 0
        os.chdir(order.folder)
        return carry_out(order, Sending(send)), sent


def sees(path: Path) -> bool:
    """Whether a file is there for a worker."""
    return path.is_file()
