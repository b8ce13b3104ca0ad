"""What answers an evaluation in place of a model that was trained for the task: parts of specs."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from adapterstilts.runs.training_data import TaskSpec
from adapterstilts.settings import Strict


class FrozenClassifier(Strict):
    """A classifier on vectors that the backbone, as it is, has of texts.

    Attributes:
        name: `knn` or `logreg`.
        tasks: The labelled rows that it learns from, those of the target last.
        values: Of its one setting, those among which the target's English validation rows choose.
        max_validation_examples: How many of these rows choose at most; None for all.
    """

    name: str
    tasks: tuple[TaskSpec, ...] = Field(min_length=1)
    values: tuple[float, ...] = Field(min_length=1)
    max_validation_examples: int | None = None

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages that it learns from."""
        return self.tasks[-1].data.languages


class Prompted(Strict):
    """A decoder that is asked as it is, by the log-likelihood that it gives to each answer.

    Attributes:
        harness: The version of lm-eval, whose templates may change with it.
        templates: Language to the name of the harness' task that asks in it.
    """

    name: Literal["prompt"]
    harness: str
    templates: dict[str, str]

    @property
    def tasks(self) -> tuple[TaskSpec, ...]:
        """It learns from nothing."""
        return ()

    @property
    def languages(self) -> tuple[str, ...]:
        """Nor in any language."""
        return ()
