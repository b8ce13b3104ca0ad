"""What a stage takes, as it is estimated and as it was measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from adapterstilts.runs.store import MANIFEST, Run
from adapterstilts.stages.estimates.speed import Speed
from adapterstilts.stages.graph import Stage


@dataclass(frozen=True)
class StageCost:
    """What one stage takes; None where it is not known.

    Attributes:
        seconds: From its beginning to its run.
        tokens: That are trained on or read, padding not counted.
        flops: Floating-point operations as a training's metrics have them, without its evaluations; of an evaluation,
            of its forward passes.
        steps: Optimiser steps.
        memory: Most bytes in use, of the `host` and of a `device` with memory of its own.
        disk: Bytes of its run.
        scratch: Bytes of checkpoints and vectors that are deleted when it is published.
        cached: Bytes of tokenised data that stay in the store's cache.
        at_most: Whether it may end early, so that time and operations are upper bounds.
        unknown: What is not known, where something is not.
    """

    seconds: float | None = None
    tokens: int | None = None
    flops: int | None = None
    steps: int | None = None
    memory: dict[str, int] = field(default_factory=dict)
    disk: int | None = None
    scratch: int = 0
    cached: int = 0
    at_most: bool = False
    unknown: str | None = None


@dataclass(frozen=True)
class TotalCost:
    """What several stages take together, one after the other; what is not known of some is not counted.

    Attributes:
        memory: The most of any of them.
        disk: Bytes that stay: runs and tokenised data; `scratch` those that the largest stage needs besides.
        device_hours: Hours of the GPU, or of all cores together where `cores` says how many compute.
        kwh: Energy by the device's thermal design power, an upper bound; None where that is not known.
        at_most: How many stages may end early.
        unknown: Names of tasks of which something is not known, and what.
    """

    stages: int = 0
    seconds: float = 0
    flops: int = 0
    memory: dict[str, int] = field(default_factory=dict)
    disk: int = 0
    scratch: int = 0
    device_hours: float = 0
    cores: int | None = None
    kwh: float | None = None
    at_most: int = 0
    unknown: tuple[str, ...] = ()


def measured(run: Run) -> StageCost:
    """What a finished stage took, in the same quantities."""
    metrics, provenance = run.metrics, run.provenance
    size = run.bytes + (run.folder / MANIFEST).stat().st_size
    return StageCost(
        seconds=provenance.get("wall_seconds"),
        tokens=metrics.get("tokens_seen"),
        flops=metrics.get("flops"),
        steps=metrics.get("steps"),
        memory=dict(provenance.get("cost", {}).get("peak_memory_bytes", {})),
        disk=size,
    )


def total_cost(
    stages: Sequence[Stage[Any]],
    costs: Mapping[str, StageCost],
    speed: Speed | None,
    data_of: Mapping[str, Mapping[str, int]],
) -> TotalCost:
    """What stages take together.

    Args:
        costs: Key to the cost of each.
        speed: Of the machine; None where time does not count.
        data_of: Key to the tokenised data that a stage reads, with their bytes.
    """
    found = [costs[stage.key] for stage in stages]
    seconds = sum(one.seconds or 0 for one in found)
    memory: dict[str, int] = {}
    for one in found:
        for what, size in one.memory.items():
            memory[what] = max(size, memory.get(what, 0))
    # Tokenised data are kept once, whatever number of stages read them.
    data = {name: size for stage in stages for name, size in data_of.get(stage.key, {}).items()}
    unknown = {f"{stage.spec.task}: {cost.unknown}" for stage, cost in zip(stages, found, strict=True) if cost.unknown}
    cores = None if speed is None or speed.on_gpu else speed.threads
    return TotalCost(
        stages=len(stages),
        seconds=seconds,
        flops=sum(one.flops or 0 for one in found),
        memory=memory,
        disk=sum(one.disk or 0 for one in found) + sum(data.values()),
        scratch=max((one.scratch for one in found), default=0),
        device_hours=seconds / 3600 * (cores or 1),
        cores=cores,
        kwh=seconds * speed.watts / 3.6e6 if speed and speed.watts else None,
        at_most=sum(one.at_most for one in found),
        unknown=tuple(sorted(unknown)),
    )


def add_costs(found: Sequence[TotalCost]) -> TotalCost:
    """What several sets of stages take together, one after the other."""
    memory: dict[str, int] = {}
    for one in found:
        for what, size in one.memory.items():
            memory[what] = max(size, memory.get(what, 0))
    summed = ("stages", "seconds", "flops", "disk", "device_hours", "at_most")
    energies = [one.kwh for one in found if one.kwh is not None]
    return TotalCost(
        memory=memory,
        scratch=max((one.scratch for one in found), default=0),
        cores=next((one.cores for one in found if one.cores), None),
        kwh=sum(energies) if energies else None,
        unknown=tuple(sorted({what for one in found for what in one.unknown})),
        **{name: sum(getattr(one, name) for one in found) for name in summed},
    )
