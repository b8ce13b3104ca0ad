"""Engines: what runs the stages of a graph, each after those that it needs.

An engine is given data: the graph, whose specs and a small `Setup` are all that crosses to whatever does the work
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
        """Makes every stage of the graph that the store lacks.

        Args:
            force: Make those again too that the store has, each once.
        """
