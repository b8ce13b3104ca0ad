"""The catalogue as text for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from adapterstilts.languages import LANGUAGES
from adapterstilts.reporting.text_table import plain_table, text_of
from adapterstilts.tasks.recipe import Recipe


def tasks_table(recipes: Sequence[Recipe]) -> str:
    """The catalogue."""
    table = plain_table("")
    for name in ("task", "title", "kind", "phases", "languages", "metric", "licence"):
        table.add_column(name, no_wrap=name != "languages", max_width=40)
    for task in recipes:
        languages = ", ".join(task.languages) if len(task.languages) > 1 else LANGUAGES[task.languages[0]]
        table.add_row(task.name, task.title, task.kind, ", ".join(task.phases), languages, task.metric, task.license)
    return text_of(table)
