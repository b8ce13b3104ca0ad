"""Whether processes can go on together after a stage: if all of them have made it, or failed of the same."""

from __future__ import annotations

from adapterstilts.errors import AstiltsError
from adapterstilts.stages.devices.launch import Launch, ProcessLostError
from adapterstilts.stages.devices.messages import Messages

# What fails in all processes fails in all of them within moments; after a stage that was made there is more time.
_MOMENTS = 20.0
_LONG = 600.0
_MADE = ""


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
    for rank in range(launch.count):
        if rank not in outcomes:
            try:
                outcomes[rank] = messages.receive(_name(number, rank), seconds=_MOMENTS if own else _LONG)
            except TimeoutError:
                continue
    if set(outcomes.values()) == {own} and len(outcomes) == launch.count:
        return
    causes = {rank: said for rank, said in outcomes.items() if said}
    if not _is_meant(error) and len(causes) > 1:  # without the others this process has failed as well
        causes.pop(launch.rank, None)
    raise ProcessLostError(_told(causes, outcomes, launch), remedy="The same command goes on from the last checkpoint.")


def _told(causes: dict[int, str], outcomes: dict[int, str], launch: Launch) -> str:
    lines = [f"Process {rank} of {launch.count}: {said}" for rank, said in sorted(causes.items())]
    silent = [rank for rank in range(launch.count) if rank not in outcomes]
    if not lines:
        lines = [f"Process {rank} of {launch.count} does not answer." for rank in silent]
    return "\n".join([*lines, "The processes of a stage end together."])


def _is_meant(error: BaseException | None) -> bool:
    """Whether an error says what was wrong, and is not that of a broken connection."""
    match error:
        case AstiltsError():
            return True
    return False


def _said(error: BaseException) -> str:
    return str(error) if _is_meant(error) else f"{type(error).__name__}: {error}"


def _name(number: int, rank: int) -> str:
    return f"outcome/{number}/{rank}"
