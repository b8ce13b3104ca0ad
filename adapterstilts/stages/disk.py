"""Refusing what would fill the disk, before it has begun."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from adapterstilts.errors import StoreError
from adapterstilts.modeling.architecture import Facts
from adapterstilts.modeling.backbone import Backbone
from adapterstilts.runs.full_disk import can_hold, free_bytes, size
from adapterstilts.stages.estimates.estimate import needed_bytes
from adapterstilts.stages.graph import Graph
from adapterstilts.stages.setup import Setup

# What has to stay free beside what is needed: a share of it, and some bytes for logs and file systems' own records.
_SHARE, _BYTES = 0.05, 2_000_000
# Room for data, with which nothing needs to be looked at closely where weights surely fit.
_PLENTY = 5_000_000_000
# Bytes that are tried to be had, since a quota shows in no number of free ones.
_TRIED = 64_000_000


Planned = tuple[Graph, Setup, Facts]
"""Stages with what they are made with, and what is known of their backbone."""


def check_disk(graph: Graph, setup: Setup, facts: Facts, *, force: bool) -> None:
    """As `check_disks`, of stages that are made with the same things."""
    check_disks([(graph, setup, facts)], force=force)


def check_disks(planned: Sequence[Planned], *, force: bool) -> None:
    """Refuses to start where the store's file system has no room for what is missing.

    Rows of data that nobody has counted yet are not in what is needed; a full disk stops a stage later then, which goes
    on from its last checkpoint.

    Args:
        planned: All that is made in one store.

    Raises:
        StoreError: See above; it says how much is needed and how much is free.
    """
    root = planned[0][1].store.root
    free = free_bytes(root)
    if free > _PLENTY + sum(_most(graph, setup.backbone) for graph, setup, _ in planned):
        return
    needed = sum(needed_bytes(graph, setup, facts, force=force) for graph, setup, facts in planned)
    wanted = round(needed * (1 + _SHARE)) + _BYTES
    if needed and (free < wanted or not can_hold(root, min(wanted, _TRIED))):
        raise StoreError(
            f"The stages that are missing need about {size(wanted)} below --store {root}, where {size(free)} are free.",
            remedy="Free some space, or choose another disk with --store; --plan says what takes how much.",
        )


def _most(graph: Graph, backbone: Backbone) -> float:
    """Bytes that the stages of a graph do not exceed; endless where the weights of the backbone are not in a folder."""
    trainings = sum(stage.trains for stage in graph.to_make())
    most = _most_of_a_training(backbone)
    return math.inf if most is None else most * (trainings + 5)


def _most_of_a_training(backbone: Backbone) -> int | None:
    """Bytes that no training stage exceeds, by the weights of the backbone; None where these are not in a folder."""
    files = [*Path(backbone.path).glob("*.safetensors"), *Path(backbone.path).glob("pytorch_model*.bin")]
    # Weights can be in 16 bits; methods with full matrices of their own are as large as the backbone.
    return 4 * sum(file.stat().st_size for file in files) if files else None
