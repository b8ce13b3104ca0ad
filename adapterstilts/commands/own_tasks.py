"""Tasks that a command was given as files, beside those of the catalogue."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from adapterstilts.data.sources.files import FileRows
from adapterstilts.data.sources.routed import Routed
from adapterstilts.data.sources.rows import Source
from adapterstilts.tasks.catalogue import Catalogue
from adapterstilts.tasks.recipe import Recipe


@dataclass(frozen=True)
class OwnTask:
    """A task that was made of a file.

    Attributes:
        root: The folder that holds its files.
        found: What was told of the file by looking at it, a line each.
    """

    recipe: Recipe
    root: Path
    found: tuple[str, ...] = ()


@dataclass(frozen=True)
class OwnTasks:
    """The tasks that a command was given as files."""

    tasks: tuple[OwnTask, ...] = ()

    def beside(self, source: Source) -> Source:
        """A source that has their rows, and those of all other tasks from `source`."""
        if not self.tasks:
            return source
        return Routed(source, {one.recipe.name: FileRows(one.root) for one in self.tasks})

    def catalogue(self, folders: Iterable[Path]) -> Catalogue:
        """The catalogue of some folders with these tasks in it."""
        return Catalogue.load(folders, (one.recipe for one in self.tasks))


NO_OWN_TASKS = OwnTasks()
