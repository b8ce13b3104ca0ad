"""Validation rows from a file of the user's."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from adapterstilts.data.bad_rows import BadRows
from adapterstilts.data.formats import FORMATS
from adapterstilts.data.sources.rows import ROWS_VERSION, canonical, canonical_rows, record_name, with_split
from adapterstilts.errors import UsageError
from adapterstilts.files import file_digest
from adapterstilts.tasks.recipe import Recipe
from adapterstilts.tasks.sources import FilesSource

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
        part = self._part(task)
        options = ",".join(f"{name}={value}" for name, value in sorted(part.options.items()))
        return f"file:{ROWS_VERSION}:{part.format}({options}):{record_name(part)}:sha256:{file_digest(self.path)}"

    def load(self, task: Recipe, language: str, bad: BadRows) -> Dataset:
        """The rows, with the canonical columns of the task's kind."""
        part, where = self._part(task), str(self.path)
        records = FORMATS.get(part.format)((self.path,), language, bad, **part.options)
        features = task.canonical_columns
        return canonical_rows(
            task,
            canonical(records, part, features, language=language, where=where, bad=bad),
            where,
            bad,
            split="validation",
        )

    def _part(self, task: Recipe) -> FilesSource:
        parts = with_split(task.source("files"), "train")
        if not parts or FORMATS.get(parts[0].format).required > 1:
            raise UsageError(
                f"--validation-from {self.path}: {task.name} has no release file of one format for training rows.",
                remedy="Use --validation-from train, or none.",
            )
        return parts[0]
