"""Which rows train, which select the checkpoint, and which are scored."""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from adapterstilts.data.bad_rows import BadRows
from adapterstilts.data.ranks import rank
from adapterstilts.data.shots import shot_rows
from adapterstilts.data.sources.rows import Source
from adapterstilts.data.sources.rows_file import RowsFile
from adapterstilts.data.sources.validation_file import ValidationFile
from adapterstilts.data.spilled import each_row
from adapterstilts.data.translation.layout import Direction
from adapterstilts.data.translation.reading import Translations
from adapterstilts.errors import DataError
from adapterstilts.runs.training_data import TrainingData
from adapterstilts.tasks.kind import draw
from adapterstilts.tasks.recipe import Recipe

if TYPE_CHECKING:
    from datasets import Dataset

_HELD_OUT_EVERYWHERE = 0.01
# Bytes that stand for a group, of which millions would not fit into memory.
_NAME = 16


def hold_out(rows: Dataset, size: int, *, group: Callable[[Mapping[str, Any]], str]) -> tuple[Dataset, Dataset]:
    """Splits rows into (rest, held out) with all rows of a group on one side.

    A hash of what a group is decides, so that what is compared selects on the same examples whatever the seed, and no
    paragraph that is held out of SQuAD 1.1 is trained on in SQuAD 2.0: every data set holds out the same hundredth of
    all groups that there could be, and small ones more.

    Args:
        size: Rows to hold out, but no more than a tenth of all; the last group, or that hundredth, may exceed it.
        group: Row to what it belongs to.

    Raises:
        DataError: All rows belong to one group, so nothing can be held out.
    """
    names, ranks = _groups(group(row) for row in each_row(rows))
    _, first, members, counts = np.unique(names, return_index=True, return_inverse=True, return_counts=True)
    if len(first) < 2:
        raise DataError(
            f"All {len(rows)} training rows belong together, so none can be held out for validation.",
            remedy="Add training data.",
        )
    wanted = min(size, max(1, len(rows) // 10))
    order = np.lexsort((first, ranks[first]))
    held_before = np.cumsum(counts[order]) - counts[order]
    enough = (held_before >= wanted) & (ranks[first][order] >= _HELD_OUT_EVERYWHERE)
    chosen = np.zeros(len(first), dtype=bool)
    chosen[order[: len(first) - 1][~enough[:-1]]] = True
    held = chosen[members]
    return rows.select(np.flatnonzero(~held)), rows.select(np.flatnonzero(held))


def _groups(groups: Iterable[str]) -> tuple[np.ndarray, np.ndarray]:
    """For each row what stands for its group, and the group's rank."""
    names, ranks = bytearray(), array("d")
    for group in groups:
        names += hashlib.sha256(group.encode("utf-8", "surrogatepass")).digest()[:_NAME]
        ranks.append(rank(group))
    return np.frombuffer(names, dtype=f"S{_NAME}"), np.frombuffer(ranks, dtype=np.float64)


def training_rows(
    source: Source,
    task: Recipe,
    data: TrainingData,
    bad: BadRows,
    *,
    translations: Translations | None = None,
    validation_file: ValidationFile | None = None,
    shot_files: Mapping[str, RowsFile] = MappingProxyType({}),
) -> tuple[Dataset, Dataset]:
    """(training rows, validation rows) of one task, those of its training languages after each other.

    What is translated are the training rows, so that nothing that is held out is trained on in any language;
    validation rows are those of one language alone, and never translated.

    Args:
        translations: Where `data.translations` come from.
        validation_file: Where the validation rows come from that are not the source's.
        shot_files: Language to the file that labelled rows of it are drawn from.
    """
    from datasets import concatenate_datasets

    if data.shots is not None:
        shots = shot_rows(source, task, data, bad, file=shot_files.get(data.shots.language))
        return shots, shots.select([])
    selecting = data.validation_language
    everything, own, validation = _split(source, task, data, bad, validation_file)
    parts: list[Dataset] = []
    for language in data.languages:
        if language in data.translations:
            assert translations is not None
            direction = Direction(selecting, language)
            parts.append(translations.load(task, "train", direction, rows=everything, wanted=own, bad=bad))
        elif language == selecting:
            parts.append(own)
        else:
            rows = source.load(task, "train", language, bad)
            parts.append(draw(rows, data.max_examples))
    return concatenate_datasets(parts), validation


def validation_rows(
    source: Source, task: Recipe, data: TrainingData, bad: BadRows, *, validation_file: ValidationFile | None = None
) -> Dataset:
    """The validation rows of one task, as `training_rows` has them."""
    _, _, validation = _split(source, task, data, bad, validation_file)
    return validation


def check_learnable(task: Recipe, rows: Dataset) -> None:
    """Refuses training rows of which nothing can be learnt.

    Raises:
        DataError: They all have the same label.
    """
    try:
        task.build_kind().check_training(rows)
    except ValueError as error:
        raise DataError(
            f"Nothing can be learnt from the training data of {task.name}: {error}.",
            remedy="Check that the data are whole, and that their column of labels is the right one.",
        ) from None


def rows_to_translate(
    source: Source, task: Recipe, split: str, language: str, bad: BadRows, *, size: int | None, holdout: int
) -> Dataset:
    """The rows of a split that are trained on or scored if at most `size` are: those whose translations are needed.

    Args:
        holdout: Training rows that are set aside for validation, where the task has no validation split.
    """
    rows = source.load(task, split, language, bad)
    if split == "train" and size is not None and source.missing(task, "validation", language):
        rows, _ = hold_out(rows, holdout, group=task.build_kind().group)
    return draw(rows, size)


def _split(
    source: Source, task: Recipe, data: TrainingData, bad: BadRows, file: ValidationFile | None
) -> tuple[Dataset, Dataset, Dataset]:
    """(all rows of the training set, those to train on, validation rows) of the language that selects checkpoints."""
    language = data.validation_language
    train = everything = source.load(task, "train", language, bad)
    check_learnable(task, everything)
    if not data.selects:
        validation = train.select([])
    elif data.holdout is not None:
        train, validation = hold_out(train, data.holdout, group=task.build_kind().group)
    elif file is not None:
        validation = file.load(task, language, bad)
    else:
        validation = source.load(task, "validation", language, bad)
    return everything, draw(train, data.max_examples), validation


def evaluation_split(source: Source, task: Recipe, languages: Sequence[str], wanted: str | None) -> str:
    """The split to score: `wanted`, or `test` where the source has it for all languages, else `validation`.

    Raises:
        DataError: The split is not there for one of the languages.
    """
    missing = {}
    for split in (wanted,) if wanted else ("test", "validation"):
        absent = [what for language in languages if (what := source.missing(task, split, language))]
        if not absent:
            return split
        missing[split] = absent
    # The split with the fewest gaps is the one the user meant.
    split = min(missing, key=lambda name: len(missing[name]))
    there = [language for language in languages if not source.missing(task, split, language)]
    remedy = f"Score what is there with --languages {','.join(there)}." if there else "Check --data-dir and --split."
    raise DataError(f"{task.name}: missing {', '.join(missing[split])}.", remedy=remedy)
