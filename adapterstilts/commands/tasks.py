"""The catalogue's tasks, and where each of them comes from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adapterstilts.errors import UsageError
from adapterstilts.languages import LANGUAGES, named_languages
from adapterstilts.registry import Origin
from adapterstilts.tasks.catalogue import Catalogue
from adapterstilts.tasks.recipe import Recipe


@dataclass(frozen=True)
class TaskEntry:
    """One task.

    Attributes:
        origin: Who brought it.
        folder: The folder with its `task.yaml`; None for a task that an extension added without a file.
    """

    recipe: Recipe
    origin: Origin
    folder: Path | None

    def as_json(self) -> dict[str, Any]:
        """The recipe with its origin and folder beside its own fields."""
        return {
            **self.recipe.model_dump(mode="json"),
            "origin": {"kind": self.origin.kind, "name": self.origin.name},
            "folder": str(self.folder) if self.folder else None,
        }


def list_tasks(catalogue: Catalogue) -> list[TaskEntry]:
    """All tasks, by name."""
    return [find_task(catalogue, name) for name in catalogue.names()]


def tasks_in(tasks: Iterable[TaskEntry], languages: Sequence[str]) -> dict[str, list[str]]:
    """Names of the tasks that have one of some languages or groups of them, each with those that it has.

    Raises:
        UsageError: A language or group is unknown, or no task has any of the languages.
    """
    every = list(dict.fromkeys(code for task in tasks for code in task.recipe.all_languages))
    wanted = set(named_languages(languages, every))
    found = {task.recipe.name: [code for code in task.recipe.all_languages if code in wanted] for task in tasks}
    if not any(found.values()):
        raise UsageError(
            f"No task has {', '.join(LANGUAGES[code] for code in sorted(wanted))}.",
            remedy="`astilts tasks` lists the tasks, and `astilts tasks TASK` the languages of one.",
        )
    return {name: codes for name, codes in found.items() if codes}


def find_task(catalogue: Catalogue, name: str) -> TaskEntry:
    """One task.

    Raises:
        UsageError: There is no such task; near names are suggested.
    """
    place = catalogue.place(name)
    return TaskEntry(catalogue.recipe(name), place.origin, place.folder)


def write_card(task: TaskEntry, card: str) -> Path:
    """Writes a task's card into its folder, as README.md.

    Raises:
        UsageError: The task has no folder.
    """
    if task.folder is None:
        raise UsageError(
            f"{task.recipe.name} of {task.origin} has no folder.", remedy="Write the card elsewhere: leave out --write."
        )
    path = task.folder / "README.md"
    path.write_text(card, encoding="utf-8")
    return path
