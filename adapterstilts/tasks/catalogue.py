"""The catalogue: every folder of `task_adapters` with a `task.yaml` is a task."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml

from adapterstilts.errors import DataError, UsageError, unknown
from adapterstilts.settings import validate
from adapterstilts.tasks.kind import KINDS, Kind
from adapterstilts.tasks.recipe import Recipe

MLM = "mlm"
"""The task of masked language modelling, which language adapters and some baselines are trained with."""

# A recipe names its kind, so the kinds have to be registered before one is built.
for _kind in ("masked_lm", "multiple_choice", "pair_classification", "retrieval", "span_qa", "tagging"):
    import_module(f"adapterstilts.tasks.{_kind}")


@dataclass(frozen=True)
class Catalogue:
    """The tasks that a command knows: the package's, and those of folders outside of it.

    Attributes:
        folders: Folders of tasks outside the package.
    """

    folders: tuple[Path, ...] = ()

    def names(self) -> tuple[str, ...]:
        """Names of all tasks, sorted."""
        return tuple(_recipes(self.folders))

    def recipe(self, name: str) -> Recipe:
        """The recipe of one task.

        Raises:
            UsageError: There is no such task (near names are suggested), or its file does not follow the schema.
            DataError: The name inside the file is not its folder's.
        """
        found = _recipes(self.folders)
        if name not in found:
            raise unknown("task", name, found)
        return found[name]

    def recipe_for_phase(self, name: str, phase: str) -> Recipe:
        """The recipe of a task that can be used in `phase` (`intermediate` or `target`).

        Raises:
            UsageError: The task is unknown or is not offered for this phase.
        """
        found = self.recipe(name)
        if phase not in found.phases:
            offered = [other for other in self.names() if phase in self.recipe(other).phases]
            raise UsageError(
                f"{name} ({found.title}) is not a task for the {phase} phase.",
                remedy=f"These are: {', '.join(offered)}.",
            )
        return found

    def training_recipes(self, task: Recipe, source: str) -> tuple[Recipe, ...]:
        """The recipes whose training data `task` is trained on, one after the other: its own, or those it refers to.

        Empty for tasks that are evaluated without any training.
        """
        part = task.source(source)
        if part.train_on:
            return tuple(self.recipe(other) for other in part.train_on)
        return (task,) if part.has("train") else ()

    def build_kind(self, spec: Any) -> Kind:
        """The kind of a `TaskSpec` or `EvaluateSpec`, with its options."""
        return KINDS.get(spec.kind)(spec.options)


@lru_cache(maxsize=8)
def _recipes(folders: tuple[Path, ...]) -> Mapping[str, Recipe]:
    """Name to recipe of all tasks."""
    found = {}
    for folder in files("task_adapters").iterdir():
        if folder.is_dir() and folder.joinpath("task.yaml").is_file():
            found[folder.name] = _read(Path(str(folder)))
    return MappingProxyType(dict(sorted(found.items())))


def _read(folder: Path) -> Recipe:
    where = f"{folder.parent.name}/{folder.name}/task.yaml"
    found = validate(Recipe, yaml.safe_load((folder / "task.yaml").read_text(encoding="utf-8")), where=where)
    if found.name != folder.name:
        raise DataError(f"{where} is named {found.name!r} inside.", remedy="Give folder and recipe the same name.")
    return found


_PACKAGE = Catalogue()
task_names = _PACKAGE.names
recipe = _PACKAGE.recipe
recipe_for_phase = _PACKAGE.recipe_for_phase
training_recipes = _PACKAGE.training_recipes
