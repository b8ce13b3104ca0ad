"""What a graph of stages will cost, told before anything has started: time, operations, memory, disk, energy."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from adapterstilts.data.batch_counts import batch_counts
from adapterstilts.modeling.architecture import Facts
from adapterstilts.modeling.blocks import ModelDescription
from adapterstilts.runs.specs import EvaluateSpec, MethodSpec, TrainSpec
from adapterstilts.runs.store import MANIFEST, Run
from adapterstilts.stages.amounts import Amount, Amounts, Padded, padded_for_prediction, padded_for_training
from adapterstilts.stages.checks import Checks
from adapterstilts.stages.finished import FinishedSpeeds
from adapterstilts.stages.graph import Graph, Stage
from adapterstilts.stages.machines import HERE, machine
from adapterstilts.stages.model_sizes import ModelSize, model_size
from adapterstilts.stages.setup import Setup
from adapterstilts.stages.speed import Speed, assumed_speed, speed_here
from adapterstilts.tasks.retrieval_options import resolve_layer

# Bytes of a run beside its weights or scores: spec, metrics, provenance, manifest; and of a line of its log.
_FILES_OF_TRAINING, _FILES_OF_EVALUATION, _FILES_OF_LANGUAGE, _LOG_LINE = 5_000, 3_300, 1_000, 127
_LOG_LINES = 200
# Checkpoints at the same time: the best, the last, and the next until the last is deleted.
_CHECKPOINTS = 3
# Seconds of decoding, scoring and writing a row.
_SCORING = 0.0006


@dataclass(frozen=True)
class StageCost:
    """What one stage takes; None where it is not known.

    Attributes:
        seconds: From its beginning to its run.
        tokens: That are trained on or read, padding not counted.
        flops: Floating-point operations as a training's metrics have them, without its evaluations; of an evaluation,
            of its forward passes.
        steps: Optimiser steps.
        memory: Most bytes in use, of the `host` and of a `device` with memory of its own.
        disk: Bytes of its run.
        scratch: Bytes of checkpoints and vectors that are deleted when it is published.
        cached: Bytes of tokenised data that stay in the store's cache.
        at_most: Whether it may end early, so that time and operations are upper bounds.
        unknown: What is not known, where something is not.
    """

    seconds: float | None = None
    tokens: int | None = None
    flops: int | None = None
    steps: int | None = None
    memory: dict[str, int] = field(default_factory=dict)
    disk: int | None = None
    scratch: int = 0
    cached: int = 0
    at_most: bool = False
    unknown: str | None = None


@dataclass(frozen=True)
class TotalCost:
    """What several stages take together, one after the other; what is not known of some is not counted.

    Attributes:
        memory: The most of any of them.
        disk: Bytes that stay: runs and tokenised data; `scratch` those that the largest stage needs besides.
        device_hours: Hours of the GPU, or of all cores together where `cores` says how many compute.
        kwh: Energy by the device's thermal design power, an upper bound; None where that is not known.
        at_most: How many stages may end early.
        unknown: Names of tasks of which something is not known, and what.
    """

    stages: int = 0
    seconds: float = 0
    flops: int = 0
    memory: dict[str, int] = field(default_factory=dict)
    disk: int = 0
    scratch: int = 0
    device_hours: float = 0
    cores: int | None = None
    kwh: float | None = None
    at_most: int = 0
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True)
class Estimate:
    """What a graph will cost.

    Attributes:
        on: The machine.
        stages: Key to the cost of each stage that the graph is to make.
        missing: What those cost that the store does not have.
        all: What all would cost, those of the store included.
    """

    on: str
    stages: dict[str, StageCost]
    missing: TotalCost
    all: TotalCost


def estimate(graph: Graph, setup: Setup, facts: Facts, *, on: str = HERE, force: bool = False) -> Estimate:
    """Estimates what the stages of a graph will cost.

    Everything that takes long to find out is remembered for the user: rows and tokens by their data, sizes by the form
    of a model, this machine's speed by backbone and method. Stages that differ in their seeds alone are looked at once.

    Args:
        on: A machine of `machines.yaml`; by default this one, whose speed is measured for a second or two.
        force: Whether what the store has counts as missing.

    Raises:
        UsageError: There is no such machine.
        CompatibilityError: It cannot compute in the number format of the stages.
        DataError: Data cannot be read.
    """
    work = _Estimator(setup, Checks(setup, facts, lambda text: None), on, Amounts(setup))
    stages = graph.to_make()
    costs = {stage.key: work.cost(stage) for stage in stages}
    missing = [one for one in stages if force or setup.store.find(one.spec) is None]
    speed = work.any_speed
    return Estimate(
        on=speed.name if speed else on,
        stages=costs,
        missing=_total(missing, costs, speed, work.data_of),
        all=_total(stages, costs, speed, work.data_of),
    )


def needed_bytes(graph: Graph, setup: Setup, facts: Facts, *, force: bool = False) -> int:
    """Bytes that the stages which are to be made will take in the store; rows count where somebody has counted them.

    Nothing but outlines of models is looked at.
    """
    work = _Estimator(setup, Checks(setup, facts, lambda text: None), None, Amounts(setup, read=False))
    missing = [one for one in graph.to_make() if force or setup.store.find(one.spec) is None]
    costs = {stage.key: work.cost(stage) for stage in missing}
    total = _total(missing, costs, None, work.data_of)
    return total.disk + total.scratch


def measured(run: Run) -> StageCost:
    """What a finished stage took, in the same quantities."""
    metrics, provenance = run.metrics, run.provenance
    entries = json.loads((run.folder / MANIFEST).read_text(encoding="utf-8"))
    size = sum(entry["bytes"] for entry in entries.values()) + (run.folder / MANIFEST).stat().st_size
    return StageCost(
        seconds=provenance.get("wall_seconds"),
        tokens=metrics.get("tokens_seen"),
        flops=metrics.get("flops"),
        steps=metrics.get("steps"),
        memory=dict(provenance.get("cost", {}).get("peak_memory_bytes", {})),
        disk=size,
    )


def _total(
    stages: Sequence[Stage[Any]], costs: dict[str, StageCost], speed: Speed | None, data_of: dict[str, dict[str, int]]
) -> TotalCost:
    found = [costs[stage.key] for stage in stages]
    seconds = sum(one.seconds or 0 for one in found)
    memory: dict[str, int] = {}
    for one in found:
        for what, size in one.memory.items():
            memory[what] = max(size, memory.get(what, 0))
    # Tokenised data are kept once, whatever number of stages read them.
    data = {name: size for stage in stages for name, size in data_of.get(stage.key, {}).items()}
    unknown = {f"{stage.spec.task}: {cost.unknown}" for stage, cost in zip(stages, found, strict=True) if cost.unknown}
    cores = None if speed is None or speed.on_gpu else speed.threads
    return TotalCost(
        stages=len(stages),
        seconds=seconds,
        flops=sum(one.flops or 0 for one in found),
        memory=memory,
        disk=sum(one.disk or 0 for one in found) + sum(data.values()),
        scratch=max((one.scratch for one in found), default=0),
        device_hours=seconds / 3600 * (cores or 1),
        cores=cores,
        kwh=seconds * speed.watts / 3.6e6 if speed and speed.watts else None,
        at_most=sum(one.at_most for one in found),
        unknown=tuple(sorted(unknown)),
    )


class _Estimator:
    """Estimates stages, those of one form once.

    Attributes:
        on: Where; None where time is not wanted.
        data_of: Stage to the tokenised data that it reads, with their bytes.
    """

    def __init__(self, setup: Setup, checks: Checks, on: str | None, amounts: Amounts) -> None:
        self.setup, self.checks, self.on, self.amounts = setup, checks, on, amounts
        self.finished = FinishedSpeeds(setup.store) if on == HERE else None
        self.data_of: dict[str, dict[str, int]] = {}
        self.any_speed: Speed | None = None
        self._forms: dict[str, str] = {}
        self._found: dict[str, tuple[StageCost, dict[str, int]]] = {}
        self._sizes: dict[str, ModelSize] = {}
        self._stages: dict[str, Stage[Any]] = {}
        self._speeds: dict[tuple[str, int], Speed] = {}

    def cost(self, stage: Stage[Any]) -> StageCost:
        """The cost of a stage."""
        form = self._form(stage)
        if form not in self._found:
            evaluates = stage.spec.stage == "evaluate"
            self._found[form] = self._evaluation(stage) if evaluates else self._training(stage)
        cost, self.data_of[stage.key] = self._found[form]
        return cost

    def _form(self, stage: Stage[Any]) -> str:
        """What decides a stage's cost: its spec without seed and names, and the forms of what it needs."""
        if stage.key not in self._forms:
            self._stages[stage.key] = stage
            shots: Any = {"tasks": {"__all__": {"data": {"shots": {"draw", "digest"}}}}}
            left_out = {"seed": True, "inputs": True, "language_adapter": True, "budget": {"of"}, "content": True}
            own = stage.spec.model_dump_json(exclude={**left_out, **(shots if stage.trains else {})})
            needs = "|".join(self._form(one) for one in stage.needs)
            self._forms[stage.key] = str(hash((own, needs, stage.run is not None)))
        return self._forms[stage.key]

    def size(self, stage: Stage[Any]) -> ModelSize:
        """The size of the model that a stage makes, or has made."""
        form = self._form(stage)
        if form not in self._sizes:
            self._sizes[form] = model_size(self.checks.outline(stage).description, self.setup.backbone)
        return self._sizes[form]

    def _speed(self, method: MethodSpec, precision: Any, width: int, size: ModelSize) -> Speed | None:
        if self.on is None:
            return None
        form = (f"{method} {precision} {size.layers}", width)
        if form not in self._speeds:
            if self.on == HERE:
                device = self.setup.device
                found = speed_here(self.setup.backbone, method, precision, device=device, width=width)
            else:
                found = assumed_speed(machine(self.on), precision, size.layers)
            self._speeds[form] = self.any_speed = found
        return self._speeds[form]

    def _training(self, stage: Stage[TrainSpec]) -> tuple[StageCost, dict[str, int]]:
        spec, size = stage.spec, self.size(stage)
        found = {task.name: self.amounts.training(task) for task in spec.tasks}
        if unknown := [name for name, amounts in found.items() if amounts is None]:
            kept = StageCost(
                disk=size.stored + _FILES_OF_TRAINING,
                scratch=_CHECKPOINTS * size.checkpoint,
                unknown=f"the number of rows of {' and '.join(unknown)} is not known before they are read",
            )
            return kept, {}
        trained = {name: _Trained.of(self.setup, spec, name, *amounts) for name, amounts in found.items() if amounts}
        schedule = self._schedule(stage, trained)
        width = max(one.padded.width for one in trained.values())
        speed = self._speed(spec.method, spec.precision, width, size)
        flops = round(schedule.tokens * (size.forward + size.backward))
        seconds = None
        if speed:
            passed = schedule.padded * (size.forward + size.backward)
            seconds = speed.pass_seconds(passed, schedule.calls, training=True) + schedule.steps * speed.step
            known = self.finished.training(spec, speed) if self.finished else None
            seconds = schedule.tokens * known if known else seconds
            held = schedule.scored_tokens * size.forward
            seconds += speed.pass_seconds(held, schedule.scored_calls, training=False)
            seconds += schedule.scored_rows * _SCORING + speed.start
            seconds += sum(one.amount.rows * one.amount.seconds for one in trained.values())
        largest = max(one.padded.largest for one in trained.values())
        checkpoints = min(_CHECKPOINTS, schedule.evaluations + 1) * size.checkpoint if schedule.steps else 0
        data = {key: cached for one in trained.values() for key, cached in one.data.items()}
        cost = StageCost(
            seconds=seconds,
            tokens=round(schedule.tokens),
            flops=flops,
            steps=schedule.steps,
            memory=_memory(size, spec, speed, largest, width, training=True),
            disk=size.stored + _FILES_OF_TRAINING + _LOG_LINE * schedule.log_lines,
            scratch=checkpoints,
            cached=sum(data.values()),
            at_most=schedule.evaluations > spec.settings.patience,
        )
        return cost, data

    def _schedule(self, stage: Stage[TrainSpec], trained: dict[str, _Trained]) -> _Schedule:
        spec = stage.spec
        sizes = {name: one.batches for name, one in trained.items()}
        counts = batch_counts(sizes, spec.sampling, batch_size=spec.settings.batch_size)
        epoch = sum(counts.values())
        tokens = sum(counts[name] * one.tokens_of_a_batch for name, one in trained.items()) / epoch
        steps = spec.settings.max_steps
        if spec.budget is not None:
            amounts = [self._amount(stage.need(key), spec.budget.measured) for key in spec.budget.of]
            total = sum(amounts)
            steps = round(total) if spec.budget.unit == "steps" else math.ceil(total / tokens)
        if steps is None:
            steps = max(1, math.ceil(epoch * spec.settings.epochs))
        return _Schedule.of(spec, trained, counts, steps)

    def _amount(self, stage: Stage[Any], measure: str) -> float:
        """Steps or tokens of a stage that another is as long as."""
        run = stage.run or self.setup.store.find(stage.spec)
        if run is not None:
            return float(run.metrics[measure])
        cost = self.cost(stage)
        return float((cost.steps if measure == "steps" else cost.tokens) or 0)

    def _evaluation(self, stage: Stage[EvaluateSpec]) -> tuple[StageCost, dict[str, int]]:
        spec, setup = stage.spec, self.setup
        model = stage.need(spec.inputs[0]) if spec.inputs else None
        size = self.size(model) if model else self._bare()
        method = self.checks.outline(model).description.method if model else MethodSpec(name="head")
        amounts = {language: self.amounts.evaluation(spec, language) for language in spec.languages}
        there = {language: one for language, one in amounts.items() if one and one.rows}
        if len(there) < len(amounts):
            lacking = ", ".join(language for language in amounts if language not in there)
            return StageCost(unknown=f"the number of rows in {lacking} is not known before they are read"), {}
        limits = {"tokens_per_batch": setup.tokens_per_batch, "max_length": spec.encoding.max_length}
        padded = {language: padded_for_prediction(one, **limits) for language, one in there.items()}
        forward = size.forward * _share_of_layers(setup, spec, size)
        width = max(one.width for one in padded.values())
        speed = self._speed(method, spec.precision, width, size)
        tokens = sum(one.features * one.tokens_of_a_feature for one in there.values())
        seconds = None
        if speed:
            read = sum(one.features * padded[language].tokens for language, one in there.items())
            calls = sum(one.features * padded[language].calls for language, one in there.items())
            rows = sum(one.rows for one in there.values())
            seconds = speed.pass_seconds(read * forward, calls, training=False) + speed.start
            seconds += rows * _SCORING + sum(one.rows * one.seconds for one in there.values())
            if self.finished and (known := self.finished.evaluation(spec, method, speed)):
                seconds = rows * known
        largest = max(one.largest for one in padded.values())
        pooled = setup.catalogue.build_kind(spec).pools
        data = {
            f"{language} {spec.fingerprints[language]} {spec.encoding}": _cached(one) for language, one in there.items()
        }
        cost = StageCost(
            seconds=seconds,
            tokens=round(tokens),
            flops=round(tokens * forward),
            memory=_memory(size, spec, speed, largest, width, training=False),
            disk=_FILES_OF_EVALUATION
            + round(sum(_FILES_OF_LANGUAGE + one.rows * one.written for one in there.values())),
            scratch=sum(4 * size.hidden * one.features for one in there.values()) if pooled else 0,
            cached=sum(data.values()),
        )
        return cost, data

    def _bare(self) -> ModelSize:
        """The size of the backbone as it is."""
        if "" not in self._sizes:
            backbone, facts = self.setup.backbone, self.checks.facts
            description = ModelDescription(
                backbone=backbone.fingerprint,
                quantization=backbone.quantization,
                model_type=facts.model_type,
                hidden_size=facts.hidden_size,
                num_hidden_layers=facts.num_hidden_layers,
                method=MethodSpec(name="head"),
                blocks=(),
                heads={},
            )
            self._sizes[""] = model_size(description, backbone)
        return self._sizes[""]


