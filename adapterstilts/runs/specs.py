"""What a stage is: frozen, validated specs and the key that identifies their result.

Two stages with equal specs give equal results, so a spec holds all that decides a result (data, backbone and
input fingerprints, hyperparameters, seed) and nothing that does not (paths, device, micro-batch size).
"""

from __future__ import annotations

import hashlib
import json
from typing import Any, Literal
from weakref import ref

from pydantic import BaseModel, Field

from adapterstilts.parsed import check_plain
from adapterstilts.runs.rivals import FrozenClassifier, Prompted
from adapterstilts.runs.shots import Shots
from adapterstilts.runs.training_data import Options, TaskSpec
from adapterstilts.settings import Encoding, Optimisation, Strict

Precision = Literal["fp32", "bf16"]
Phase = Literal["train-language", "train-intermediate", "train-target", "few-shot"]


class Choice(Strict):
    """Something by name, with the options that differ from its defaults."""

    name: str
    options: Options = {}

    def __str__(self) -> str:
        inside = ",".join(f"{key}={json.dumps(value)}" for key, value in sorted(self.options.items()))
        return f"{self.name}[{inside}]" if inside else self.name


class MethodSpec(Choice):
    """A tuning method.

    Attributes:
        unfreeze_backbone: Whether the backbone's own weights are trained beside the method's.
    """

    unfreeze_backbone: bool = False

    def __str__(self) -> str:
        return super().__str__() + (" with the backbone" if self.unfreeze_backbone else "")

    @property
    def flags(self) -> str:
        """The flags that mean it."""
        return f"--method '{Choice.__str__(self)}'" + (" --unfreeze-backbone" if self.unfreeze_backbone else "")


class Sampling(Strict):
    """How often each of several tasks is trained on.

    Attributes:
        strategy: `proportional` to the tasks' sizes, `uniform`, sizes to the power of 1 / `temperature`, sizes up to
            `cap` features, or given `weights`.
        weights: Task to its share; they are divided by their sum.
        added: Task to its share of all batches. Its batches come on top of those of the other tasks, among which alone
            the strategy shares out.
    """

    strategy: Literal["proportional", "uniform", "temperature", "capped", "weights"] = "proportional"
    temperature: float | None = Field(default=None, gt=0)
    cap: int | None = Field(default=None, ge=1)
    weights: dict[str, float] = {}
    added: dict[str, float] = {}

    def __str__(self) -> str:
        detail = ""
        if self.strategy == "temperature":
            detail = f" {self.temperature:g}"
        elif self.strategy == "capped":
            detail = f" at {self.cap:,}"
        elif self.strategy == "weights":
            detail = " " + ", ".join(f"{task} {weight:g}" for task, weight in self.weights.items())
        return self.strategy + detail + "".join(f" and {100 * rate:g}% {task}" for task, rate in self.added.items())


class Budget(Strict):
    """How long a stage is trained where that is not said in passes over its data.

    Attributes:
        unit: `steps` of the optimiser, or the `compute` of as many tokens.
        of: Training runs that took as much together.
    """

    unit: Literal["steps", "compute"]
    of: tuple[str, ...]

    @property
    def measured(self) -> str:
        """The name of the unit among a run's metrics."""
        return {"steps": "steps", "compute": "tokens_seen"}[self.unit]


class TrainSpec(Strict):
    """A stage that trains a model: a language adapter, the intermediate phase, the target phase, a few shots after it.

    Attributes:
        tasks: What is trained on; several of them share everything but their heads.
        sampling: How often each task is trained on, where there are several.
        inputs: Runs that the composition starts from.
        language_adapter: The run whose adapter lies below all others, frozen.
        language_adapter_drop: Last layers of the backbone in which that adapter is left out.
        quantization: The number format of the frozen backbone's weights, if it is not `precision`: `nf4`.
        budget: How long it is trained, in place of epochs.
        first_weights: The seed that new weights are drawn with, where that is not `seed`, which then decides the order
            of the batches and dropout alone.
    """

    version: Literal[3] = 3
    stage: Phase
    tasks: tuple[TaskSpec, ...] = Field(min_length=1)
    sampling: Sampling | None = None
    backbone: str
    precision: Precision
    method: MethodSpec
    method_config: Options
    composition: Choice
    head: Literal["new", "reuse"]
    settings: Optimisation
    seed: int
    inputs: tuple[str, ...] = ()
    language_adapter: str | None = None
    language_adapter_drop: int = Field(default=0, ge=0)
    quantization: str | None = None
    budget: Budget | None = None
    first_weights: int | None = None

    @property
    def task(self) -> str:
        """Name of the task trained on; of several, their names with `+` between them."""
        return "+".join(task.name for task in self.tasks)

    @property
    def label(self) -> str:
        """The tasks, and the languages unless it is English alone: what the run is called."""
        if self.shots:
            return f"{self.task}-{self.shots.label}"
        languages = sorted({code for task in self.tasks for code in task.data.languages})
        return (
            self.task if languages == ["en"] and self.stage != "train-language" else "-".join([self.task, *languages])
        )

    @property
    def only(self) -> TaskSpec:
        """The task of a stage that has just one."""
        (task,) = self.tasks
        return task

    @property
    def shots(self) -> Shots | None:
        """The labelled rows of another language that it was trained on: what it scores there is not zero-shot."""
        return next((task.data.shots for task in self.tasks if task.data.shots), None)

    @property
    def frozen_once(self) -> bool:
        """Whether lower layers drop nothing, so that what they give can be kept for this model and others."""
        return self.settings.frozen_once


