"""A Ray cluster of this machine."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from typing import Any

import pytest


@pytest.fixture(autouse=True)
def signals() -> Iterator[None]:
    """What handles SIGTERM stays: nodes of Ray that begin in this process put a handler of their own there."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.fixture(scope="session")
def cluster() -> Iterator[Any]:
    """A node with one core, to which others come."""
    pytest.importorskip("ray")
    from ray.cluster_utils import Cluster

    small = {"object_store_memory": 80 * 1024**2, "include_dashboard": False}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_worker_niceness", "0")  # it is 15, and other processes of the machine then come first
        before = signal.getsignal(signal.SIGTERM)
        found = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, **small})
        signal.signal(signal.SIGTERM, before)
        yield found
        found.shutdown()
