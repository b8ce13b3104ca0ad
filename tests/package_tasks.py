"""The tasks of the package, which most tests are about."""

from __future__ import annotations

from adapterstilts.tasks.catalogue import Catalogue

_CATALOGUE = Catalogue()
recipe = _CATALOGUE.recipe
task_names = _CATALOGUE.names


def suite_names() -> list[str]:
    """The tasks that have rows in the embedded suite."""
    return [name for name in task_names() if recipe(name).sources.mini]


training_recipes = _CATALOGUE.training_recipes
