"""Options of the commands about benchmark submissions."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field

from adapterstilts.commands.options.shared import Benchmark, CatalogueOptions, StoreOptions
from adapterstilts.commands.options.values import LOCAL, Names
from adapterstilts.declared import Flag, Group
from adapterstilts.settings import Strict


class ScoredFolders(Strict):
    """What `score` is for."""

    predictions: Annotated[Path, Flag(metavar="PREDICTIONS")] = Field(description="Folder of predictions.")
    labels: Annotated[Path, Flag(metavar="LABELS")] = Field(description="Folder of labels.")


class ScoreOptions(CatalogueOptions):
    """Options of `score`."""

    benchmark: Annotated[Benchmark | None, Flag(Group.EVALUATION, unset="every task that there is a folder of")] = (
        Field(None, description="Count this benchmark's tasks and languages only, and list those that are missing.")
    )


class ExportedRuns(Strict):
    """What `export` is for."""

    runs: Annotated[Names, Flag(metavar="RUNS...")] = Field(description="Evaluations, by key or folder.")


class ExportOptions(StoreOptions, CatalogueOptions):
    """Options of `export`."""

    out: Annotated[Path, LOCAL, Flag(Group.RUN)] = Field(description="Folder to make.")
    benchmark: Annotated[Benchmark, Flag(Group.EVALUATION)] = Field(
        "xtreme", description="Whose tasks and languages a complete submission has."
    )
    partial: Annotated[bool, Flag(Group.EVALUATION)] = Field(
        False, description="Write what is there although tasks or languages are missing."
    )
