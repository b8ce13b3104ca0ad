"""Running a stage: from its spec to a published run, resumed where an interrupted one stopped."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from adapterstilts.data.bad_rows import BadRows
from adapterstilts.data.batching import Collator
from adapterstilts.data.features import encode
from adapterstilts.data.splits import training_rows
from adapterstilts.errors import CompatibilityError
from adapterstilts.files import write_json
from adapterstilts.modeling.compatibility import (
    check_composition,
    check_head,
    check_language_adapter,
    start_model,
)
from adapterstilts.modeling.precision import device_memory
from adapterstilts.modeling.quantization import check_quantized_composition
from adapterstilts.modeling.storage import WEIGHTS, StoredModel, save_model
from adapterstilts.runs.provenance import Stopwatch
from adapterstilts.runs.specs import EvaluateSpec, StageSpec, TaskSpec, TrainSpec, canonical_json, key
from adapterstilts.runs.store import Run
from adapterstilts.stages.checks import check_trained_languages, check_words
from adapterstilts.stages.evaluate import Evaluation
from adapterstilts.stages.setup import Plan
from adapterstilts.tasks.catalogue import recipe
from adapterstilts.tasks.kind import KINDS, Kind, Row

if TYPE_CHECKING:
    from adapterstilts.stages.trainer import Score, TaskPart

# Marks a work folder that was begun by `--force`, so that an interrupted one is resumed by it too.
_FORCED = ".forced"
# Before the names of values that were chosen on validation data, among the metrics that are logged.
_CALIBRATED = "calibrated_"

Outcome = tuple[dict[str, Any], dict[str, Any]]
"""Metrics of a stage, and what it adds to its provenance."""


class Reporter(Protocol):
    """Shows a stage's progress to whoever waits for it."""

    def note(self, message: str) -> None:
        """One line about what happens."""

    def trained(self, stage: str, step: int, steps: int, logged: dict[str, float]) -> None:
        """`step` of `steps` optimiser steps are done; `logged` has newly measured values."""

    def track(self, batches: Iterable[Any], total: int, label: str) -> Iterable[Any]:
        """Passes batches through, showing how many of `total` are done."""


class Silent:
    """A reporter that shows nothing."""

    def note(self, message: str) -> None:
        pass

    def trained(self, stage: str, step: int, steps: int, logged: dict[str, float]) -> None:
        pass

    def track(self, batches: Iterable[Any], total: int, label: str) -> Iterable[Any]:
        return batches


def check_training(
    plan: Plan, spec: TrainSpec, inputs: Sequence[Run], *, language_adapter: Run | None = None
) -> list[StoredModel]:
    """The models of `inputs`, once they are known to fit the stage; nothing large is read.

    Raises:
        CompatibilityError: Method, composition, backbone, head or language adapter do not fit together.
    """
    check_trained_languages(plan, spec)
    if spec.quantization:
        check_quantized_composition(spec.composition.name)
    sources = [StoredModel.read(run.folder) for run in inputs]
    if language_adapter is not None:
        language = StoredModel.read(language_adapter.folder)
        check_language_adapter(language, spec, sources).check_backbone(plan.backbone)
    check_composition(spec.composition, spec.method, sources, head=spec.head)
    for run, source in zip(inputs, sources, strict=True):
        source.check_backbone(plan.backbone)
        if spec.head == "reuse":
            check_head(source, build_kind(spec.only).head(), head_source(run, spec.only))
    return sources


def run_training(
    plan: Plan, spec: TrainSpec, inputs: Sequence[Run], reporter: Reporter, *, language_adapter: Run | None = None
) -> Run:
    """Trains what `spec` describes, unless the store has it.

    Args:
        inputs: The runs whose keys are `spec.inputs`.
        language_adapter: The run whose key is `spec.language_adapter`.

    Raises:
        CompatibilityError: As `check_training`.
        DataError: The training data cannot be read.
    """
    sources = check_training(plan, spec, inputs, language_adapter=language_adapter)
    language = StoredModel.read(language_adapter.folder) if language_adapter else None
    return _run(plan, spec, reporter, lambda work: _train(plan, spec, inputs, sources, language, work, reporter))


