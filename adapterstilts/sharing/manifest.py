"""`astilts.json`: what adapterstilts says about a model that it shared; data from a stranger until it is checked."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictFloat, StrictInt, ValidationError

from adapterstilts.errors import SharingError
from adapterstilts.modeling.blocks import ModelDescription
from adapterstilts.modeling.exchange.strict_json import read_object
from adapterstilts.modeling.methods import Library
from adapterstilts.runs.specs import EvaluateSpec, TrainSpec, canonical_json, key
from adapterstilts.settings import Strict
from adapterstilts.sharing.contents import OWN

FORMAT = 1
# Names become parts of paths of tensors, and of folders.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_+@-]{0,199}")
_LANGUAGE = re.compile(r"[a-zA-Z0-9]{2,8}([-_][a-zA-Z0-9]{1,8})*")
# What moves a terminal's cursor, or hides what was written before it.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
Numbers = dict[str, StrictFloat | StrictInt]


class _Said(BaseModel):
    """What is read of an object, whatever else a later version puts into it."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False, strict=True)


class FileRecord(Strict):
    """What a file was when the model was shared."""

    bytes: int = Field(ge=0)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class Base(Strict):
    """The backbone that the model was trained on.

    Attributes:
        name: Its id on the Hub, or what its folder was called.
        on_hub: Whether it is an id.
    """

    name: str = Field(max_length=200)
    on_hub: bool
    revision: str | None
    fingerprint: str


class Measured(_Said):
    """What was measured when it was trained, as a run's `metrics.json` has it."""

    steps: int
    best_step: int | None
    best_score: float | None
    validation: Numbers
    validation_all: Numbers
    validation_examples: int
    averaged_checkpoints: int = 0
    examples_seen: int
    tokens_seen: int
    train_examples: int
    train_features: int
    calibration: dict[str, Any]
    temperatures: dict[str, Any] = {}
    parameters: dict[str, int]
    flops: int
    stored_bytes: int
    tasks: dict[str, Numbers] = {}


class Made(_Said):
    """Where and when it was trained: of a run's `provenance.json`, what says nothing of a person or a disk."""

    started: str
    finished: str
    wall_seconds: float
    train_seconds: float
    versions: dict[str, str]
    commit: str | None
    hardware: dict[str, str | int | None]
    device: str
    tokens_per_batch: int
    cost: dict[str, Any]
    resumed_from_step: int = 0
    processes: int = 1
    strategy: str | None = None
    compiled: bool = False
    cuda_graphs: int = 0


class Evaluated(Strict):
    """How it scored on data of a task.

    Attributes:
        languages: Language to metric to value.
    """

    spec: EvaluateSpec
    languages: dict[str, Numbers]


class Manifest(Strict):
    """All that `astilts.json` says.

    Attributes:
        key: Of `spec`, the stage that trained it.
        begun_with: The stages that trained the models which it was begun with.
        library: The library whose format the files are in.
        auto_class: The class of `transformers` that the whole model is loaded as, where there is one.
        license: That of the data that it was trained on.
        files: Name to record of every other file but the card.
    """

    format: Literal[1] = 1
    made_with: str
    key: str
    spec: TrainSpec
    begun_with: tuple[TrainSpec, ...] = ()
    model: ModelDescription
    base: Base
    library: Library
    auto_class: str | None = None
    metrics: Measured
    evaluations: tuple[Evaluated, ...] = ()
    provenance: Made
    license: str | None = None
    files: dict[str, FileRecord]

    @property
    def tasks(self) -> list[str]:
        """Names of the tasks that it was trained on."""
        return [task.name for task in self.spec.tasks]


