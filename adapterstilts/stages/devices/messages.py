"""Letters between processes that wait for each other without computing: kept by the launcher, or the first process.

Unlike the collective operations of `Group` they can wait for days, and tell who has failed when these no longer work.
"""

from __future__ import annotations

import os
import pickle
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist
from torch.distributed.rendezvous import rendezvous

from adapterstilts.errors import ProcessLostError, UsageError
from adapterstilts.modeling.precision import choose_device
from adapterstilts.stages.devices.group import Group
from adapterstilts.stages.devices.launch import Launch

# One process can work alone for hours, as where it decodes and scores, while the others wait for its next message.
_PATIENCE = timedelta(hours=24)
_A_WHILE = timedelta(minutes=10)
# Signals are heard between two looks.
_LISTEN = timedelta(seconds=2)


class Messages:
    """Those of the processes of one launcher.

    Args:
        launch: What it says to this process.

    Raises:
        ProcessLostError: The others cannot be reached.
    """

    def __init__(self, launch: Launch) -> None:
        self.launch = launch
        self._groups = 0
        with _lost(launch):
            store, _, _ = next(iter(rendezvous("env://", timeout=_A_WHILE)))
            self._store = dist.PrefixStore("astilts", store)

    def send(self, name: str, value: Any) -> None:
        """Writes a message, for all of them."""
        with _lost(self.launch):
            self._store.set(name, pickle.dumps(value))  # type: ignore[arg-type]  # its stub says text alone

    def receive(self, name: str, *, seconds: float | None = None) -> Any:
        """A message, once it is there.

        Args:
            seconds: How long to wait; for ever by default.

        Raises:
            TimeoutError: It has not come.
            ProcessLostError: It never will.
        """
        end = float("inf") if seconds is None else time.monotonic() + seconds
        with _lost(self.launch):
            while True:
                try:
                    self._store.wait([name], _LISTEN)
                except dist.DistStoreError:
                    if time.monotonic() > end:
                        raise TimeoutError(name) from None
                else:
                    return pickle.loads(self._store.get(name))

    def group(self, device: str) -> Group:
        """The processes as a group that computes together, each on its device; after an error, a new one.

        Args:
            device: As `choose_device` takes it.

        Raises:
            UsageError: There are fewer GPUs than processes.
        """
        backend = "gloo"
        if choose_device(device).type == "cuda":
            here = torch.cuda.device_count()
            if self.launch.local_count > here:
                raise UsageError(
                    f"{self.launch.local_count} processes were started on a machine with {here} GPUs.",
                    remedy=f"Start {here} at most, or give --device cpu.",
                )
            torch.cuda.set_device(self.launch.local_rank)
            backend = "cpu:gloo,cuda:nccl"
        if not dist.is_initialized():
            self._groups += 1
            dist.init_process_group(
                backend,
                store=dist.PrefixStore(f"group-{self._groups}", self._store),
                rank=self.launch.rank,
                world_size=self.launch.count,
                timeout=_PATIENCE,
            )
        return Group(self.launch.rank, self.launch.count)

    def leave_group(self) -> None:
        """Ends the group, whose next one begins anew."""
        if dist.is_initialized():
            dist.destroy_process_group()


@contextmanager
def _lost(launch: Launch) -> Iterator[None]:
    """Explains what torch says of a connection that is gone."""
    try:
        yield
    except (dist.DistNetworkError, dist.DistStoreError, ConnectionError) as error:
        raise ProcessLostError(
            f"Process {launch.rank} of {launch.count} no longer reaches the others at "
            f"{os.environ.get('MASTER_ADDR')}:{os.environ.get('MASTER_PORT')}.",
            remedy="See what the launcher says of them; the same command goes on from the last checkpoint.",
        ) from error
