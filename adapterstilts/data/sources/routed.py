"""Rows of some tasks from files that no recipe describes, and of all others from where the command reads them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from adapterstilts.data.bad_rows import BadRows
from adapterstilts.data.sources.rows import Source
from adapterstilts.tasks.recipe import Recipe

if TYPE_CHECKING:
    from datasets import Dataset


@dataclass(frozen=True)
class Routed:
    """Several sources as one.

    Attributes:
        usual: Where every other task's rows come from.
        own: Task to the source of its rows.
    """

    usual: Source
    own: Mapping[str, Source] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The usual source's."""
        return self.usual.name

    def of(self, task: Recipe) -> Source:
        return self.own.get(task.name, self.usual)

    def languages(self, task: Recipe, benchmark: str | None) -> tuple[str, ...]:
        return self.of(task).languages(task, benchmark)

    def missing(self, task: Recipe, split: str, language: str) -> str | None:
        return self.of(task).missing(task, split, language)

    def fingerprint(self, task: Recipe, split: str, language: str) -> str:
        return self.of(task).fingerprint(task, split, language)

    def load(self, task: Recipe, split: str, language: str, bad: BadRows) -> Dataset:
        return self.of(task).load(task, split, language, bad)

    def look(self, task: Recipe, split: str, language: str, size: int, bad: BadRows) -> tuple[int, Dataset] | None:
        return self.of(task).look(task, split, language, size, bad)