def run_evaluation(
    plan: Plan,
    spec: EvaluateSpec,
    target: Run | None,
    reporter: Reporter,
    *,
    language_adapters: Mapping[str, Run | None] = MappingProxyType({}),
) -> Run:
    """Predicts and scores every language of `spec`, unless the store has it.

    Args:
        target: The run whose key is in `spec.inputs`; None for tasks that the backbone is evaluated on as it is.
        language_adapters: Language to the run whose key is in `spec.language_adapters`, or None for none.

    Raises:
        CompatibilityError: The model was not trained for this form of task or on this backbone.
        DataError: The data of a language cannot be read.
    """
    kind = build_kind(spec)
    if target is not None:
        stored = StoredModel.read(target.folder)
        stored.check_backbone(plan.backbone)
        if kind.trained:
            _check_same_form(target, spec)
    return _run(plan, spec, reporter, lambda work: _evaluate(plan, spec, target, language_adapters, work, reporter))


def _check_same_form(target: Run, spec: EvaluateSpec) -> None:
    """Refuses a model whose head answers another question than the one that is asked."""
    assert isinstance(target.spec, TrainSpec)
    trained = target.spec.only
    if trained.kind != spec.kind:
        raise CompatibilityError(
            f"{target.folder.name} was trained for {trained.kind}, but {spec.task} is {spec.kind}.",
            remedy="Evaluate on a task of the same kind.",
        )
    if trained.options.get("labels") != spec.options.get("labels"):
        raise CompatibilityError(
            f"{target.folder.name} was trained with the labels {trained.options['labels']}, but {spec.task} has "
            f"{spec.options['labels']}.",
            remedy="Evaluate on a task with the same labels in the same order.",
        )


def _run(plan: Plan, spec: StageSpec, reporter: Reporter, work_on: Callable[[Path], Outcome]) -> Run:
    store = plan.store
    force = plan.options.force and key(spec) not in plan.remade
    plan.remade.add(key(spec))
    if not force and (run := store.find(spec)):
        reporter.note(f"{run.folder.name}: already in the store")
        return run
    with store.claim(spec, on_wait=reporter.note) as work:
        if force:
            _begin_again(work)
        elif run := store.find(spec) or store.publish_complete(spec, work):
            reporter.note(f"{run.folder.name}: made by another process in the meantime")
            return run
        watch = Stopwatch()
        with device_memory(plan.device, name=plan.backbone.name, tokens=plan.options.tokens_per_batch):
            metrics, details = work_on(work)
        if left_out := sum(details["rows_left_out"].values()):
            reporter.note(f"{store.folder(spec).name}: left out {left_out:,} malformed records")
        write_json(work / "metrics.json", metrics)
        write_json(
            work / "provenance.json",
            watch.record(
                backbone=plan.backbone.name,
                data_dir=str(plan.options.data_dir) if plan.options.data_dir else None,
                device=str(plan.device),
                tokens_per_batch=plan.options.tokens_per_batch,
                **details,
            ),
        )
        (work / _FORCED).unlink(missing_ok=True)
        return store.publish(spec, work)


def _begin_again(work: Path) -> None:
    """Empties a work folder, unless an earlier `--force` did so and was interrupted since."""
    if not (work / _FORCED).exists():
        shutil.rmtree(work)
        work.mkdir()
        (work / _FORCED).touch()


def _train(
    plan: Plan,
    spec: TrainSpec,
    inputs: Sequence[Run],
    sources: list[StoredModel],
    language: StoredModel | None,
    work: Path,
    reporter: Reporter,
) -> Outcome:
    from transformers import set_seed

    from adapterstilts.stages.costs import training_cost
    from adapterstilts.stages.trainer import train

    stage = plan.store.folder(spec).name
    bad = BadRows(skip=any(task.data.skip_bad_rows for task in spec.tasks))
    prepared = [_prepare(plan, spec, task, bad, reporter) for task in spec.tasks]

    set_seed(spec.seed)
    source_task = head_source(inputs[0], spec.tasks[0]) if inputs else None
    heads = {task.name: build_kind(task).head() for task in spec.tasks}
    model = start_model(spec, plan.backbone, sources, heads=heads, source_task=source_task, language=language)
    model.use_language_module(spec.tasks[0].data.languages[0])
    model.to(plan.device)
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
        device=plan.device,
    )
    save_model(model, work)
    seconds, resumed = outcome.pop("seconds"), outcome.pop("resumed_from")
    calibration = _take_calibration(outcome["validation"], [task.name for task in spec.tasks])
    sizes = {part.name: counts for part, counts in prepared}
    tasks = {name: {**sizes[name], **seen} for name, seen in outcome.pop("tasks").items()}
    metrics = {
        **outcome,
        "calibration": calibration,
        **{name: sum(counts[name] for counts in sizes.values()) for name in sizes[spec.tasks[0].name]},
        **({"tasks": tasks} if tasks else {}),
        "parameters": model.parameter_counts(),
        "flops": flops,
        "stored_bytes": (work / WEIGHTS).stat().st_size,
    }
    return metrics, {
        "train_seconds": round(seconds, 2),
        "cost": cost,
        "resumed_from_step": resumed,
        "rows_left_out": bad.counts,
        "rows_omitted_by_design": bad.omitted,
    }


