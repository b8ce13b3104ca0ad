"""Validation rows from a file of the user's."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from adapterstilts.data.bad_rows import BadRows
from adapterstilts.data.formats import FORMATS
from adapterstilts.data.sources.rows import with_split
from adapterstilts.data.sources.rows_file import RowsFile
from adapterstilts.errors import UsageError
from adapterstilts.tasks.recipe import Recipe

if TYPE_CHECKING:
    from datasets import Dataset


@dataclass(frozen=True)
class ValidationFile:
    """A file with rows in the format in which a task's training file is released.

    Attributes:
        path: Where it is.
    """

    path: Path

    def fingerprint(self, task: Recipe) -> str:
        """Identity of the rows' content.

        Raises:
            UsageError: The task has no such format.
        """
        return self._file(task).fingerprint

    def load(self, task: Recipe, language: str, bad: BadRows) -> Dataset:
        """The rows, with the canonical columns of the task's kind."""
        return self._file(task).load(task, language, bad)

    def _file(self, task: Recipe) -> RowsFile:
        parts = with_split(task.source("files"), "train")
        if not parts or FORMATS.get(parts[0].format).required > 1:
            raise UsageError(
                f"--validation-from {self.path}: {task.name} has no release file of one format for training rows.",
                remedy="Use --validation-from train, or none.",
            )
        return RowsFile(self.path, parts[0])
