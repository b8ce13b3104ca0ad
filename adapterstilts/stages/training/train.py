"""A training stage: data to features, earlier models to a new one, training, and what the run keeps of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from transformers import set_seed

from adapterstilts.data.bad_rows import BadRows
from adapterstilts.data.mixing import Length
from adapterstilts.modeling.compiled import compile_backbone
from adapterstilts.modeling.composing import start_model
from adapterstilts.modeling.lower_layers import lower_layers
from adapterstilts.modeling.precision import choose_device
from adapterstilts.modeling.sharding import shard
from adapterstilts.modeling.storage import WEIGHTS, StoredModel, save_model
from adapterstilts.modeling.transfer_model import TransferModel
from adapterstilts.runs.specs import TaskSpec, TrainSpec, key
from adapterstilts.runs.store import CHECKPOINTS, Run
from adapterstilts.stages.collate import build_collator
from adapterstilts.stages.devices.group import ALONE, Group
from adapterstilts.stages.devices.strategy import strategy_of
from adapterstilts.stages.estimates.costs import training_cost
from adapterstilts.stages.heads import head_source, heads_of
from adapterstilts.stages.lower import FOLDER
from adapterstilts.stages.reporter import Reporter
from adapterstilts.stages.setup import Setup
from adapterstilts.stages.training.changes import WeightSample
from adapterstilts.stages.training.checkpoints import latest_complete
from adapterstilts.stages.training.first_phase import first_phase
from adapterstilts.stages.training.task_part import Score, TaskPart
from adapterstilts.stages.training.tracking import Tracking
from adapterstilts.stages.training.trainer import TrainingResult, train
from adapterstilts.stages.training.training_rows import columns_read, encode_rows, read_rows
from adapterstilts.stages.training.validation import ScoredAgain, Validation, scored, scored_again
from adapterstilts.stages.words import check_words
from adapterstilts.tasks.kind import Kind, Row, draw

# Before the names of values that were chosen on validation data, among the metrics that are logged.
_CALIBRATED = "calibrated_"


def train_stage(
    spec: TrainSpec, setup: Setup, work: Path, reporter: Reporter, group: Group = ALONE
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Trains what `spec` describes, from the last checkpoint below `work`.

    Args:
        group: The processes that do it together.

    Returns:
        Metrics of the stage, and what it adds to its provenance; those of the leader are to be kept. What a method of
        two phases has taken is counted in both.
    """
    bad = BadRows(skip=any(task.data.skip_bad_rows for task in spec.tasks))
    prepared = group.leader_first(lambda: [_prepare(spec, task, setup, bad, reporter) for task in spec.tasks])
    parts = [one.part for one in prepared]
    set_seed(spec.seed)
    model = _begin(spec, setup, group)
    if spec.settings.max_steps != 0 or spec.budget:  # else no training feature is read
        parts = [one.above_lower_layers(model, group=group, track=reporter.track) for one in parts]
    begun = WeightSample.of(model)
    result = _train(model, parts, spec, setup, work, reporter, group)
    outcome = {**dataclasses.asdict(result), "largest_change": begun.largest_change(model)}
    flops, cost = training_cost(
        model,
        tokens=result.tokens_seen,
        kept_tokens=_kept_tokens(parts, result),
        tokens_here=outcome.pop("tokens_here"),
        kept_here=outcome.pop("kept_here"),
        seconds_here=outcome.pop("seconds_here"),
        device=choose_device(setup.device),
        group=group,
    )
    save_model(model, work, write=group.leads)
    before = _first_run(spec, setup)
    if before:
        outcome |= {name: outcome[name] + before.metrics[name] for name in ("examples_seen", "tokens_seen")}
    details = {
        "train_seconds": round(outcome.pop("seconds") + (before.provenance["train_seconds"] if before else 0), 2),
        "cost": cost,
        "resumed_from_step": outcome.pop("resumed_from"),
        **_recorded(outcome.pop("recorded"), work.name, reporter),
        "rows_left_out": bad.counts,
        "rows_omitted_by_design": bad.omitted,
        "columns": {task.name: columns_read(task, setup) for task in spec.tasks},
    }
    measured = {
        "parameters": model.parameter_counts(),
        "flops": flops + (before.metrics["flops"] if before else 0),
        "stored_bytes": (work / WEIGHTS).stat().st_size if group.leads else 0,
    }
    metrics = _metrics(spec, outcome, {one.part.name: one.counts for one in prepared})
    if spec.shots:  # what was chosen on English validation data still holds: shots choose nothing
        metrics["calibration"] = setup.store.need(spec.inputs[0]).metrics["calibration"]
    validations = [one.validation for one in prepared if one.validation]
    selected = len(validations) == len(prepared)
    again = scored_again(model, validations, metrics["calibration"], group) if selected else ScoredAgain()
    temperatures = {name: one.model_dump(mode="json") for name, one in again.temperatures.items()}
    known = {"validation_all": again.metrics, "collapsed": again.collapsed, "constant": again.constant}
    return {**metrics, **known, "temperatures": temperatures, **measured}, details


def _train(
    model: TransferModel,
    parts: Sequence[TaskPart],
    spec: TrainSpec,
    setup: Setup,
    work: Path,
    reporter: Reporter,
    group: Group,
) -> TrainingResult:
    """Trains a model from the last checkpoint, shown where the setup says."""
    tracking = Tracking.of(setup.report_to, spec, setup.store, reporter)
    if group.leads:
        latest_complete(work / CHECKPOINTS, reporter.note)  # says which are damaged
    with tracking.going_on():
        return train(
            model,
            parts,
            spec=spec,
            length=_length(spec, setup),
            work=work,
            tracking=tracking,
            group=group,
            cuda_graphs=setup.cuda_graphs,
        )


