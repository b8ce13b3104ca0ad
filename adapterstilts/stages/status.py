"""What has become of the stages of a graph, as any process can see it that reads the store."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from adapterstilts.runs.store import WORK
from adapterstilts.stages.at_work import AtWork, at_work
from adapterstilts.stages.failures import Failure, recorded_failure
from adapterstilts.stages.graph import Graph, Stage
from adapterstilts.stages.setup import Setup

State = Literal["in the store", "running", "failed", "waiting"]


@dataclass(frozen=True)
class StageStatus:
    """One stage.

    Attributes:
        state: `running` while a living process holds its lock, on this or, where the file system of the store has locks
            for all of them, another machine. `waiting` also after an interruption.
        folder: Where its run is, or will be.
        work: Who makes it and how far it is; of a waiting one what the last process left, from whose last checkpoint
            the next one goes on; None where there is none.
        failure: What a failed one failed of.
    """

    stage: Stage[Any]
    state: State
    folder: Path
    work: AtWork | None = None
    failure: Failure | None = None

    @property
    def key(self) -> str:
        """Its full key."""
        return self.stage.key

    @property
    def name(self) -> str:
        """What its run is called."""
        return self.stage.name


def stage_status(stage: Stage[Any], setup: Setup) -> StageStatus:
    """What has become of one stage.

    Args:
        setup: What it is made with.
    """
    store = setup.store
    if run := stage.run or store.find(stage.spec):
        return StageStatus(stage, "in the store", run.folder)
    folder = store.root / stage.name
    work = store.root / WORK / stage.name
    if not work.is_dir():
        return StageStatus(stage, "waiting", folder)
    if store.claimed(stage.spec):
        return StageStatus(stage, "running", folder, at_work(work))
    if failure := recorded_failure(work):
        return StageStatus(stage, "failed", folder, at_work(work), failure)
    # It may have been published since it was looked for.
    there = store.find(stage.spec) is not None
    return StageStatus(stage, "in the store" if there else "waiting", folder, None if there else at_work(work))


def graph_status(graph: Graph, setup: Setup) -> Iterator[StageStatus]:
    """Each stage of a graph, in its order.

    Args:
        setup: That of stages for which the graph has none.
    """
    for stage in graph:
        yield stage_status(stage, graph.setup_of(stage, setup))
