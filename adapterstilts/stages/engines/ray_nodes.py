"""The nodes of a Ray cluster: the connection to them, how much room they have, and whether they see the store."""

from __future__ import annotations

import signal
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adapterstilts.errors import StoreError, UsageError
from adapterstilts.stages.engines.ray_task import sees

# How often it is looked how many nodes there are.
_LOOK_SECONDS = 2.0
_ANSWER_SECONDS = 10.0
_ADDRESS = "Give the address that `ray start --head` has printed, or leave it out."
_BYTES = {"K": 1024, "M": 1024**2, "G": 1024**3, "T": 1024**4}


@dataclass(frozen=True)
class Share:
    """What of a node a stage gets.

    Attributes:
        gpus: None for one where the cluster has any.
        memory: With its unit, such as `16G`; None reserves none.
    """

    cpus: int = 1
    gpus: int | None = None
    memory: str | None = None

    def resources(self, device: str) -> dict[str, float]:
        """Ray's names of resources to how much of each."""
        import ray

        there = device != "cpu" and ray.cluster_resources().get("GPU", 0) > 0
        found: dict[str, float] = {"CPU": self.cpus, "GPU": int(there) if self.gpus is None else self.gpus}
        if self.memory is not None:
            found["memory"] = int(self.memory[:-1]) * _BYTES[self.memory[-1]]
        return {name: amount for name, amount in found.items() if amount}


class Nodes:
    """The nodes of the cluster, for stages that need something of them.

    Args:
        needed: Ray's names of resources to how much a stage needs of each.

    Raises:
        UsageError: No node has so much.
    """

    def __init__(self, needed: dict[str, float]) -> None:
        self.needed = needed
        self._looked = float("-inf")
        self._room = 0
        if not self.room():
            wanted = ", ".join(f"{amount:g} {name}" for name, amount in needed.items())
            raise UsageError(
                f"No node of the Ray cluster has what a stage needs: {wanted}.",
                remedy="Lower --cpus, --gpus or --memory, or start nodes that have it.",
            )

    def room(self) -> int:
        """How many stages fit in at a time."""
        if time.monotonic() - self._looked > _LOOK_SECONDS:
            self._looked = time.monotonic()
            self._room = sum(
                min(int(node["Resources"].get(name, 0) // amount) for name, amount in self.needed.items())
                for node in _alive()
            )
        return self._room

    def check_store(self, root: Path) -> None:
        """Has every node look for a file that this process puts into the store.

        Raises:
            StoreError: Some do not see it.
        """
        import ray
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        token = root / f".seen-{uuid.uuid4().hex}"
        root.mkdir(parents=True, exist_ok=True)
        token.touch()
        looks: dict[str, Any] = {}
        try:
            for node in _alive():
                there = NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
                task = ray.remote(sees).options(num_cpus=0, scheduling_strategy=there)
                looks[f"{node['NodeManagerHostname']} ({node['NodeManagerAddress']})"] = task.remote(token)
            blind = [name for name, look in looks.items() if not _answer(look)]
        finally:
            token.unlink(missing_ok=True)
        if blind:
            raise StoreError(
                f"--store {root} is not seen by {len(blind)} of {len(looks)} nodes: {', '.join(blind)}.",
                remedy="Put it on a file system that all nodes have at the same place.",
            )


def _answer(look: Any) -> bool:
    """Whether a node sees the file; one that has gone meanwhile, which a cluster notices late, is not asked for it."""
    import ray
    from ray.exceptions import RayError

    try:
        return ray.get(look)
    except RayError:
        return True


def _alive() -> list[dict[str, Any]]:
    import ray

    return [node for node in ray.nodes() if node["Alive"]]


@contextmanager
def connected(address: str | None) -> Iterator[None]:
    """A connection to the cluster, that of the process if it has one.

    Raises:
        UsageError: There is none at the address.
    """
    import ray

    if ray.is_initialized():
        yield
        return
    _check_answers(address)
    here = threading.current_thread() is threading.main_thread()
    before = signal.getsignal(signal.SIGTERM)
    try:
        ray.init(address, log_to_driver=False, logging_level="ERROR")
    except (ConnectionError, ValueError) as error:
        raise UsageError(
            f"--address {address}: {str(error).strip().partition(chr(10))[0]}",
            remedy=_ADDRESS,
        ) from None
    if here:  # Ray has put its own there
        signal.signal(signal.SIGTERM, before)
    try:
        yield
    finally:
        ray.shutdown()


def _check_answers(address: str | None) -> None:
    """Refuses an address where nobody listens, which Ray tries for minutes.

    Raises:
        UsageError: See above.
    """
    host, _, port = (address or "").rpartition("/")[2].rpartition(":")
    if not port.isdigit():
        return
    try:
        socket.create_connection((host, int(port)), timeout=_ANSWER_SECONDS).close()
    except OSError as error:
        raise UsageError(f"--address {address}: {error.strerror or error}.", remedy=_ADDRESS) from None


@contextmanager
def open_queue() -> Iterator[tuple[Any, str]]:
    """A queue of what workers tell, and the name of its actor.

    It is on the node of this process, so that no other one that ends takes it along.
    """
    import ray
    from ray.util.queue import Queue
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    name = f"astilts-{uuid.uuid4().hex}"
    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
    queue = Queue(actor_options={"num_cpus": 0, "scheduling_strategy": here, "name": name})
    try:
        yield queue, name
    finally:
        queue.shutdown(force=True)
