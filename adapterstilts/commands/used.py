"""Options that would have no effect: refused, so that nobody believes that they had."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from adapterstilts.errors import UsageError
from adapterstilts.settings import Encoding
from adapterstilts.stages.training_spec import reads_one_vector
from adapterstilts.tasks.recipe import Recipe

_OF_SELECTION = ("patience", "max_validation_examples")


def check_pooling(pooling: str | None, tasks: Sequence[Recipe]) -> None:
    """Refuses `--pooling` where no task reads one vector of a text.

    Raises:
        UsageError: See above.
    """
    if pooling and not any(map(reads_one_vector, tasks)):
        raise UsageError(
            f"--pooling has no meaning for {names_of(tasks)}.",
            remedy="It is for pair classification, multiple choice and retrieval.",
        )


def check_settings_used(
    settings: Mapping[str, Any], tasks: Sequence[Recipe], *, validation_from: str | None = None, trained: bool = True
) -> None:
    """Refuses hyperparameters that decide nothing about any of the tasks.

    Args:
        settings: Those that were given by hand.
        validation_from: As `--validation-from`.
        trained: Whether a model is trained for any of the tasks.

    Raises:
        UsageError: See above.
    """
    fields = {name for task in tasks for name in task.build_kind().encoding_fields}
    for name in settings:
        if name in Encoding.model_fields and name not in fields:
            raise UsageError(
                f"{flag(name)} has no meaning for {names_of(tasks)}, whose inputs do not depend on it.",
                remedy="Leave it out.",
            )
        if name not in Encoding.model_fields and not trained:
            raise without_training(flag(name), tasks)
        if name in _OF_SELECTION and validation_from == "none":
            raise UsageError(
                f"{flag(name)} {settings[name]} has no meaning with --validation-from none, which selects nothing.",
                remedy="Leave one of the two out.",
            )


def without_training(option: str, tasks: Sequence[Recipe]) -> UsageError:
    """The error for an option about training where nothing is trained."""
    return UsageError(
        f"{option} has no meaning for {names_of(tasks)}: nothing is trained here.", remedy="Leave it out."
    )


def names_of(tasks: Sequence[Recipe]) -> str:
    """Names of tasks in a sentence."""
    return ", ".join(task.name for task in tasks)


def flag(field: str) -> str:
    """The flag of a field."""
    return f"--{field.replace('_', '-')}"
