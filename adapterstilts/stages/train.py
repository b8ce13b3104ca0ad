"""A training stage: data to features, earlier models to a new one, training, and what the run keeps of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from transformers import set_seed

from adapterstilts.data.bad_rows import BadRows
from adapterstilts.data.features import encode
from adapterstilts.data.splits import training_rows
from adapterstilts.modeling.composing import start_model
from adapterstilts.modeling.precision import choose_device
from adapterstilts.modeling.storage import WEIGHTS, StoredModel, save_model
from adapterstilts.modeling.transfer_model import TransferModel
from adapterstilts.runs.specs import TaskSpec, TrainSpec, canonical_json
from adapterstilts.stages.collate import build_collator
from adapterstilts.stages.costs import training_cost
from adapterstilts.stages.heads import head_source, heads_of
from adapterstilts.stages.reporter import Reporter
from adapterstilts.stages.setup import Setup
from adapterstilts.stages.trainer import Score, TaskPart, train
from adapterstilts.stages.words import check_words
from adapterstilts.tasks.kind import Kind, Row

# Before the names of values that were chosen on validation data, among the metrics that are logged.
_CALIBRATED = "calibrated_"


def train_stage(spec: TrainSpec, setup: Setup, work: Path, reporter: Reporter) -> tuple[dict[str, Any], dict[str, Any]]:
    """Trains what `spec` describes, from the last checkpoint below `work`.

    Returns:
        Metrics of the stage, and what it adds to its provenance.
    """
    bad = BadRows(skip=any(task.data.skip_bad_rows for task in spec.tasks))
    prepared = [_prepare(spec, task, setup, bad, reporter) for task in spec.tasks]
    set_seed(spec.seed)
    model = _begin(spec, setup)
    stage = setup.store.folder(spec).name
    result = train(
        model,
        [part for part, _ in prepared],
        settings=spec.settings,
        sampling=spec.sampling,
        seed=spec.seed,
        work=work,
        on_progress=lambda step, steps, logged: reporter.trained(stage, step, steps, logged),
    )
    outcome = dataclasses.asdict(result)
    flops, cost = training_cost(
        model,
        tokens=result.tokens_seen,
        tokens_here=outcome.pop("tokens_here"),
        seconds_here=outcome.pop("seconds_here"),
        device=choose_device(setup.device),
    )
    save_model(model, work)
    details = {
        "train_seconds": round(outcome.pop("seconds"), 2),
        "cost": cost,
        "resumed_from_step": outcome.pop("resumed_from"),
        "rows_left_out": bad.counts,
        "rows_omitted_by_design": bad.omitted,
    }
    measured = {
        "parameters": model.parameter_counts(),
        "flops": flops,
        "stored_bytes": (work / WEIGHTS).stat().st_size,
    }
    return {**_metrics(spec, outcome, {part.name: counts for part, counts in prepared}), **measured}, details


def _begin(spec: TrainSpec, setup: Setup) -> TransferModel:
    """The model with which training begins, on its device."""
    inputs = [setup.store.need(key) for key in spec.inputs]
    language = StoredModel.read(setup.store.need(spec.language_adapter).folder) if spec.language_adapter else None
    model = start_model(
        spec,
        setup.backbone,
        [StoredModel.read(run.folder) for run in inputs],
        heads=heads_of(spec, setup.catalogue),
        source_task=head_source(inputs[0].training, spec.tasks[0], setup.catalogue) if inputs else None,
        language=language,
    )
    model.use_language_module(spec.tasks[0].data.languages[0])
    return model.to(choose_device(setup.device))


def _metrics(spec: TrainSpec, outcome: dict[str, Any], sizes: dict[str, dict[str, int]]) -> dict[str, Any]:
    calibration = _take_calibration(outcome["validation"], [task.name for task in spec.tasks])
    tasks = {name: {**sizes[name], **seen} for name, seen in outcome.pop("tasks").items()}
    return {
        **outcome,
        "calibration": calibration,
        **{name: sum(counts[name] for counts in sizes.values()) for name in sizes[spec.tasks[0].name]},
        **({"tasks": tasks} if tasks else {}),
    }


def _prepare(
    spec: TrainSpec, task: TaskSpec, setup: Setup, bad: BadRows, reporter: Reporter
) -> tuple[TaskPart, dict[str, int]]:
    """What one task brings to a stage, and how many examples and features that is."""
    kind, tokenizer = setup.catalogue.build_kind(task), setup.backbone.tokenizer()
    rows, validation = training_rows(
        setup.source,
        setup.catalogue.recipe(task.name),
        task.data,
        bad,
        max_validation_examples=spec.settings.max_validation_examples,
        translations=setup.translations,
        validation_file=setup.validation_file,
    )
    check_words(setup.backbone, task.name, rows, note=reporter.note)
    identity, cache = canonical_json(task.data), setup.store.cache / "features"
    shared = {"kind": kind, "tokenizer": tokenizer, "encoding": task.encoding, "cache": cache}
    features = encode(rows, identity=f"train {identity}", labels=True, **shared)
    selects = task.data.selects
    held_out = encode(validation, identity=f"validation {identity}", labels=False, **shared) if selects else None
    part = TaskPart(
        name=task.name,
        features=features,
        held_out=held_out,
        score=_scorer(task, kind, validation.to_list(), held_out),
        collator=build_collator(setup, task.encoding.max_length, kind=kind, seed=spec.seed),
        averaged=kind.averaged,
    )
    return part, {
        "train_examples": len(rows),
        "train_features": len(features),
        "validation_examples": len(validation),
    }


def _scorer(task: TaskSpec, kind: Kind, gold: Sequence[Row], held_out: Any) -> Score:
    """The function from the logits of a task's validation features to its metrics."""

    def score(logits: list[np.ndarray]) -> dict[str, float]:
        calibration = kind.calibrate(gold, held_out, logits)
        predictions = kind.decode(gold, held_out, logits, calibration)
        scores = kind.score(predictions, gold, metric=task.metric, language=task.data.validation_language)
        chosen = {f"{_CALIBRATED}{name}": value for name, value in calibration.items()}
        return {"score": kind.main_score(scores.metrics), **scores.metrics, **scores.counts, **chosen}

    return score


def _take_calibration(validation: dict[str, float], tasks: Sequence[str]) -> dict[str, Any]:
    """Takes the values that were chosen on validation data out of the metrics: of several tasks, those of each."""
    found: dict[str, dict[str, float]] = {}
    for name in list(validation):
        task, _, own = name.rpartition("/")
        if own.startswith(_CALIBRATED):
            found.setdefault(task, {})[own.removeprefix(_CALIBRATED)] = validation.pop(name)
    return found.get("", {}) if len(tasks) == 1 else {task: found.get(task, {}) for task in tasks}
