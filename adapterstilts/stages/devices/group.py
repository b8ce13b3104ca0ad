"""What processes that make a stage together tell each other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from adapterstilts.errors import sendable

T = TypeVar("T")


@dataclass(frozen=True)
class Group:
    """The processes that make a stage; by default this one alone, to which nothing has to be told.

    Each of the methods has to be called by all of them.

    Attributes:
        rank: Number of this process: the first one leads, decides, and writes.
        count: How many there are.
    """

    rank: int = 0
    count: int = 1

    @property
    def leads(self) -> bool:
        """Whether this is the process that decides and writes."""
        return self.rank == 0

    @property
    def several(self) -> bool:
        """Whether there are others."""
        return self.count > 1

    def mine(self, things: Sequence[T]) -> list[T]:
        """This process's share of things that each process could do: every `count`-th."""
        return list(things[self.rank :: self.count])

    def from_leader(self, compute: Callable[[], T]) -> T:
        """What the leader computes, in every process; what it raises is raised in every process."""
        if not self.several:
            return compute()
        import torch.distributed as dist

        told: list[Any] = [None]
        raised: Exception | None = None
        if self.leads:
            try:
                told = [(True, compute())]
            except Exception as error:
                raised, told = error, [(False, sendable(error))]
        dist.broadcast_object_list(told, src=0)
        if raised is not None:
            raise raised
        ((done, value),) = told
        if not done:
            raise value
        return value

    def leader_first(self, compute: Callable[[], T]) -> T:
        """What each process computes, the leader before the others, who then find what it has put into caches."""
        if not self.several:
            return compute()
        if self.leads:
            found: list[T] = []
            self.from_leader(lambda: found.append(compute()))
            return found[0]
        self.from_leader(_nothing)
        return compute()

    def to_leader(self, value: T) -> list[T]:
        """The value of each process, in the leader; nothing in the others."""
        if not self.several:
            return [value]
        import torch.distributed as dist

        found: list[Any] | None = [None] * self.count if self.leads else None
        dist.gather_object(value, found, dst=0)
        return found or []

    def sums(self, *values: float) -> list[float]:
        """Each value, added up over the processes."""
        if not self.several:
            return list(values)
        import torch
        import torch.distributed as dist

        total = torch.tensor(values, dtype=torch.float64)
        dist.all_reduce(total)
        return total.tolist()

    def mean(self, tensor: Any) -> Any:
        """The mean of a tensor over the processes."""
        if not self.several:
            return tensor
        import torch.distributed as dist

        dist.all_reduce(tensor)
        return tensor / self.count

    def wait(self) -> None:
        """Until all are here."""
        self.sums(0)


ALONE = Group()


def _nothing() -> None:
    """What a process passes that is told something."""
