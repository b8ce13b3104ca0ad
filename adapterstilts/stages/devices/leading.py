"""The first of several processes: it runs the command, and has the others make each stage with it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from adapterstilts.errors import ProcessLostError
from adapterstilts.runs.specs import StageSpec
from adapterstilts.stages.devices.group import ALONE, Group
from adapterstilts.stages.devices.launch import Launch
from adapterstilts.stages.setup import Setup

if TYPE_CHECKING:
    from adapterstilts.stages.devices.messages import Messages

# How long the others have to hear that there is nothing more.
_FAREWELL = 10.0


@dataclass(frozen=True)
class Order:
    """A stage that all processes make together.

    Attributes:
        work: Its folder, whose lock the first process holds.
    """

    spec: StageSpec
    setup: Setup
    work: Path


class Leader:
    """What the first process has the others do."""

    def __init__(self, messages: Messages) -> None:
        self._messages = messages
        self._orders = 0
        self._lost = False

    @property
    def launch(self) -> Launch:
        """What the launcher says."""
        return self._messages.launch

    @contextmanager
    def stage(self, order: Order) -> Iterator[Group]:
        """While it lasts, all processes make a stage.

        Raises:
            ProcessLostError: It has failed in some of them alone; none can be made any more.
        """
        from adapterstilts.stages.devices.outcomes import agree, tell

        if self._lost:
            raise ProcessLostError("The other processes have ended.", remedy="Repeat the command.")
        number, self._orders = self._orders, self._orders + 1
        self._messages.send(order_name(number), order)
        error: BaseException | None = None
        self._lost = True  # until it is known that they are not
        try:
            yield self._messages.group(order.setup.device)
        except Exception as raised:
            error = raised
        except BaseException as ended:  # a signal: the others need not wait
            tell(self._messages, number, ended)
            raise
        agree(self._messages, number, error)
        self._lost = False
        if error is not None:
            self._messages.leave_group()
            raise error

    def end(self) -> None:
        """Lets the others end."""
        with suppress(ProcessLostError, TimeoutError):
            self._messages.send(order_name(self._orders), None)
            for rank in range(1, self.launch.count if not self._lost else 1):
                self._messages.receive(farewell_name(rank), seconds=_FAREWELL)
            self._messages.leave_group()


class _Joined:
    """What this process leads: that is the process's own, as its environment is."""

    leader: Leader | None = None


def order_name(number: int) -> str:
    """What an order is called, from 0."""
    return f"order/{number}"


def farewell_name(rank: int) -> str:
    """What the last message of a process is called."""
    return f"farewell/{rank}"


@contextmanager
def leading(launch: Launch) -> Iterator[None]:
    """While it lasts, stages that this process makes are made by all processes of its launcher.

    Raises:
        ProcessLostError: The others cannot be reached.
    """
    from adapterstilts.stages.devices.messages import Messages

    leader = Leader(Messages(launch))
    _Joined.leader = leader
    try:
        yield
    finally:
        _Joined.leader = None
        leader.end()


def joined() -> Launch | None:
    """The launcher's processes, where this one leads them."""
    return _Joined.leader.launch if _Joined.leader else None


@contextmanager
def together(spec: StageSpec, setup: Setup, work: Path) -> Iterator[Group]:
    """While it lasts, a stage is made: by this process, or by all that it leads.

    Args:
        work: The stage's folder.
    """
    if _Joined.leader is None:
        yield ALONE
        return
    with _Joined.leader.stage(Order(spec, setup, work)) as group:
        yield group