@dataclass(frozen=True)
class _Trained:
    """What one task brings to a training stage.

    Attributes:
        amount: All of its rows, `held` those that select checkpoints.
        chosen: Of these, what one evaluation reads.
        batches: In an epoch of its own.
        data: Its tokenised data, with their bytes.
    """

    amount: Amount
    held: Amount
    padded: Padded
    scored: Padded | None
    chosen: Amount
    batches: int
    data: dict[str, int]

    @classmethod
    def of(cls, setup: Setup, spec: TrainSpec, name: str, amounts: list[Amount], held: Amount) -> _Trained:
        (task,) = [one for one in spec.tasks if one.name == name]
        features = sum(one.features for one in amounts)
        whole = replace(amounts[0], rows=sum(one.rows for one in amounts))
        limits = {"tokens_per_batch": setup.tokens_per_batch, "max_length": task.encoding.max_length}
        padded = padded_for_training(
            whole,
            batch_size=spec.settings.batch_size,
            comparing=setup.catalogue.build_kind(task).comparing,
            **limits,
        )
        chosen = held.at_most(spec.settings.max_validation_examples)
        scored = padded_for_prediction(held, **limits) if held.rows else None
        told = f"{name} {task.data.fingerprints} {task.data.max_examples} {task.data.holdout} {task.encoding}"
        data = {f"{told} train": _cached(whole), f"{told} held": _cached(held)}
        return cls(whole, held, padded, scored, chosen, math.ceil(features / spec.settings.batch_size), data)

    @property
    def tokens_of_a_batch(self) -> float:
        """The mean, padding not counted."""
        return self.amount.features * self.amount.tokens_of_a_feature / max(1, self.batches)


