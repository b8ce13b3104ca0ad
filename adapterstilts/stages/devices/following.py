"""Every process of several but the first: it takes part in what the first one has to do, and nothing else."""

from __future__ import annotations

import sys
from dataclasses import replace

from adapterstilts.errors import ProcessLostError
from adapterstilts.stages.devices.launch import Launch
from adapterstilts.stages.devices.leading import Order, farewell_name, order_name
from adapterstilts.stages.devices.messages import Messages
from adapterstilts.stages.devices.outcomes import agree
from adapterstilts.stages.ending import Terminated, ended_by_signals
from adapterstilts.stages.making import make
from adapterstilts.stages.reporter import Silent


def follow(launch: Launch) -> None:
    """Takes part in stage after stage, until the first process has nothing more to do.

    Signals end it as they end the first process: once the running step is saved.

    Raises:
        ProcessLostError: The first process is gone, or a stage has failed in some processes alone.
    """
    messages = Messages(launch)
    number = 0
    try:
        with ended_by_signals(owned=True):
            while (order := messages.receive(order_name(number))) is not None:
                _take_part(order, number, messages)
                number += 1
    except Terminated as ended:  # the first one says so
        sys.exit(ended.exit_code)
    messages.send(farewell_name(launch.rank), None)
    messages.leave_group()


def _take_part(order: Order, number: int, messages: Messages) -> None:
    """Makes a stage with the others."""
    error: Exception | None = None
    # Only the first process shows what is trained.
    setup = replace(order.setup, report_to=())
    try:
        group = messages.group(setup.device)
        with setup.catalogue.in_use():
            make(order.spec, setup, order.work, Silent(), group)
    except Exception as raised:
        error = raised
    try:
        agree(messages, number, error)
    except ProcessLostError as lost:
        if messages.launch.rank in lost.ranks:
            raise
        sys.exit(1)  # others say why
    if error is not None:
        messages.leave_group()
