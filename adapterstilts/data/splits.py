"""Which rows train, which select the checkpoint, and which are scored."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from adapterstilts.data.bad_rows import BadRows
from adapterstilts.data.sources import Source
from adapterstilts.errors import DataError
from adapterstilts.specs import TrainingData
from adapterstilts.tasks.kind import draw
from adapterstilts.tasks.recipe import Recipe

if TYPE_CHECKING:
    from datasets import Dataset

# Which rows are held out does not depend on a run's seed: what is compared selects on the same examples.
_HOLDOUT_SEED = 0


def hold_out(rows: Dataset, size: int, *, group: Callable[[Mapping[str, Any]], str]) -> tuple[Dataset, Dataset]:
    """Splits rows into (rest, held out) with all rows of a group on one side.

    Args:
        size: Rows to hold out, but no more than a tenth of all; the last group may exceed it.
        group: Row to what it belongs to.

    Raises:
        DataError: All rows belong to one group, so nothing can be held out.
    """
    groups = [group(row) for row in rows]
    names = list(dict.fromkeys(groups))
    if len(names) < 2:
        raise DataError(
            f"All {len(rows)} training rows belong together, so none can be held out for validation.",
            remedy="Add training data.",
        )
    members: dict[str, list[int]] = {}
    for index, name in enumerate(groups):
        members.setdefault(name, []).append(index)
    wanted = min(size, max(1, len(rows) // 10))
    held: list[int] = []
    for position in np.random.default_rng(_HOLDOUT_SEED).permutation(len(names))[: len(names) - 1]:
        held += members[names[position]]
        if len(held) >= wanted:
            break
    rest = sorted(set(range(len(rows))) - set(held))
    return rows.select(rest), rows.select(sorted(held))


def training_rows(
    source: Source, task: Recipe, data: TrainingData, bad: BadRows, *, max_validation_examples: int
) -> tuple[Dataset, Dataset]:
    """(training rows, validation rows) of one task, those of its training languages after each other."""
    from datasets import concatenate_datasets

    parts = [_rows_of_language(source, task, data, language, bad) for language in data.languages]
    train, validation = (concatenate_datasets(list(each)) for each in zip(*parts, strict=True))
    return train, draw(validation, max_validation_examples)


def _rows_of_language(
    source: Source, task: Recipe, data: TrainingData, language: str, bad: BadRows
) -> tuple[Dataset, Dataset]:
    train = source.load(task, "train", language, bad)
    if data.holdout is None:
        validation = source.load(task, "validation", language, bad)
    else:
        train, validation = hold_out(train, data.holdout, group=task.build_kind().group)
    kind = task.build_kind()
    for split, rows in (("training", train), ("validation", validation)):
        if all(kind.unlabelled(row) for row in rows.select(range(min(len(rows), 50)))):
            raise DataError(f"The {split} data of {task.name} have no labels.", remedy="Use a release that has them.")
    return draw(train, data.max_examples), validation


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
