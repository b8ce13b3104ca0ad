"""The package's catalogue, for tests that take tasks by their names."""

from adapterstilts.tasks.catalogue import Catalogue

CATALOGUE = Catalogue()
recipe = CATALOGUE.recipe
recipe_for_phase = CATALOGUE.recipe_for_phase
task_names = CATALOGUE.names
training_recipes = CATALOGUE.training_recipes
