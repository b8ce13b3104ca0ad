"""The JSON that a store keeps, in the shape that is due: each of its files is read here."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, RootModel, ValidationError

from adapterstilts.errors import StoreError
from adapterstilts.files import read_file
from adapterstilts.settings import Strict

M = TypeVar("M", bound=BaseModel)
Numbers = dict[str, float]
OWNER = "Ask its owner to let your group read it."
REMEDY = "`astilts runs verify --all` names all that is damaged; what is needed is made again."


class Record(BaseModel):
    """What has to be in a file; another version may have put more into it."""

    model_config = ConfigDict(frozen=True, extra="allow", strict=True)


class FileEntry(Strict):
    """What a file was when it was published."""

    bytes: int = Field(ge=0)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class Entries(RootModel[dict[str, FileEntry]]):
    """Name to entry of all files of a folder, below which the names are."""


class Provenance(Record):
    """Where and when a run was made."""

    finished: str = Field(min_length=1)
    backbone: str
    wall_seconds: float
    versions: dict[str, str]
    hardware: dict[str, Any]


class TrainedProvenance(Provenance):
    """The same of a model.

    Attributes:
        columns: Task to what its data called the canonical columns, which new rows are likely to call them too.
    """

    train_seconds: float
    cost: dict[str, Any]
    columns: dict[str, dict[str, str | list[str]]] = {}


class Place(Record):
    """Where a shared model is from."""

    place: str


class SharedProvenance(TrainedProvenance):
    """The same of a model that was made elsewhere."""

    shared: Place


class TrainedMetrics(Record):
    """What was measured when a model was trained."""

    steps: int
    best_step: int | None
    best_score: float | None
    validation: Numbers
    validation_all: Numbers
    averaged_checkpoints: int = 0
    examples_seen: int
    tokens_seen: int
    train_examples: int
    calibration: dict[str, Any]
    temperatures: dict[str, Any] = {}
    parameters: dict[str, int]
    flops: int
    stored_bytes: int


class EvaluationMetrics(Record):
    """What an evaluation says of all its languages together."""

    languages: dict[str, Numbers]
    counts: dict[str, dict[str, Any]]
    calibration: dict[str, Any]
    english: Numbers | None = None
    zero_shot: Numbers | None = None
    by_class: dict[str, dict[str, Any]] = {}
    hidden: dict[str, Any] = {}


class Scored(Record):
    """What an evaluation says of one language: its metrics, and the items of which they are the quotients."""

    metrics: Numbers
    counts: dict[str, Any]
    calibration: dict[str, Any]
    rows_left_out: dict[str, int]
    rows_omitted_by_design: dict[str, int]
    fusion_attention: dict[str, Any]
    ids: list[Any]
    items: dict[str, dict[str, Any]]
    groups: dict[str, Any] = {}


class LogEntry(Record):
    """A line of a training's log."""

    step: int


_PROVENANCE: dict[str, type[Provenance]] = {"evaluate": Provenance, "shared": SharedProvenance}


def provenance_record(stage: str) -> type[Provenance]:
    """The shape of the provenance of a stage."""
    return _PROVENANCE.get(stage, TrainedProvenance)


def metrics_record(stage: str) -> type[Record]:
    """The shape of the metrics of a stage."""
    return EvaluationMetrics if stage == "evaluate" else TrainedMetrics


def read_object(path: Path, *, remedy: str = REMEDY) -> dict[str, Any]:
    """The object in a JSON file.

    Raises:
        StoreError: It cannot be read, or is something else.
    """
    try:
        values = json.loads(read_file(path))
    except PermissionError as error:
        raise StoreError(f"{path} cannot be read ({error.strerror}).", remedy=OWNER) from error
    except (OSError, ValueError, RecursionError) as error:
        reason = getattr(error, "strerror", None) or error
        raise StoreError(f"{path} cannot be read ({reason}).", remedy=remedy) from error
    if type(values) is not dict:
        raise StoreError(f"{path} is misshapen: it is not a JSON object.", remedy=remedy)
    return values


def read_values(path: Path, model: type[M], *, remedy: str = REMEDY) -> dict[str, Any]:
    """The object in a JSON file as it is there, once `model` fits it.

    Raises:
        StoreError: It cannot be read, or has another shape.
    """
    values = read_object(path, remedy=remedy)
    _fitted(values, model, path, remedy)
    return values


def read_record(path: Path, model: type[M], *, remedy: str = REMEDY) -> M:
    """The same as an instance of `model`."""
    return _fitted(read_object(path, remedy=remedy), model, path, remedy)


def read_log(path: Path) -> list[dict[str, Any]]:
    """The entries of a training's log; a line that a kill cut off is none."""
    return [entry for _, entry in log_lines(path)]


def log_lines(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Line and entry of a training's log, likewise."""
    try:
        lines = path.read_bytes().splitlines() if path.is_file() else []
    except OSError as error:
        raise StoreError(f"{path} cannot be read ({error.strerror}).", remedy=REMEDY) from error
    for line in lines:
        try:
            entry = json.loads(line)
            LogEntry.model_validate(entry)
            yield line.decode("utf-8"), entry
        except (ValueError, RecursionError):
            continue


def _fitted(values: Any, model: type[M], path: Path, remedy: str) -> M:
    try:
        return model.model_validate(values)
    except (ValidationError, RecursionError) as error:
        raise StoreError(f"{path} is misshapen ({first_problem(error)}).", remedy=remedy) from None


def first_problem(error: Exception) -> str:
    """Where and what is wrong with values that do not fit."""
    if not hasattr(error, "errors"):
        return type(error).__name__
    first = error.errors()[0]
    return f"{'.'.join(map(str, first['loc']))[:120]}: {first['msg'][:200]}"
