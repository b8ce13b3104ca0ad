"""The rows that a spec names, read and encoded as every stage does that learns from them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapterstilts.data.bad_rows import BadRows
from adapterstilts.data.features import encode
from adapterstilts.data.splits import training_rows
from adapterstilts.runs.specs import TaskSpec, canonical_json
from adapterstilts.stages.setup import Setup
from adapterstilts.tasks.kind import Kind
from adapterstilts.tasks.sources import Names, RecordSource

if TYPE_CHECKING:
    from datasets import Dataset


def read_rows(task: TaskSpec, setup: Setup, bad: BadRows | None = None) -> tuple[Dataset, Dataset]:
    """The training rows of a task, and its validation rows, of which there may be none.

    Args:
        bad: Counts the rows that are left out; by default nobody looks at how many these are.

    Raises:
        DataError: As `data.splits.training_rows`.
    """
    return training_rows(
        setup.source,
        setup.catalogue.recipe(task.name),
        task.data,
        bad or BadRows(skip=task.data.skip_bad_rows),
        translations=setup.translations,
        validation_file=setup.validation_file,
        shot_files=setup.shot_files,
    )


def encode_rows(rows: Dataset, task: TaskSpec, kind: Kind, setup: Setup) -> Dataset:
    """Training features with labels of the rows that `read_rows` gives; stages with the same ones share them."""
    return encode(
        rows,
        identity=f"train {canonical_json(task.data)}",
        kind=kind,
        tokenizer=setup.backbone.tokenizer(),
        encoding=task.encoding,
        labels=True,
        cache=setup.store.cache / "features",
    )


def columns_read(task: TaskSpec, setup: Setup) -> dict[str, Names]:
    """Which columns of its data a task was read from, by the canonical ones that these are."""
    part = getattr(setup.catalogue.recipe(task.name).sources, task.data.source, None)
    return dict(part.columns) if isinstance(part, RecordSource) else {}
