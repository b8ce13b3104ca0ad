"""The stages that a command needs, each once, with who waits for whom."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Generic, TypeVar

from adapterstilts.errors import UsageError
from adapterstilts.runs.specs import EvaluateSpec, ModelSpec, SharedSpec, StageSpec, TrainSpec, key
from adapterstilts.runs.store import Run, folder_name

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

    @cached_property
    def key(self) -> str:
        """SHA-256 of the spec."""
        return key(self.spec)

    @property
    def name(self) -> str:
        """What its run's folder is called."""
        return self.run.folder.name if self.run else folder_name(self.spec, self.key)

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

    def add(self, stage: Stage) -> Stage:
        """Adds a stage behind those that it needs, unless an equal one is there; returns the one that is."""
        for one in stage.needs:
            self.add(one)
        return self._stages.setdefault(stage.key, stage)

    def ask(self, stage: Stage) -> Stage:
        """Adds a stage as a result that somebody wants to read."""
        self.asked += sum(one.trains for one in with_needs([stage]) if one.run is None)
        return self.add(stage)

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