def _prepare(
    plan: Plan, spec: TrainSpec, task: TaskSpec, bad: BadRows, reporter: Reporter
) -> tuple[TaskPart, dict[str, int]]:
    """What one task brings to a stage, and how many examples and features that is."""
    from adapterstilts.stages.trainer import TaskPart

    kind, tokenizer = build_kind(task), plan.backbone.tokenizer()
    rows, validation = training_rows(
        plan.source,
        recipe(task.name),
        task.data,
        bad,
        max_validation_examples=spec.settings.max_validation_examples,
        translations=plan.translations,
    )
    check_words(plan, task.name, rows, tokenizer, note=reporter.note)
    identity, cache = canonical_json(task.data), plan.store.cache / "features"
    shared = {"kind": kind, "tokenizer": tokenizer, "encoding": task.encoding, "cache": cache}
    features = encode(rows, identity=f"train {identity}", labels=True, **shared)
    held_out = encode(validation, identity=f"validation {identity}", labels=False, **shared)
    part = TaskPart(
        name=task.name,
        features=features,
        held_out=held_out,
        score=_scorer(task, kind, validation.to_list(), held_out),
        collator=build_collator(plan, task.encoding.max_length, tokenizer, kind=kind, seed=spec.seed),
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


def head_source(source: Run, task: TaskSpec) -> str:
    """The task of a training run whose head another stage can go on with for `task`.

    Of a run of several tasks, it is the same task, or else one of the same kind with a head of the same form, and
    rather one with the same options; where there is none, the run's own name, which no head has.
    """
    assert isinstance(source.spec, TrainSpec)
    if len(source.spec.tasks) == 1:
        return source.spec.task
    wanted = build_kind(task).head()
    fitting = [one for one in source.spec.tasks if one.kind == task.kind and build_kind(one).head() == wanted]
    fitting.sort(key=lambda one: (one.name != task.name, one.options != task.options))
    return fitting[0].name if fitting else source.spec.task


def _evaluate(
    plan: Plan,
    spec: EvaluateSpec,
    target: Run | None,
    language_adapters: Mapping[str, Run | None],
    work: Path,
    reporter: Reporter,
) -> Outcome:
    kind = build_kind(spec)
    tokenizer = plan.backbone.tokenizer()
    collator = build_collator(plan, spec.encoding.max_length, tokenizer).for_prediction()
    return Evaluation(
        plan,
        spec,
        kind,
        target,
        language_adapters=language_adapters,
        collator=collator,
        work=work,
        track=reporter.track,
    ).run()


def build_kind(spec: TaskSpec | EvaluateSpec) -> Kind:
    """The kind of a task, with its options."""
    return KINDS.get(spec.kind)(spec.options)


def build_collator(plan: Plan, max_length: int, tokenizer: Any, *, kind: Kind | None = None, seed: int = 0) -> Collator:
    """The collator of a stage.

    Args:
        kind: The kind to train for; None for prediction.

    Raises:
        CompatibilityError: The tokenizer lacks a token that is needed.
    """
    corrupt = kind.corruption(tokenizer, seed) if kind else None
    for needed, id_, by in (
        ("padding", tokenizer.pad_token_id, True),
        ("mask", tokenizer.mask_token_id, corrupt is not None),
    ):
        if by and id_ is None:
            raise CompatibilityError(
                f"The tokenizer of {plan.backbone.name} has no {needed} token.",
                remedy="Set one and save it again.",
            )
    return Collator(
        pad_id=tokenizer.pad_token_id,
        tokens_per_batch=plan.options.tokens_per_batch,
        max_length=max_length,
        rows=kind.comparing if kind else None,
        corrupt=corrupt,
    )
