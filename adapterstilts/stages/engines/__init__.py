"""Engines: what runs the stages of a graph, each after those that it needs.

An engine is given data: the graph, whose specs and small `Setup`s are all that crosses to whatever does the work
(`stages.run.run_stage`), wherever that is. What it returns is in the store.
"""

from __future__ import annotations

from typing import Protocol

from adapterstilts.stages.graph import Graph
from adapterstilts.stages.reporter import Reporter
from adapterstilts.stages.setup import Setup


class Engine(Protocol):
    """Runs graphs."""

    def run(self, graph: Graph, setup: Setup, reporter: Reporter, *, force: bool = False) -> None:
        """Makes every stage of the graph that the store lacks; one that fails stops those alone that need it.

        Stages whose lock another process holds come after all others; what that process has made is not made again.

        Args:
            setup: What stages are made with for which the graph has no setup of their own.
            force: Make those again too that the store has, each once.

        Raises:
            AstiltsError: The error of the one stage that failed, or one about all that did (`StagesFailedError`).
        """
