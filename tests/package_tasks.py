"""The tasks of the package, which most tests are about."""

from __future__ import annotations

from adapterstilts.tasks.catalogue import Catalogue

_CATALOGUE = Catalogue()
recipe = _CATALOGUE.recipe
task_names = _CATALOGUE.names
training_recipes = _CATALOGUE.training_recipes
