"""Ways of ranking intermediate models for a target without training any: a score of each, the larger the better."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from adapterstilts.errors import DataError
from adapterstilts.metrics import transferability
from adapterstilts.runs.lineage import lineage
from adapterstilts.runs.store import Run
from adapterstilts.stages.planner import Planner
from adapterstilts.stages.ranking.examples import Examples
from adapterstilts.stages.ranking.fisher import task_embedding
from adapterstilts.stages.ranking.representations import Represented, Track, mean_vector, represent
from adapterstilts.tasks.observations import Observes
from adapterstilts.tasks.recipe import Recipe

_NEIGHBOURS: Mapping[Observes, Callable[[Represented], float]] = {
    "classes": lambda one: transferability.neighbours_class_accuracy(one.vectors, one.targets, one.groups),
    "numbers": lambda one: transferability.neighbours_explained_variance(one.vectors, one.targets, one.groups),
    "choices": lambda one: transferability.neighbours_choice_accuracy(one.vectors, one.targets, one.groups),
    "pairs": lambda one: transferability.nearest_partner_accuracy(one.vectors, one.targets),
}


@dataclass(frozen=True)
class Target:
    """What a ranking knows of the target.

    Attributes:
        size: How many English training examples are read of it, and of each task that a candidate was trained on.
        track: Shows progress over batches.
    """

    planner: Planner
    task: Recipe
    size: int
    track: Track | None = None

    @cached_property
    def examples(self) -> Examples:
        """Its examples.

        Raises:
            UsageError: It has none.
            DataError: They are not there.
        """
        return Examples.of(self.planner, self.task, "train-target", self.size)

    def _of_tasks(self, run: Run) -> list[Examples]:
        """As many examples of each task that a run was trained on, as they are read now.

        Raises:
            DataError: They are not there, or it is not known what it was trained on.
        """
        if not run.training.tasks:
            raise DataError("it is not known what it was trained on")
        catalogue = self.planner.setup.catalogue
        return [
            Examples.of(self.planner, catalogue.recipe(task.name), "train-intermediate", self.size)
            for task in run.training.tasks
        ]

    @property
    def observes(self) -> Observes | None:
        """What there is to tell of it."""
        return self.task.build_kind().observes

    def shared_data(self, run: Run) -> list[str]:
        """The tasks whose training data its examples are from, and a run was trained on too."""
        setup = self.planner.setup
        trained = [task for spec in lineage(run, setup.store) for task in spec.tasks]
        here, there = map(setup.catalogue.training_data, ([self.examples.spec], trained))
        return sorted(here & there)

    def represented(self, run: Run) -> Represented:
        """Its labelled vectors in a run's model."""
        return represent(run, self.examples, self.planner.precision, track=self.track)

    def likeness(self, run: Run, embed: Callable[[Examples], np.ndarray]) -> float:
        """The cosine of its vector with the mean of those of the tasks that a run was trained on."""
        theirs = np.mean([embed(one) for one in self._of_tasks(run)], axis=0)
        return transferability.cosine(embed(self.examples), theirs)


@dataclass(frozen=True)
class Ranking:
    """One way of ranking.

    Attributes:
        title: What tables call its score, and `summary` what it is.
        score: The score of one run; raises AstiltsError where it cannot be told of this one.
        labels: The labels that it can read of the target; None where it reads none.
        reads: Whether it reads examples at all.
    """

    title: str
    summary: str
    score: Callable[[Run, Target], float]
    labels: tuple[Observes, ...] | None = None
    reads: bool = True


def _logme(run: Run, target: Target) -> float:
    found = target.represented(run)
    vectors, labels = found.vectors, found.targets
    if target.observes == "choices":  # a softmax compares them: only differences count
        vectors, labels = (transferability.centred(values, found.groups) for values in (vectors, labels))
    return _told(target, lambda: transferability.log_maximum_evidence(vectors, labels))


def _knn(run: Run, target: Target) -> float:
    assert target.observes is not None
    score, found = _NEIGHBOURS[target.observes], target.represented(run)
    return _told(target, lambda: score(found))


def _told(target: Target, score: Callable[[], float]) -> float:
    """A score of labelled vectors, which may tell nothing."""
    try:
        return score()
    except ValueError as error:
        raise DataError(f"{target.task.name}: {error}.", remedy="Give more --examples.") from None


def _taskemb(run: Run, target: Target) -> float:
    return target.likeness(run, lambda examples: task_embedding(examples, target.planner.precision))


def _embedding(run: Run, target: Target) -> float:
    return target.likeness(run, lambda examples: mean_vector(examples, target.planner.precision, track=target.track))


def _size(run: Run, target: Target) -> float:
    if not (count := run.metrics.get("train_examples")):
        raise DataError("it is not known how many examples it was trained on")
    return float(count)


def _kind(run: Run, target: Target) -> float:
    if not run.training.tasks:
        raise DataError("it is not known what it was trained on")
    return float(any(task.kind == target.task.kind for task in run.training.tasks))


RANKINGS: Mapping[str, Ranking] = {
    "logme": Ranking(
        "LogME",
        "evidence of a linear model above each candidate's frozen features of the examples (You et al. 2021)",
        _logme,
        ("classes", "numbers", "choices"),
    ),
    "knn": Ranking(
        "kNN",
        "how well the examples nearest by each candidate's frozen features tell the answer (Puigcerver et al. 2021)",
        _knn,
        ("classes", "numbers", "choices", "pairs"),
    ),
    "taskemb": Ranking(
        "TaskEmb", "likeness of what both tasks' losses are sensitive to in the backbone (Vu et al. 2020)", _taskemb
    ),
    "embedding": Ranking(
        "TextEmb", "likeness of both tasks' English texts to the backbone (Vu et al. 2020)", _embedding
    ),
    "size": Ranking("size", "how many examples each candidate was trained on", _size, reads=False),
    "kind": Ranking("kind", "whether a candidate was trained on a task of the target's kind", _kind, reads=False),
}
"""Name to way of ranking."""