def _kept_tokens(parts: Sequence[TaskPart], result: TrainingResult) -> int:
    """How many more tokens were trained on than lower layers have computed, as what they gave was kept."""
    seen = {name: one["tokens_seen"] for name, one in result.tasks.items()} or {parts[0].name: result.tokens_seen}
    return sum(seen[one.name] - sum(one.features["tokens"][:]) for one in parts if one.below)


def _recorded(found: tuple[int, str | None] | None, stage: str, reporter: Reporter) -> dict[str, int]:
    """What a stage's provenance says of CUDA graphs; a person is told where steps could not be any."""
    if found is None:
        return {}
    graphs, why_not = found
    if why_not:
        reporter.note(f"{stage}: steps were launched kernel by kernel, because {why_not}")
    return {"cuda_graphs": graphs}


def _first_run(spec: TrainSpec, setup: Setup) -> Run | None:
    """The run of a stage's first phase, if it has one."""
    first = first_phase(spec)
    return setup.store.need(key(first)) if first else None


def _length(spec: TrainSpec, setup: Setup) -> Length | None:
    """How long the stage is trained, where that is as long as other runs were."""
    if spec.budget is None:
        return None
    amount = sum(setup.store.need(key).metrics[spec.budget.measured] for key in spec.budget.of)
    return Length(steps=amount) if spec.budget.unit == "steps" else Length(tokens=amount)


@dataclasses.dataclass(frozen=True)
class _Prepared:
    """What one task brings to a stage.

    Attributes:
        counts: Its numbers of examples and features.
        validation: All of its validation rows, of which `part` may have some only; None where none select anything.
    """

    part: TaskPart
    counts: dict[str, int]
    validation: Validation | None


def _begin(spec: TrainSpec, setup: Setup, group: Group) -> TransferModel:
    """The model with which training begins, on its device, or spread over those of a group."""
    inputs = [setup.store.need(key) for key in spec.inputs]
    language = StoredModel.read(setup.store.need(spec.language_adapter).folder) if spec.language_adapter else None
    first = _first_run(spec, setup)
    model = start_model(
        spec,
        setup.backbone,
        [StoredModel.read(run.folder) for run in inputs],
        heads=heads_of(spec, setup.catalogue),
        source_task=head_source(inputs[0].training, spec.tasks[0], setup.catalogue) if inputs else None,
        language=language,
        first_phase=StoredModel.read(first.folder) if first else None,
    )
    model.use_language_module(spec.tasks[0].data.languages[0])
    if spec.frozen_once:
        model.settle_below(lower_layers(model))
    if setup.compile:
        compile_backbone(model.backbone)
    device = choose_device(setup.device)
    if group.several and strategy_of(spec.method) == "fsdp":
        shard(model, device)
        return model
    return model.to(device)


def _metrics(spec: TrainSpec, outcome: dict[str, Any], sizes: dict[str, dict[str, int]]) -> dict[str, Any]:
    calibration = _take_calibration(outcome["validation"], [task.name for task in spec.tasks])
    tasks = {name: {**sizes[name], **seen} for name, seen in outcome.pop("tasks").items()}
    return {
        **outcome,
        "calibration": calibration,
        **{name: sum(counts[name] for counts in sizes.values()) for name in sizes[spec.tasks[0].name]},
        **({"tasks": tasks} if tasks else {}),
    }


def _prepare(spec: TrainSpec, task: TaskSpec, setup: Setup, bad: BadRows, reporter: Reporter) -> _Prepared:
    """Reads and encodes the rows of one task."""
    kind = setup.catalogue.build_kind(task)
    rows, validation = read_rows(task, setup, bad)
    check_words(setup.backbone, task.name, rows, note=reporter.note)
    features = encode_rows(rows, task, kind, setup)
    collator = build_collator(setup, task.encoding.max_length, kind=kind, seed=spec.seed)
    everything = Validation.of(task, validation, setup, collator.for_prediction())
    few = draw(validation, spec.settings.max_validation_examples)
    held_out = everything.encode(few) if task.data.selects else None
    part = TaskPart(
        name=task.name,
        features=features,
        held_out=held_out,
        score=_scorer(task, kind, few.to_list(), held_out),
        collator=collator,
        averaged=kind.averaged,
        states=setup.store.cache / FOLDER,
    )
    counts = {"train_examples": len(rows), "train_features": len(features), "validation_examples": len(few)}
    return _Prepared(part, counts, everything if task.data.selects else None)


def _scorer(task: TaskSpec, kind: Kind, gold: Sequence[Row], held_out: Any) -> Score:
    """The function from the logits of a task's validation features to its metrics."""

    def score(logits: list[np.ndarray]) -> dict[str, float]:
        calibration = kind.calibrate(gold, held_out, logits)
        chosen = {f"{_CALIBRATED}{name}": value for name, value in calibration.items()}
        return {**scored(task, kind, gold, held_out, logits, calibration), **chosen}

    return score


def _take_calibration(validation: dict[str, float], tasks: Sequence[str]) -> dict[str, Any]:
    """Takes the values that were chosen on validation data out of the metrics: of several tasks, those of each."""
    found: dict[str, dict[str, float]] = {}
    for name in list(validation):
        task, _, own = name.rpartition("/")
        if own.startswith(_CALIBRATED):
            found.setdefault(task, {})[own.removeprefix(_CALIBRATED)] = validation.pop(name)
    return found.get("", {}) if len(tasks) == 1 else {task: found.get(task, {}) for task in tasks}
