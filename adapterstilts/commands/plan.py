"""A command's graph of stages: planned, checked, shown, run; what it gave is read from the store afterwards."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from adapterstilts.commands.damaged import make_damaged_again
from adapterstilts.runs.store import KEY_DIGITS, Run
from adapterstilts.stages.checks import Checks
from adapterstilts.stages.disk import check_disk
from adapterstilts.stages.engines import Engine
from adapterstilts.stages.engines.local import Local
from adapterstilts.stages.estimates.estimate import estimate
from adapterstilts.stages.estimates.machines import HERE, machine
from adapterstilts.stages.estimates.stage_costs import StageCost, TotalCost
from adapterstilts.stages.graph import Graph, Stage
from adapterstilts.stages.planner import Planner
from adapterstilts.stages.reporter import Reporter, Silent

STORED = "in the store"
TO_TRAIN = "to train"
TO_EVALUATE = "to evaluate"


@dataclass(frozen=True)
class StagePlan:
    """One stage of a command.

    Attributes:
        state: `STORED`, `TO_TRAIN` or `TO_EVALUATE`.
        needs: Keys of the stages that it waits for.
        folder: Where its run is, or will be.
        cost: What it is estimated to take, or would, if it were not in the store; None where it is not the command's.
    """

    key: str
    stage: str
    label: str
    method: str | None
    composition: str | None
    seed: int | None
    state: str
    needs: list[str]
    folder: Path
    cost: StageCost | None = None


@dataclass(frozen=True)
class CommandPlan:
    """What a command would do.

    Attributes:
        stages: Each once, in an order in which they can run.
        stored: How many of them are there already.
        to_train: How many would be trained, and `to_evaluate` evaluated.
        saved: Trainings that are saved because results share them.
        on: The machine that costs are estimated for.
        missing: What the stages cost that the store does not have.
        all: What all stages of the command would cost, those that the store has included.
        memory: Of the device of a named machine, in bytes; None for this one.
        others: The share of this machine that other programs used when its speed was measured, if it mattered.
        left_out: What was asked for and cannot be, each with its reason.
        naive: Trainings that it takes if every cell of a grid is trained by itself; None of what is no grid.
    """

    stages: list[StagePlan] = field(default_factory=list)
    stored: int = 0
    to_train: int = 0
    to_evaluate: int = 0
    saved: int = 0
    on: str = HERE
    missing: TotalCost = field(default_factory=TotalCost)
    all: TotalCost = field(default_factory=TotalCost)
    memory: float | None = None
    others: float = 0.0
    left_out: list[str] = field(default_factory=list)
    naive: int | None = None


class Planned(Protocol):
    """Something that can be run, and that can say what this would take."""

    def summary(self, *, on: str = HERE) -> CommandPlan:
        """See `Work.summary`."""

    def part(self, digits: str) -> Planned:
        """See `Work.part`."""

    def make(self, digits: str, reporter: Reporter, *, engine: Engine | None = None) -> Run:
        """See `Work.make`."""


@dataclass(frozen=True)
class Work:
    """What a command has planned.

    Attributes:
        force: Whether what the store has is made again.
    """

    planner: Planner
    graph: Graph
    force: bool = False

    def check(self) -> None:
        """Refuses models that do not fit together; see `Checks.models`."""
        Checks(self.planner.setup, self.planner.facts, Silent().note).models(self.graph)

    def run(self, reporter: Reporter, *, engine: Engine | None = None) -> None:
        """Checks what is missing, and makes it.

        Args:
            engine: What runs the stages; by default this process.

        Raises:
            AstiltsError: See the message; nothing has been trained if it is about models or data that do not fit. Of
                stages that fail, see `Engine.run`.
        """
        make_damaged_again(self.graph, self.planner, reporter, engine or Local(), force=self.force)
        checks = Checks(self.planner.setup, self.planner.facts, reporter.note)
        checks.data(self.graph, force=self.force)
        check_disk(self.graph, self.planner.setup, self.planner.facts, force=self.force)
        (engine or Local()).run(self.graph, self.planner.setup, reporter, force=self.force)

    def part(self, digits: str) -> Work:
        """The work of one stage alone, with what it needs; see `Graph.only`."""
        return replace(self, graph=self.graph.only(digits))

    def make(self, digits: str, reporter: Reporter, *, engine: Engine | None = None) -> Run:
        """Makes one stage, with what it needs; see `run`."""
        part = self.part(digits)
        with self.planner.setup.catalogue.in_use():
            part.run(reporter, engine=engine)
        (*_, stage) = part.graph
        return self.finished(stage)

    def finished(self, stage: Stage[Any]) -> Run:
        """The run of a stage, once it is there.

        Raises:
            StoreError: It is not.
        """
        store = self.planner.setup.store
        return stage.run or store.find(stage.spec) or store.need(stage.key)

    def summary(self, *, on: str = HERE) -> CommandPlan:
        """What `run` would do and take; nothing is started for it.

        Args:
            on: The machine to estimate for: this one, or one of `stages/estimates/machines.yaml`.

        Raises:
            UsageError, CompatibilityError: There is no such machine, or it lacks the number format.
        """
        setup = self.planner.setup
        with setup.catalogue.in_use():
            found = estimate(self.graph, setup, self.planner.facts, on=on, force=self.force)
            stages = [self._describe(stage, found.stages.get(stage.key)) for stage in self.graph]
        states = [one.state for one in stages]
        return CommandPlan(
            stages=stages,
            stored=states.count(STORED),
            to_train=states.count(TO_TRAIN),
            to_evaluate=states.count(TO_EVALUATE),
            saved=self.graph.shared,
            on=found.on,
            others=found.others,
            missing=found.missing,
            all=found.all,
            memory=None if on == HERE else machine(on).memory,
        )

    def _describe(self, stage: Stage[Any], cost: StageCost | None) -> StagePlan:
        store, spec = self.planner.setup.store, stage.spec
        there = stage.run is not None or (not self.force and store.find(spec) is not None)
        return StagePlan(
            key=stage.key[:KEY_DIGITS],
            stage=spec.stage,
            label=spec.label,
            method=str(spec.method) if stage.trains else None,
            composition=str(spec.composition) if stage.trains else None,
            seed=spec.seed if stage.trains else None,
            state=STORED if there else TO_TRAIN if stage.trains else TO_EVALUATE,
            needs=[one.key[:KEY_DIGITS] for one in stage.needs],
            folder=stage.run.folder if stage.run else store.folder(spec),
            cost=cost,
        )