@dataclass(frozen=True)
class _Schedule:
    """How long a training stage is.

    Attributes:
        padded: Tokens with padding, of `calls` micro-batches.
        evaluations: During training; `scored_rows`, `scored_tokens` and `scored_calls` are those of all of them, and
            of the last one on all validation rows.
    """

    steps: int
    tokens: float
    padded: float
    calls: float
    evaluations: int
    scored_rows: int
    scored_tokens: float
    scored_calls: float
    log_lines: int

    @classmethod
    def of(cls, spec: TrainSpec, trained: dict[str, _Trained], counts: dict[str, int], steps: int) -> _Schedule:
        epoch, settings = sum(counts.values()), spec.settings
        every = settings.eval_steps if settings.eval_steps and settings.eval_steps <= steps else epoch
        selects = all(one.held.rows for one in trained.values())
        evaluations = math.ceil(steps / every) if selects else 0
        tokens = padded = calls = scored_tokens = scored_calls = 0.0
        rows = 0
        for name, one in trained.items():
            own = steps * counts[name] / epoch
            tokens += own * one.tokens_of_a_batch
            padded += own * one.padded.tokens * one.amount.features / max(1, one.batches)
            calls += own * one.padded.calls
            if selects and one.scored:
                features = evaluations * one.chosen.features + one.held.features
                rows += evaluations * one.chosen.rows + one.held.rows
                scored_tokens += features * one.scored.tokens
                scored_calls += features * one.scored.calls
        lines = steps // max(1, steps // _LOG_LINES) + evaluations + 1 if steps else 1
        return cls(steps, tokens, padded, calls, evaluations, rows, scored_tokens, scored_calls, lines)


def _cached(amount: Amount) -> int:
    return round(amount.features * amount.cached)


def _share_of_layers(setup: Setup, spec: EvaluateSpec, size: ModelSize) -> float:
    """The share of the layers that are computed, where a task reads the hidden states of one below the last."""
    head = setup.catalogue.build_kind(spec).head()
    layer = head.options.get("layer")
    return 1 if layer is None else resolve_layer(layer, size.layers) / size.layers


def _memory(
    size: ModelSize, spec: Any, speed: Speed | None, tokens: int, width: int, *, training: bool
) -> dict[str, int]:
    """The most memory of a stage: weights, and in training gradients, AdamW's moments and activations."""
    if speed is None:
        return {}
    model = size.weights(spec.precision, spec.quantization)
    if training:
        model += size.optimizer + size.activations(tokens, width, spec.precision, on_gpu=speed.on_gpu)
    passing = size.passing(tokens)
    if speed.on_gpu:  # the host reads the weights, in the format of the checkpoint
        return {"host": speed.host + 4 * size.total, "device": model + passing}
    return {"host": speed.host + model + passing}