class EvaluateSpec(Strict):
    """A stage that predicts and scores one task in several languages.

    Attributes:
        fingerprints: Language to content fingerprint, in the order of the report.
        calibration: Language to the fingerprint of the labelled data on which decoding is calibrated, for tasks that
            no model is trained for.
        inputs: The run whose model is evaluated; none for the backbone as it is.
        language_adapters: Language to the run whose adapter takes the place of the one trained with, or `none`.
        language_sums: Language to the weights of runs, where the sum of their adapters does.
        quantization: As in `TrainSpec`.
        translate_test: Language to the fingerprint of the English translation that is scored instead of its rows.
        rival: What answers in place of a model that was trained for the task.
    """

    version: Literal[3] = 3
    stage: Literal["evaluate"] = "evaluate"
    task: str
    kind: str
    options: Options
    metric: str
    source: str
    split: str
    fingerprints: dict[str, str]
    calibration: dict[str, str] = {}
    backbone: str
    max_examples: int | None
    skip_bad_rows: bool
    encoding: Encoding
    precision: Precision
    inputs: tuple[str, ...]
    language_adapters: dict[str, str] = {}
    quantization: str | None = None
    translate_test: dict[str, str] = {}
    rival: FrozenClassifier | Prompted | None = None
    language_sums: dict[str, dict[str, float]] = {}

    @property
    def label(self) -> str:
        """The task, and what answers in place of a trained model: what the run is called."""
        return f"{self.task}-{self.rival.name}" if self.rival else self.task

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages to score, in the order of the report."""
        return tuple(self.fingerprints)


class SharedSpec(Strict):
    """A stage that brings a model into the store which was made elsewhere.

    Attributes:
        content: SHA-256 of the files that it came in: another one is another model, whatever they say about it.
        name: What it is called: its tasks where they are known.
        backbone: The backbone that it is used on.
        method: What was trained last.
        made: The stage that made it, as its files say; None where another library wrote them.
        begun_with: The stages of the models that it was begun with, likewise.
    """

    version: Literal[1] = 1
    stage: Literal["shared"] = "shared"
    content: str
    name: str
    backbone: str
    method: MethodSpec
    made: TrainSpec | None = None
    begun_with: tuple[TrainSpec, ...] = ()

    @property
    def task(self) -> str:
        """What it is called."""
        return self.name

    @property
    def label(self) -> str:
        """What the run is called."""
        return self.name

    @property
    def tasks(self) -> tuple[TaskSpec, ...]:
        """What it was trained on; nothing where that is not known."""
        return self.made.tasks if self.made else ()

    @property
    def only(self) -> TaskSpec:
        """The task of a model that was trained on just one."""
        (task,) = self.tasks
        return task

    @property
    def shots(self) -> Shots | None:
        """As of a stage that is trained here."""
        return self.made.shots if self.made else None

    @property
    def seed(self) -> int | None:
        """The seed that it was trained with, where that is known."""
        return self.made.seed if self.made else None

    @property
    def composition(self) -> Choice:
        """How it was begun, where that is known."""
        return self.made.composition if self.made else Choice(name="none")

    @property
    def sampling(self) -> Sampling | None:
        """How often each of several tasks was trained on."""
        return self.made.sampling if self.made else None

    @property
    def inputs(self) -> tuple[str, ...]:
        """Nothing: whatever it was made from is in it."""
        return ()

    @property
    def frozen_once(self) -> bool:
        """Nothing is kept for a model that is trained no further."""
        return False

    @property
    def language_adapter(self) -> None:
        """No run of this store."""
        return None


ModelSpec = TrainSpec | SharedSpec
StageSpec = TrainSpec | SharedSpec | EvaluateSpec


def read_spec(values: dict[str, Any]) -> StageSpec:
    """The spec that `canonical_json` wrote.

    Raises:
        KeyError, pydantic.ValidationError: It is none of this version.
    """
    kinds: dict[str, type[StageSpec]] = {"evaluate": EvaluateSpec, "shared": SharedSpec}
    return kinds.get(values["stage"], TrainSpec).model_validate(values)


# Where a spec lies in memory to the spec and its key, as long as there is the spec.
_KEYS: dict[int, tuple[ref[BaseModel], str]] = {}


def canonical_json(spec: BaseModel) -> str:
    """The one JSON text of a spec: sorted keys, no spaces, ASCII only, without fields left at an empty default.

    Such a field says nothing, so a later version can add one without giving every run another key.

    Raises:
        ValueError: A number is not finite: its JSON would be that of None.
    """
    check_plain(spec.model_dump())
    told = _told(spec, spec.model_dump(mode="json"))
    return json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def _told(value: Any, dumped: Any) -> Any:
    """What a value's JSON says, without fields left at an empty default."""
    if isinstance(value, BaseModel):
        fields = {name: (getattr(value, name), field.default) for name, field in type(value).model_fields.items()}
        return {name: _told(one, dumped[name]) for name, (one, default) in fields.items() if one or one != default}
    if isinstance(value, tuple):
        return [_told(one, its) for one, its in zip(value, dumped, strict=True)]
    return dumped


def key(spec: BaseModel) -> str:
    """SHA-256 of the canonical JSON, as 64 hexadecimal digits; found out once for each spec, since these are frozen."""
    place = id(spec)
    known = _KEYS.get(place)
    if known and known[0]() is spec:
        return known[1]
    found = hashlib.sha256(canonical_json(spec).encode("ascii")).hexdigest()
    _KEYS[place] = (ref(spec, lambda _: _KEYS.pop(place, None)), found)
    return found
