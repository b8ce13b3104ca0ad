"""What a graph of stages will cost, told before anything has started: time, operations, memory, disk, energy."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from adapterstilts.data.batch_counts import batch_counts
from adapterstilts.modeling.architecture import Facts
from adapterstilts.modeling.blocks import ModelDescription
from adapterstilts.modeling.precision import computes_on_gpu
from adapterstilts.runs.memory import Memory
from adapterstilts.runs.rivals import Prompted
from adapterstilts.runs.specs import EvaluateSpec, MethodSpec, TrainSpec, key
from adapterstilts.stages.checks import Checks
from adapterstilts.stages.estimates.amounts import Amount, Amounts, padded_for_prediction
from adapterstilts.stages.estimates.finished import FinishedSpeeds
from adapterstilts.stages.estimates.machines import HERE, machine
from adapterstilts.stages.estimates.model_sizes import ModelSize, model_size, without_names
from adapterstilts.stages.estimates.schedule import Schedule, Trained, cached_bytes
from adapterstilts.stages.estimates.speed import Speed, assumed_speed, speed_here
from adapterstilts.stages.estimates.stage_costs import StageCost, TotalCost, total_cost
from adapterstilts.stages.graph import Graph, Stage
from adapterstilts.stages.setup import Setup
from adapterstilts.stages.training.checkpoints import LARGE_BYTES, SAVE_SECONDS
from adapterstilts.stages.training.first_phase import first_phase
from adapterstilts.tasks.retrieval_options import resolve_layer

# Bytes of a run beside its weights or scores: spec, metrics, provenance, manifest; and of a line of its log.
_FILES_OF_TRAINING, _FILES_OF_EVALUATION, _FILES_OF_LANGUAGE, _LOG_LINE = 5_500, 1_900, 700, 120
# Checkpoints at the same time: the last two, the best until then, and the next until the first of them is deleted.
_CHECKPOINTS = 4
# Seconds of decoding, scoring and writing a row.
_SCORING = 0.0006


@dataclass(frozen=True)
class Estimate:
    """What a graph will cost.

    Attributes:
        on: The machine.
        stages: Key to the cost of each stage that the graph is to make.
        missing: What those cost that the store does not have.
        all: What all would cost, those of the store included.
        others: The share of this machine that other programs used when its speed was measured, if it mattered.
    """

    on: str
    stages: dict[str, StageCost]
    missing: TotalCost
    all: TotalCost
    others: float = 0.0


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
    if on != HERE:
        machine(on)  # said before anything is looked at
    work = _Estimator(setup, Checks(setup, facts, lambda text: None), on, Amounts(setup))
    stages = graph.to_make()
    costs = {stage.key: work.cost(stage) for stage in stages}
    missing = [one for one in stages if force or setup.store.find(one.spec) is None]
    speed = work.any_speed
    return Estimate(
        on=speed.name if speed else on,
        stages=costs,
        missing=total_cost(missing, costs, speed, work.data_of),
        all=total_cost(stages, costs, speed, work.data_of),
        others=max((one.others for one in work.speeds if one.disturbed), default=0.0),
    )


def needed_bytes(graph: Graph, setup: Setup, facts: Facts, *, force: bool = False) -> int:
    """Bytes that the stages which are to be made will take in the store; rows count where somebody has counted them.

    Nothing but outlines of models is looked at.
    """
    work = _Estimator(setup, Checks(setup, facts, lambda text: None), None, Amounts(setup, read=False))
    missing = [one for one in graph.to_make() if force or setup.store.find(one.spec) is None]
    costs = {stage.key: work.cost(stage) for stage in missing}
    total = total_cost(missing, costs, None, work.data_of)
    return total.disk + total.scratch


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
            shots: Any = {"tasks": {"__all__": {"data": {"shots": {"draw", "digest"}}}}}
            left_out = {"seed": True, "inputs": True, "language_adapter": True, "budget": {"of"}, "content": True}
            own = stage.spec.model_dump_json(exclude={**left_out, **(shots if stage.trains else {})})
            needs = "|".join(self._form(one) for one in stage.needs)
            made = without_names(self.checks.outline(stage).description).model_dump_json() if stage.run else ""
            self._forms[stage.key] = str(hash((own, needs, made)))
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
                graphs = self.setup.cuda_graphs
                found = speed_here(
                    self.setup.backbone, method, precision, device=device, width=width, cuda_graphs=graphs
                )
            else:
                found = assumed_speed(machine(self.on), precision, size.layers)
            self._speeds[form] = self.any_speed = found
        return self._speeds[form]

    @property
    def _on_gpu(self) -> bool:
        if self.on == HERE:
            return computes_on_gpu(self.setup.device, Memory.of_user())
        return self.on is not None and machine(self.on).on_gpu

    @property
    def speeds(self) -> Iterable[Speed]:
        """All that were asked for."""
        return self._speeds.values()

    def _training(self, stage: Stage[TrainSpec]) -> tuple[StageCost, dict[str, int]]:
        spec, size = stage.spec, self.size(stage)
        found = {task.name: self.amounts.training(task) for task in spec.tasks}
        if unknown := [name for name, amounts in found.items() if amounts is None]:
            averages, checkpoint = spec.settings.average_checkpoints, size.checkpoint(spec.settings)
            kept = StageCost(
                disk=size.stored + _FILES_OF_TRAINING,
                scratch=_CHECKPOINTS * (checkpoint + averages * size.mean),
                unknown=f"how much data {' and '.join(unknown)} has is not known before it is read",
            )
            return kept, {}
        trained = {
            name: Trained.of(self.setup, spec, name, *amounts, on_gpu=self._on_gpu)
            for name, amounts in found.items()
            if amounts
        }
        schedule = self._schedule(stage, trained)
        width = max(one.padded.width for one in trained.values())
        speed = self._speed(spec.method, spec.precision, width, size)
        once = spec.frozen_once
        steps = schedule.steps if once else 0
        read = sum(one.amount.features * one.amount.tokens_of_a_feature for one in trained.values()) if steps else 0
        below, forward = (size.below, size.forward - size.below) if once else (0, size.forward)
        flops = round(schedule.tokens * (forward + size.backward) + read * below)
        seconds = None
        if speed:
            passed = schedule.padded * (forward + size.backward)
            seconds = speed.pass_seconds(passed, schedule.calls, training=True) + schedule.steps * speed.step
            known = self.finished.training(spec, speed) if self.finished else None
            seconds = schedule.tokens * known if known else seconds
            held = schedule.scored_tokens * size.forward + read * below
            seconds += speed.pass_seconds(held, schedule.scored_calls, training=False)
            seconds += schedule.scored_rows * _SCORING + speed.start
            seconds += sum(one.amount.rows * one.amount.seconds for one in trained.values())
        largest = max(one.padded.largest for one in trained.values())
        data = {key: cached for one in trained.values() for key, cached in one.data.items()}
        for name, one in trained.items() if once else ():
            for what, amount in (*([("train", one.amount)] if steps else []), ("held", one.held)):
                data[f"{name} {what} {amount.rows} below {size.lower}"] = size.states(amount)
        cost = StageCost(
            seconds=seconds,
            tokens=round(schedule.tokens),
            flops=flops,
            steps=schedule.steps,
            memory=_memory(size, spec, speed, largest, width, training=True),
            disk=size.stored + _FILES_OF_TRAINING + _LOG_LINE * schedule.log_lines,
            scratch=_checkpoints(size, spec, schedule, seconds),
            cached=sum(data.values()),
            at_most=schedule.evaluations > spec.settings.patience,
        )
        return cost, data

    def _schedule(self, stage: Stage[TrainSpec], trained: dict[str, Trained]) -> Schedule:
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
        return Schedule.of(spec, trained, counts, steps)

    def _amount(self, stage: Stage[Any], measure: str) -> float:
        """Steps or tokens of a stage that another is as long as."""
        run = stage.run or self.setup.store.find(stage.spec)
        if run is not None:
            return float(run.metrics[measure])
        cost = self.cost(stage)
        if measure == "steps":
            return float(cost.steps or 0)
        first = first_phase(stage.spec)
        return float(cost.tokens or 0) + (self._amount(stage.need(key(first)), measure) if first else 0.0)

    def _evaluation(self, stage: Stage[EvaluateSpec]) -> tuple[StageCost, dict[str, int]]:
        spec, setup = stage.spec, self.setup
        if isinstance(spec.rival, Prompted):
            return StageCost(unknown="how long a decoder is asked is not known before it has been"), {}
        model = stage.need(spec.inputs[0]) if spec.inputs else None
        size = self.size(model) if model else self._bare()
        method = self.checks.outline(model).description.method if model else MethodSpec(name="head")
        once = model is not None and model.spec.frozen_once
        amounts = {language: self.amounts.evaluation(spec, language) for language in spec.languages}
        there = {language: one for language, one in amounts.items() if one and one.rows}
        if len(there) < len(amounts):
            lacking = ", ".join(language for language in amounts if language not in there)
            return StageCost(unknown=f"how many rows are scored in {lacking} is not known before they are read"), {}
        learned = self._learned(spec)
        if learned is None:
            return StageCost(unknown=f"how many rows {spec.label} learns from is not known before they are read"), {}
        limits = {"tokens_per_batch": setup.tokens_per_batch, "max_length": spec.encoding.max_length}
        padded = {
            language: padded_for_prediction(one, **limits, on_gpu=self._on_gpu) for language, one in there.items()
        }
        forward = size.forward * _share_of_layers(setup, spec, size)
        width = max(one.width for one in padded.values())
        speed = self._speed(method, spec.precision, width, size)
        every = [*there.values(), *learned]
        tokens = sum(one.features * one.tokens_of_a_feature for one in every)
        seconds = None
        if speed:
            passes = [(one, padded_for_prediction(one, **limits, on_gpu=self._on_gpu)) for one in every]
            read = sum(one.features * its.tokens for one, its in passes)
            calls = sum(one.features * its.calls for one, its in passes)
            rows = sum(one.rows for one in there.values())
            seconds = speed.pass_seconds(read * forward, calls, training=False) + speed.start
            seconds += rows * _SCORING + sum(one.rows * one.seconds for one in every)
            if self.finished and not learned and (known := self.finished.evaluation(spec, method, speed, once=once)):
                seconds = rows * known
        largest = max(one.largest for one in padded.values())
        pooled = setup.catalogue.build_kind(spec).pools
        data = {
            f"{language} {spec.fingerprints[language]} {spec.encoding}": cached_bytes(one)
            for language, one in there.items()
        }
        if once:
            data |= {f"{told} below {size.lower}": size.states(there[told.split()[0]]) for told in list(data)}
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

    def _learned(self, spec: EvaluateSpec) -> list[Amount] | None:
        """The rows that a classifier on frozen vectors learns from and is chosen by; None where that is not known."""
        found: list[Amount] = []
        for task in spec.rival.tasks if spec.rival else ():
            if (amounts := self.amounts.training(task)) is None:
                return None
            found += [*amounts[0], amounts[1]]
        return [one for one in found if one.rows]

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


def _share_of_layers(setup: Setup, spec: EvaluateSpec, size: ModelSize) -> float:
    """The share of the layers that are computed, where a task reads the hidden states of one below the last."""
    head = setup.catalogue.build_kind(spec).head()
    layer = head.options.get("layer")
    return 1 if layer is None else resolve_layer(layer, size.layers) / size.layers


def _checkpoints(size: ModelSize, spec: TrainSpec, schedule: Schedule, seconds: float | None) -> int:
    """Bytes of the checkpoints of a training that are there at the same time."""
    if not schedule.steps:
        return 0
    if size.mean > LARGE_BYTES and seconds is not None and 2 * seconds < SAVE_SECONDS:
        # Weights alone: the last step's and its mean; or the best, the next best until that is deleted, and the last.
        return (2 if schedule.averaged else min(3, schedule.evaluations + 1)) * size.mean
    checkpoint = size.checkpoint(spec.settings)
    if schedule.averaged:  # none of them is the best one
        return min(_CHECKPOINTS - 1, schedule.averaged) * (checkpoint + size.mean)
    return min(_CHECKPOINTS, schedule.evaluations + 1) * checkpoint


def _memory(
    size: ModelSize, spec: Any, speed: Speed | None, tokens: int, width: int, *, training: bool
) -> dict[str, int]:
    """The most memory of a stage: weights, and in training gradients, AdamW's moments and activations."""
    if speed is None:
        return {}
    model = size.weights(spec.precision, spec.quantization)
    if training:
        model += size.optimizer(spec.settings) + size.activations(tokens, width, spec.precision, on_gpu=speed.on_gpu)
    passing = size.passing(tokens)
    mean = size.mean if training and spec.settings.average_checkpoints else 0
    if speed.on_gpu:  # the host reads the weights, in the format of the checkpoint
        return {"host": speed.host + 4 * size.total + mean, "device": model + passing}
    model += size.ordered(spec.precision, training=training)
    return {"host": speed.host + model + passing + mean}
