"""The catalogue: every folder of `task_adapters` with a `task.yaml` is a task."""

from __future__ import annotations

from functools import cache, lru_cache
from importlib import import_module
from importlib.resources import files

import yaml

from adapterstilts.errors import DataError, UsageError, unknown
from adapterstilts.settings import validate
from adapterstilts.tasks.recipe import Recipe

# A recipe names its kind, so the kinds have to be registered before one is built.
for _kind in ("masked_lm", "multiple_choice", "pair_classification", "retrieval", "span_qa", "tagging"):
    import_module(f"adapterstilts.tasks.{_kind}")


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


def training_recipes(task: Recipe, source: str) -> tuple[Recipe, ...]:
    """The recipes whose training data `task` is trained on, one after the other: its own, or those it refers to.

    Empty for tasks that are evaluated without any training.
    """
    part = task.source(source)
    if part.train_on:
        return tuple(recipe(other) for other in part.train_on)
    return (task,) if part.has("train") else ()
