"""Tasks that a command was given as one's own data, beside those of the catalogue."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from adapterstilts.data.sources.files import FileRows
from adapterstilts.data.sources.hub import HubRows
from adapterstilts.data.sources.routed import Routed
from adapterstilts.data.sources.rows import Source
from adapterstilts.tasks.catalogue import Catalogue
from adapterstilts.tasks.recipe import Recipe


@dataclass(frozen=True)
class OwnTask:
    """A task that was made of one's own data.

    Attributes:
        source: Where its rows come from.
        read_with: The flags, after a space, with which a command reads it once it is written down.
        found: What was told of the data by looking at them, a line each.
    """

    recipe: Recipe
    source: FileRows | HubRows
    read_with: str = ""
    found: tuple[str, ...] = ()


@dataclass(frozen=True)
class OwnTasks:
    """The tasks that a command was given as one's own data."""

    tasks: tuple[OwnTask, ...] = ()

    def beside(self, source: Source) -> Source:
        """A source that has their rows, and those of all other tasks from `source`."""
        if not self.tasks:
            return source
        return Routed(source, {one.recipe.name: one.source for one in self.tasks})

    def catalogue(self, folders: Iterable[Path]) -> Catalogue:
        """The catalogue of some folders with these tasks in it."""
        return Catalogue.load(folders, (one.recipe for one in self.tasks))


NO_OWN_TASKS = OwnTasks()
