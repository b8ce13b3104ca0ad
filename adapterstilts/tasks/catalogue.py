"""The catalogue: every folder of `task_adapters` with a `task.yaml` is a task."""

from __future__ import annotations

from functools import cache, lru_cache
from importlib.resources import files

import yaml

# A recipe names its kind, so the kinds have to be registered before one is built.
import adapterstilts.tasks.span_qa  # noqa: F401
from adapterstilts.errors import DataError, UsageError, unknown
from adapterstilts.specs import validate
from adapterstilts.tasks.recipe import Recipe


@lru_cache(maxsize=1)
def task_names() -> tuple[str, ...]:
    """Names of all tasks, sorted."""
    folders = (entry for entry in files("task_adapters").iterdir() if entry.is_dir())
    return tuple(sorted(folder.name for folder in folders if folder.joinpath("task.yaml").is_file()))


@cache
def recipe(name: str) -> Recipe:
    """Reads the recipe of one task.

    Raises:
        UsageError: There is no such task (near names are suggested), or its file does not follow the schema.
        DataError: The name inside the file is not its folder's.
    """
    if name not in task_names():
        raise unknown("task", name, task_names())
    where = f"task_adapters/{name}/task.yaml"
    text = files("task_adapters").joinpath(name).joinpath("task.yaml").read_text(encoding="utf-8")
    found = validate(Recipe, yaml.safe_load(text), where=where)
    if found.name != name:
        raise DataError(f"{where} is named {found.name!r} inside.", remedy="Give folder and recipe the same name.")
    return found


def recipe_for_phase(name: str, phase: str) -> Recipe:
    """The recipe of a task that can be used in `phase` (`intermediate` or `target`).

    Raises:
        UsageError: The task is unknown or is not offered for this phase.
    """
    found = recipe(name)
    if phase not in found.phases:
        offered = [other for other in task_names() if phase in recipe(other).phases]
        raise UsageError(
            f"{name} ({found.title}) is not a task for the {phase} phase.",
            remedy=f"These are: {', '.join(offered)}.",
        )
    return found


def training_recipe(task: Recipe, source: str) -> Recipe:
    """The recipe whose training data `task` is trained on: its own, or the one it refers to."""
    other = task.source(source).train_on
    return recipe(other) if other else task
