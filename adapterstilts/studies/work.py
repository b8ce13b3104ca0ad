"""A planned study as one graph: counted, estimated, checked, run."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

from adapterstilts.commands.damaged import make_damaged_again
from adapterstilts.commands.plan import CommandPlan, Work
from adapterstilts.commands.table.targets import TargetStages
from adapterstilts.commands.transfer import Table
from adapterstilts.errors import AstiltsError
from adapterstilts.runs.store import Run, RunStore
from adapterstilts.stages.checks import Checks
from adapterstilts.stages.disk import check_disks
from adapterstilts.stages.engines import Engine
from adapterstilts.stages.engines.local import Local
from adapterstilts.stages.estimates.machines import HERE
from adapterstilts.stages.estimates.stage_costs import add_costs
from adapterstilts.stages.graph import Graph, with_needs
from adapterstilts.stages.planner import Planner
from adapterstilts.stages.reporter import Reporter
from adapterstilts.stages.status import StageStatus, graph_status
from adapterstilts.studies.grid import Grid


@dataclass(frozen=True)
class StudyWork:
    """A planned study.

    Attributes:
        size: Which of the study's sizes it is.
        keys: Those of the stages that it is about, where that is a part of them.
    """

    grid: Grid
    size: str
    keys: frozenset[str] | None = None

    @cached_property
    def graph(self) -> Graph:
        """Every stage once, each with what it is made with."""
        graph = Graph()
        for part in self._parts:
            graph.join(part.graph, part.planner.setup)
        return graph

    @cached_property
    def _parts(self) -> list[Work]:
        """The stages of arms that are made with the same things, each stage in one part alone."""
        planners: list[tuple[Planner, Graph]] = []
        seen: set[str] = set()
        for arm in self.grid.arms:
            planner = arm.transfer.planner
            graph = next((own for one, own in planners if one.setup == planner.setup), None)
            if graph is None:
                planners.append((planner, graph := Graph()))
            for stage in arm.transfer.graph:
                if stage.key not in seen and (self.keys is None or stage.key in self.keys):
                    seen.add(stage.key)
                    graph.add(stage)
            graph.asked += arm.transfer.graph.asked
        return [Work(planner, graph) for planner, graph in planners]

    @property
    def store(self) -> RunStore:
        """Where its runs are."""
        return self._parts[0].planner.setup.store

    @property
    def trainings(self) -> int:
        """How many trainings it takes."""
        return sum(stage.trains for stage in self.graph.to_make())

    @cached_property
    def naive(self) -> int:
        """How many it takes if every cell is trained by itself, beside the row that it is compared with.

        Models that somebody has shared count as trained: they too are there because they are shared.
        """
        counts: dict[int, int] = {}

        def trainings(row: TargetStages) -> int:
            if id(row) not in counts:
                needed = (one for seed in row.seeds for one in with_needs([seed.evaluation]))
                counts[id(row)] = sum(one.trains for one in needed)
            return counts[id(row)]

        def of_table(table: Table) -> int:
            base = next((row for row in table.rows if not row.seeds[0].intermediates), None)
            return sum(
                trainings(row) + (trainings(base) if base is not None and base is not row else 0) for row in table.rows
            ) + sum(len(draws) for more in table.few_shots for draws in more.seeds)

        return sum(of_table(table) for arm in self.grid.arms for table in arm.transfer.tables)

    def summary(self, *, on: str = HERE) -> CommandPlan:
        """What `run` would do and take; see `Work.summary`."""
        found = [part.summary(on=on) for part in self._parts]
        stages = {one.key: one for plan in found for one in plan.stages}
        return replace(
            found[0],
            stages=list(stages.values()),
            stored=sum(one.stored for one in found),
            to_train=sum(one.to_train for one in found),
            to_evaluate=sum(one.to_evaluate for one in found),
            saved=self.naive - self.trainings,
            missing=add_costs([one.missing for one in found]),
            all=add_costs([one.all for one in found]),
            left_out=self.grid.left_out,
            naive=self.naive,
        )

    def part(self, digits: str) -> StudyWork:
        """The work of one stage alone, with what it needs; see `Graph.only`."""
        return replace(self, keys=frozenset(stage.key for stage in self.graph.only(digits)))

    def make(self, digits: str, reporter: Reporter, *, engine: Engine | None = None) -> Run:
        """Makes one stage, with what it needs; see `run`."""
        part = self.part(digits)
        part.run(reporter, engine=engine)
        (*_, stage) = part.graph
        return stage.run or self.store.need(stage.key)

    def run(self, reporter: Reporter, *, engine: Engine | None = None) -> None:
        """Checks what is missing, and makes it.

        Raises:
            AstiltsError: See the message; of stages that fail, see `Engine.run`.
        """
        for part in self._parts:
            setup = part.planner.setup
            with setup.catalogue.in_use():
                make_damaged_again(part.graph, part.planner, reporter, engine or Local(), force=False)
                Checks(setup, part.planner.facts, reporter.note).data(part.graph, force=False)
        check_disks([(part.graph, part.planner.setup, part.planner.facts) for part in self._parts], force=False)
        setup = self._parts[0].planner.setup
        with setup.catalogue.in_use():
            (engine or Local()).run(self.graph, setup, reporter)

    def status(self) -> list[StageStatus]:
        """What has become of each stage."""
        return list(graph_status(self.graph, self._parts[0].planner.setup))

    def check_complete(self) -> None:
        """Refuses to go on without every stage.

        Raises:
            AstiltsError: Some are not in the store.
        """
        missing = [stage for stage in self.graph.to_make() if self.store.find(stage.spec) is None]
        if missing:
            raise AstiltsError(
                f"{len(missing)} of {len(self.graph)} stages of the study are not in the store.",
                remedy="Run it: `astilts study run`; `astilts study status` shows which.",
            )
