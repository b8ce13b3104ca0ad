"""The stages that a command needs, each once, with who waits for whom."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Generic, TypeVar

from adapterstilts.errors import UsageError
from adapterstilts.runs.specs import EvaluateSpec, ModelSpec, SharedSpec, StageSpec, TrainSpec, key
from adapterstilts.runs.store import Run, folder_name
from adapterstilts.stages.setup import Setup
from adapterstilts.stages.training.first_phase import first_phase

S = TypeVar("S", bound=StageSpec, covariant=True)


@dataclass(frozen=True, eq=False)
class Stage(Generic[S]):
    """One unit of work as data. Its key is known before anything has run.

    Attributes:
        spec: What is done; it refers to other stages by their keys.
        needs: The stages behind these keys.
        run: The finished run of a stage that is only referred to, and is not the command's to make.
    """

    spec: S
    needs: tuple[Stage[Any], ...] = ()
    run: Run | None = None

    def __post_init__(self) -> None:
        """Adds the first phase to what a stage needs whose method has two."""
        first = None if self.run else first_phase(self.spec)
        if first and all(one.key != key(first) for one in self.needs):
            object.__setattr__(self, "needs", (*self.needs, Stage(first, self.needs)))

    @cached_property
    def key(self) -> str:
        """SHA-256 of the spec."""
        return key(self.spec)

    @property
    def name(self) -> str:
        """What its run's folder is called."""
        return self.run.name if self.run else folder_name(self.spec, self.key)

    @property
    def trains(self) -> bool:
        """Whether a model is trained."""
        return self.spec.stage != "evaluate"

    def need(self, key: str) -> Stage[Any]:
        """The stage among `needs` with this key."""
        return next(one for one in self.needs if one.key == key)


Training = Stage[ModelSpec]
Evaluation = Stage[EvaluateSpec]


def finished(run: Run) -> Training:
    """The stage of a finished training run, or of a shared model."""
    return Stage(run.training, run=run)


def made_by(stage: Training) -> TrainSpec:
    """The spec that a model was trained by, here or elsewhere.

    Raises:
        UsageError: Another library made it, and how is not known.
    """
    spec = stage.spec.made if isinstance(stage.spec, SharedSpec) else stage.spec
    if spec is None:
        raise UsageError(
            f"{stage.name} was not made by adapterstilts, so how it was trained is not known, and it cannot be trained "
            "in another way.",
            remedy="Train an intermediate task here for it, or leave out what compares with it.",
        )
    return spec


@dataclass
class Graph:
    """Stages by their keys, in an order in which each comes after those that it needs.

    Attributes:
        asked: How many trainings it would be if nothing were shared: of each result that was asked for, all its own.
    """

    asked: int = 0
    _stages: dict[str, Stage] = field(default_factory=dict)
    _setups: dict[str, Setup] = field(default_factory=dict)
    _trainings: dict[str, int] = field(default_factory=dict)

    def add(self, stage: Stage, setup: Setup | None = None) -> Stage:
        """Adds a stage behind those that it needs, unless an equal one is there; returns the one that is.

        Args:
            setup: What it and those that it needs are made with, where that is not what the whole graph is run with.
                Stages that are there keep theirs.
        """
        waiting = [stage]
        while waiting:
            one = waiting[-1]
            if one.key in self._stages:
                waiting.pop()
            elif lacking := [need for need in one.needs if need.key not in self._stages]:
                waiting += reversed(lacking)
            else:
                self._stages[one.key] = waiting.pop()
                if setup is not None:
                    self._setups[one.key] = setup
        return self._stages[stage.key]

    def ask(self, stage: Stage, setup: Setup | None = None) -> Stage:
        """Adds a stage as a result that somebody wants to read; see `add`."""
        added = self.add(stage, setup)
        self.asked += self._count(added)
        return added

    def join(self, other: Graph, setup: Setup) -> None:
        """Adds all of another graph.

        Args:
            setup: What its stages are made with, unless it says that itself.
        """
        for stage in other:
            self.add(stage, other.setup_of(stage, setup))
        self.asked += other.asked

    def setup_of(self, stage: Stage, otherwise: Setup) -> Setup:
        """What a stage is made with."""
        return self._setups.get(stage.key, otherwise)

    def only(self, digits: str) -> Graph:
        """The graph of one stage and those that it needs.

        Args:
            digits: The first ones of its key.

        Raises:
            UsageError: No stage, or more than one, has such a key.
        """
        found = [stage for stage in self if stage.key.startswith(digits)]
        if not digits or len(found) != 1:
            number = f"fits {len(found)}" if digits and found else "is none"
            raise UsageError(
                f"{digits!r} {number} of the {len(self)} stages of this command.",
                remedy="Give a key that --plan shows.",
            )
        graph = Graph()
        for stage in reversed(with_needs(found)):
            graph.add(stage, self._setups.get(stage.key))
        graph.asked = graph._count(found[0])
        return graph

    def _count(self, stage: Stage) -> int:
        """How many trainings a stage is with all that it needs."""
        missing: list[Stage] = []
        one = stage
        while one.key not in self._trainings and len(one.needs) == 1:
            missing.append(one)
            (one,) = one.needs
        if one.key not in self._trainings:
            self._trainings[one.key] = sum(each.trains for each in with_needs([one]) if each.run is None)
        for after in reversed(missing):
            (need,) = after.needs
            self._trainings[after.key] = self._trainings[need.key] + (after.trains and after.run is None)
        return self._trainings[stage.key]

    @property
    def results(self) -> list[Stage]:
        """The stages that no other one needs."""
        needed = {need.key for stage in self for need in stage.needs}
        return [stage for stage in self if stage.key not in needed]

    def to_make(self) -> list[Stage]:
        """The stages that are the command's own, whether the store has them or not."""
        return [stage for stage in self if stage.run is None]

    @property
    def shared(self) -> int:
        """How many trainings are saved because results share them."""
        return self.asked - sum(stage.trains for stage in self.to_make())

    def __iter__(self) -> Iterator[Stage]:
        return iter(self._stages.values())

    def __len__(self) -> int:
        return len(self._stages)


def with_needs(stages: Iterable[Stage]) -> list[Stage]:
    """The stages and all that they need, each once."""
    found: dict[str, Stage] = {}
    waiting = list(stages)
    while waiting:
        stage = waiting.pop()
        if stage.key not in found:
            found[stage.key] = stage
            waiting += stage.needs
    return list(found.values())
