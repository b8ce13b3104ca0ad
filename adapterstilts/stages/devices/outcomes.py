"""Whether processes can go on together after a stage: if all of them have made it, or failed of the same."""

from __future__ import annotations

import re
import time
from contextlib import suppress

from adapterstilts.errors import AstiltsError, ProcessLostError
from adapterstilts.stages.devices.messages import Messages

# What fails in all processes fails in all of them within moments; after a stage that was made there is more time.
_MOMENTS = 10.0
_LONG = 600.0
_MADE = ""
_SILENT = "it has ended without a word."
# What torch says where another process no longer answers.
_BROKEN = re.compile(r"gloo|NCCL|[Cc]onnection (closed|reset|was broken)|Broken pipe")


def tell(messages: Messages, number: int, error: BaseException | None) -> str:
    """Tells the others what has become of a stage in this process: what is said is returned, nothing where it was made.

    Args:
        number: Of the stage's order.
        error: What it has failed of; None where it was made.
    """
    said = _MADE if error is None else _said(error)
    messages.send(_name(number, messages.launch.rank), said)
    return said


def agree(messages: Messages, number: int, error: BaseException | None) -> None:
    """As `tell`, and waits for what the others say.

    Raises:
        ProcessLostError: It has failed in some processes alone, or they are gone.
    """
    launch = messages.launch
    own = tell(messages, number, error)
    outcomes = {launch.rank: own}
    end = time.monotonic() + (_MOMENTS if own else _LONG)
    for rank in range(launch.count):
        if rank not in outcomes:
            with suppress(TimeoutError):
                outcomes[rank] = messages.receive(_name(number, rank), seconds=end - time.monotonic())
    if set(outcomes.values()) == {own} and len(outcomes) == launch.count:
        return
    causes = _causes(outcomes, launch.count)
    lines = [f"Process {rank} of {launch.count}: {said}" for rank, said in sorted(causes.items())]
    raise ProcessLostError(
        "\n".join([*lines, "The processes of a stage end together."]),
        remedy="The same command goes on from the last checkpoint.",
        ranks=causes,
    )


def _causes(outcomes: dict[int, str], count: int) -> dict[int, str]:
    """What has been wrong first: errors, or else processes that are gone, of which the others feel the connection."""
    failed = {rank: said for rank, said in outcomes.items() if said}
    silent = {rank: _SILENT for rank in range(count) if rank not in outcomes}
    return {rank: said for rank, said in failed.items() if not _BROKEN.search(said)} or silent or failed


def _said(error: BaseException) -> str:
    match error:
        case AstiltsError():
            return str(error)
    return f"{type(error).__name__}: {error}"


def _name(number: int, rank: int) -> str:
    return f"outcome/{number}/{rank}"
