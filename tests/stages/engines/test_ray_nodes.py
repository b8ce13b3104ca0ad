"""What is asked of a cluster before anything is made on it."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest

from adapterstilts.errors import StoreError, UsageError
from adapterstilts.stages.engines.ray_nodes import Nodes, Share, connected

pytest.importorskip("ray")


@pytest.mark.slow
def test_a_share_is_what_a_stage_needs_of_a_node_and_one_that_no_node_has_is_refused(
    cluster: Any, tmp_path: Path
) -> None:
    with connected(cluster.address):
        assert Share().resources("auto") == {"CPU": 1}  # there is no GPU
        assert Share(2, 1, "3G").resources("cpu") == {"CPU": 2, "GPU": 1, "memory": 3 * 1024**3}
        nodes = Nodes(Share().resources("auto"))
        assert nodes.room() >= 1
        nodes.check_store(tmp_path / "store")
        assert list((tmp_path / "store").iterdir()) == []
        with pytest.raises(
            UsageError, match=r"No node of the Ray cluster has what a stage needs: 64 CPU\. Lower --cpus"
        ):
            Nodes(Share(cpus=64).resources("auto"))


def test_a_store_that_a_node_does_not_see_is_refused(cluster: Any, tmp_path: Path) -> None:
    """A folder under a name that only this process has for it."""
    descriptor = os.open(tmp_path, os.O_RDONLY)
    here = Path(f"/proc/self/fd/{os.dup2(descriptor, 400)}")
    try:
        with (
            connected(cluster.address),
            pytest.raises(StoreError, match=r"--store /proc/self/fd/400 is not seen by 1 of 1 nodes: .* Put it"),
        ):
            Nodes({"CPU": 1}).check_store(here)
    finally:
        os.close(400)
        os.close(descriptor)
    assert list(tmp_path.iterdir()) == []


def test_a_cluster_that_is_not_there_is_said_at_once() -> None:
    begun = time.monotonic()
    refused = r"--address 127\.0\.0\.1:1: Connection refused\. Give the address that"
    with pytest.raises(UsageError, match=refused), connected("127.0.0.1:1"):
        pass
    assert time.monotonic() - begun < 10
