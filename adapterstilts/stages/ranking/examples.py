"""A few English training examples of a task, to judge models by that are not trained on them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from adapterstilts.errors import UsageError
from adapterstilts.runs.specs import Phase, TaskSpec, canonical_json
from adapterstilts.stages.planner import Planner
from adapterstilts.stages.setup import Setup
from adapterstilts.stages.training.training_rows import encode_rows, read_rows
from adapterstilts.stages.training_spec import plan_training
from adapterstilts.tasks.kind import Kind
from adapterstilts.tasks.recipe import Recipe

if TYPE_CHECKING:
    from datasets import Dataset


@dataclass(frozen=True)
class Examples:
    """Examples that are read when they are needed.

    Attributes:
        spec: Which they are, and how texts become tokens; its rows are English alone.
    """

    spec: TaskSpec
    setup: Setup

    @classmethod
    def of(cls, planner: Planner, task: Recipe, phase: Phase, size: int) -> Examples:
        """At most `size` of the examples that a phase would train on: of those of several tasks, the last one's.

        Raises:
            UsageError: Nothing is trained for the task.
            DataError: Its data are not there.
        """
        source = planner.setup.source.of(task).name
        tasks = planner.setup.catalogue.training_recipes(task, source)
        if not tasks:
            raise UsageError(
                f"{task.name} has no English training examples: its answers are read off a model's hidden states.",
                remedy=f"Score it from every intermediate run, which trains nothing: astilts transfer --from all --to "
                f"{task.name}",
            )
        most = min(size, planner.most_examples(phase) or size)
        few = replace(planner, max_train_examples=most)
        return cls(plan_training(few, tasks[-1:], phase).spec.tasks[0], planner.setup)

    @property
    def identity(self) -> str:
        """What decides them."""
        return canonical_json(self.spec)

    @property
    def kind(self) -> Kind:
        """The kind of the task."""
        return self.setup.catalogue.build_kind(self.spec)

    def features(self) -> Dataset:
        """The examples as training features."""
        rows, _ = read_rows(self.spec, self.setup)
        return encode_rows(rows, self.spec, self.kind, self.setup)