def read_manifest(folder: Path, *, where: str) -> Manifest:
    """What the folder's `astilts.json` says, with names, numbers and key checked.

    Raises:
        SharingError: It is of another version, misshapen, or contradicts itself.
    """
    values = read_object(folder / OWN)
    found = values.get("format")
    if found != FORMAT or isinstance(found, bool):
        newer = isinstance(found, int) and found > FORMAT
        raise SharingError(
            f"{where}: {OWN} has the format {str(found)[:40]!r}, and this version of adapterstilts reads {FORMAT}.",
            remedy="Update adapterstilts." if newer else "Ask its owner to push it again.",
        )
    try:
        manifest = Manifest.model_validate(values)
    except (ValidationError, RecursionError) as error:
        raise SharingError(
            f"{where}: {OWN} is misshapen: {_first(error)}.", remedy="Ask its owner to push it again."
        ) from None
    _check_texts(values, where)
    _check_names(manifest, where)
    if key(manifest.spec) != manifest.key:
        raise SharingError(
            f"{where}: {OWN} gives the key {manifest.key[:12]!r} for a spec whose key is {key(manifest.spec)[:12]}.",
            remedy="Somebody changed it by hand; ask its owner to push it again.",
        )
    if manifest.spec.backbone != manifest.model.backbone or manifest.base.fingerprint != manifest.model.backbone:
        raise SharingError(
            f"{where}: {OWN} names different backbones for the model and for the stage that trained it.",
            remedy="Somebody changed it by hand; ask its owner to push it again.",
        )
    return manifest


def manifest_text(manifest: Manifest) -> str:
    """The text of an `astilts.json`: equal for equal models."""
    values = manifest.model_dump(mode="json")
    # As in a run's folder, so that fields of later versions do not change the key.
    values["spec"] = json.loads(canonical_json(manifest.spec))
    values["begun_with"] = [json.loads(canonical_json(one)) for one in manifest.begun_with]
    if not manifest.begun_with:
        del values["begun_with"]
    for stored, one in zip(values["evaluations"], manifest.evaluations, strict=True):
        stored["spec"] = json.loads(canonical_json(one.spec))
    return json.dumps(values, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"


def check_name(name: str, *, what: str, where: str) -> None:
    """Refuses a name that could mean something else where it is used.

    Raises:
        SharingError: It has other characters than letters, digits and a few signs.
    """
    if not _NAME.fullmatch(name):
        raise SharingError(
            f"{where}: {name[:60]!r} cannot be the name of {what}.",
            remedy="Names have letters, digits, and _ + @ - after the first.",
        )


def _check_names(manifest: Manifest, where: str) -> None:
    for block in manifest.model.blocks:
        for name in block.names:
            check_name(name, what="an adapter", where=where)
    tasks = [task for spec in (manifest.spec, *manifest.begun_with) for task in spec.tasks]
    for name in (*manifest.model.heads, *(task.name for task in tasks)):
        check_name(name, what="a task", where=where)
    codes = [code for task in tasks for code in task.data.languages]
    for code in (*codes, *(code for one in manifest.evaluations for code in one.languages)):
        if not _LANGUAGE.fullmatch(code):
            raise SharingError(f"{where}: {code[:60]!r} is no language.", remedy="Languages are codes such as de.")
    for weight in (weight for block in manifest.model.blocks for weight in block.weights):
        if not math.isfinite(weight):
            raise SharingError(f"{where}: {OWN} has the weight {weight}.", remedy="Weights are numbers.")


def _check_texts(value: Any, where: str) -> None:
    """Refuses texts that do something to a terminal when they are printed."""
    if isinstance(value, str):
        if _CONTROL.search(value):
            raise SharingError(f"{where}: {OWN} has control characters in {value[:60]!r}.", remedy="Do not trust it.")
    elif isinstance(value, dict | list):
        for one in (*value, *(value.values() if isinstance(value, dict) else ())):
            _check_texts(one, where)


def _first(error: Exception) -> str:
    if not isinstance(error, ValidationError):
        return type(error).__name__
    first = error.errors()[0]
    path = ".".join(map(str, first["loc"]))
    return f"{path[:120]}: {first['msg'][:200]}"
