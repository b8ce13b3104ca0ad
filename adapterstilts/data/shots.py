"""Labelled rows of a language other than English: which there are to be drawn, and which are drawn.

A row that shares a text with one that is scored, such as a question on the same paragraph, is never drawn.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from adapterstilts.data.bad_rows import BadRows
from adapterstilts.data.sources.rows import Source
from adapterstilts.data.sources.rows_file import RowsFile
from adapterstilts.data.spilled import each_row
from adapterstilts.errors import DataError
from adapterstilts.languages import ENGLISH
from adapterstilts.runs.shots import FILE
from adapterstilts.runs.training_data import TrainingData
from adapterstilts.tasks.recipe import Recipe

if TYPE_CHECKING:
    from datasets import Dataset


_COMPARED = 20


def rows_to_draw_from(
    source: Source,
    task: Recipe,
    split: str,
    language: str,
    bad: BadRows,
    *,
    apart_from: Iterable[str],
    file: RowsFile | None = None,
) -> tuple[Dataset, int]:
    """The labelled rows of a language that are none of the scored ones and share no text with them.

    Args:
        split: `train`, `validation`, or `file`.
        apart_from: The splits that are scored.
        file: The file that `file` means.

    Returns:
        These rows, and how many were left out.
    """
    if split == FILE:
        assert file is not None
        rows = file.load(task, language, bad, split="train")
    else:
        rows = source.load(task, split, language, bad)
    group = task.build_kind().group
    scored = {
        group(row).strip()
        for one in apart_from
        for row in each_row(source.load(task, one, language, BadRows(skip=bad.skip)))
    }
    kept = [number for number, row in enumerate(each_row(rows)) if group(row).strip() not in scored]
    return rows.select(kept), len(rows) - len(kept)


def are_english_rows(source: Source, task: Recipe, split: str, language: str, *, skip: bool) -> bool:
    """Whether the rows of a split in a language are those in English, because one file is read for every language."""
    if source.missing(task, split, ENGLISH):
        return False
    named, english = (source.load(task, split, code, BadRows(skip=skip)) for code in (language, ENGLISH))
    compared = [name for name in named.column_names if name != "language"]
    first, second = (
        rows.select(range(min(_COMPARED, len(rows)))).select_columns(compared) for rows in (named, english)
    )
    return first.to_list() == second.to_list()


def draw_shots(rows: Dataset, count: int, draw: int) -> Dataset:
    """The first `count` rows of random order number `draw`, in the order in which the rows are."""
    order = np.random.default_rng(draw).permutation(len(rows))
    return rows.select(sorted(order[:count]))


def digest(rows: Dataset) -> str:
    """SHA-256 of rows, whatever file they were in."""
    found = hashlib.sha256()
    for row in each_row(rows):
        found.update(json.dumps(row, sort_keys=True, ensure_ascii=True, default=str).encode() + b"\n")
    return found.hexdigest()


def shot_rows(
    source: Source, task: Recipe, data: TrainingData, bad: BadRows, *, file: RowsFile | None = None
) -> Dataset:
    """The rows that `data.shots` names.

    Raises:
        DataError: What is there now is not what they were drawn from.
    """
    shots = data.shots
    assert shots is not None
    rows, _ = rows_to_draw_from(source, task, shots.split, shots.language, bad, apart_from=shots.apart_from, file=file)
    found = draw_shots(rows, shots.count, shots.draw)
    if digest(found) != shots.digest:
        raise DataError(
            f"The {shots.language} rows of {task.name} are not those that were drawn from when the command began.",
            remedy="Start it again.",
        )
    return found
