"""Labelled rows from one file of the user's."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from adapterstilts.data.bad_rows import BadRows
from adapterstilts.data.formats import FORMATS
from adapterstilts.data.formats.packed import checked_digest
from adapterstilts.data.sources.rows import ROWS_VERSION, canonical, canonical_rows, record_name
from adapterstilts.tasks.recipe import Recipe
from adapterstilts.tasks.sources import FilesSource

if TYPE_CHECKING:
    from datasets import Dataset


@dataclass(frozen=True)
class RowsFile:
    """A file, and how it is read.

    Attributes:
        part: Format and columns, as a recipe has them; its paths are not used.
    """

    path: Path
    part: FilesSource

    @property
    def fingerprint(self) -> str:
        """Identity of the rows' content."""
        part = self.part
        options = ",".join(f"{name}={value}" for name, value in sorted(part.options.items()))
        return f"file:{ROWS_VERSION}:{part.format}({options}):{record_name(part)}:sha256:{checked_digest(self.path)}"

    def load(self, task: Recipe, language: str, bad: BadRows, *, split: str = "validation") -> Dataset:
        """The rows, with the canonical columns of the task's kind.

        Args:
            split: What is said of them in errors; see `canonical_rows`.

        Raises:
            DataError: As `canonical_rows`.
        """
        where, features = str(self.path), task.canonical_columns
        records = FORMATS.get(self.part.format)((self.path,), language, bad, **self.part.options)
        rows = canonical(records, self.part, features, language=language, where=where, bad=bad)
        return canonical_rows(task, rows, where, bad, split=split)
