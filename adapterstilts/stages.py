"""Running a stage: from its spec to a published run, resumed where an interrupted one stopped."""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from adapterstilts.data.bad_rows import BadRows
from adapterstilts.data.batching import Collator
from adapterstilts.data.features import encode
from adapterstilts.data.splits import subset, training_rows
from adapterstilts.errors import CompatibilityError
from adapterstilts.files import write_json
from adapterstilts.modeling.composition import check_composition, check_head, start_model
from adapterstilts.modeling.storage import WEIGHTS, StoredModel, save_model
from adapterstilts.modeling.transfer_model import TransferModel
from adapterstilts.planning import Plan
from adapterstilts.prediction import predict
from adapterstilts.provenance import Stopwatch
from adapterstilts.specs import EvaluateSpec, StageSpec, TrainSpec, canonical_json, key
from adapterstilts.store import Run
from adapterstilts.tasks.catalogue import recipe
from adapterstilts.tasks.kind import KINDS, Kind

# Marks a work folder that was begun by `--force`, so that an interrupted one is resumed by it too.
_FORCED = ".forced"

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


def check_training(plan: Plan, spec: TrainSpec, inputs: Sequence[Run]) -> list[StoredModel]:
    """The models of `inputs`, once they are known to fit the stage; nothing large is read.

    Raises:
        CompatibilityError: Method, composition, backbone or head do not fit together.
    """
    sources = [StoredModel.read(run.folder) for run in inputs]
    check_composition(spec.composition, spec.method, sources)
    for run, source in zip(inputs, sources, strict=True):
        source.check_backbone(plan.backbone)
        if spec.head == "reuse":
            check_head(source, build_kind(spec).head(), run.spec.task)
    return sources


def run_training(plan: Plan, spec: TrainSpec, inputs: Sequence[Run], reporter: Reporter) -> Run:
    """Trains what `spec` describes, unless the store has it.

    Args:
        inputs: The runs whose keys are `spec.inputs`.

    Raises:
        CompatibilityError: As `check_training`.
        DataError: The training data cannot be read.
    """
    sources = check_training(plan, spec, inputs)
    return _run(plan, spec, reporter, lambda work: _train(plan, spec, inputs, sources, work, reporter))


def run_evaluation(plan: Plan, spec: EvaluateSpec, target: Run, reporter: Reporter) -> Run:
    """Predicts and scores every language of `spec`, unless the store has it.

    Raises:
        CompatibilityError: The model was not trained for this kind of task or on this backbone.
        DataError: The data of a language cannot be read.
    """
    stored = StoredModel.read(target.folder)
    stored.check_backbone(plan.backbone)
    if target.spec.kind != spec.kind:
        raise CompatibilityError(
            f"{target.folder.name} was trained for {target.spec.kind}, but {spec.task} is {spec.kind}.",
            remedy="Evaluate on a task of the same kind.",
        )
    return _run(plan, spec, reporter, lambda work: _evaluate(plan, spec, target, stored, work, reporter))


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
        metrics, details = work_on(work)
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
    work: Path,
    reporter: Reporter,
) -> Outcome:
    from transformers import set_seed

    from adapterstilts.training import train

    stage = plan.store.folder(spec).name
    kind = build_kind(spec)
    bad = BadRows(skip=spec.data.skip_bad_rows)
    tokenizer = plan.backbone.tokenizer()
    rows, validation = training_rows(
        plan.source,
        recipe(spec.task),
        spec.data,
        bad,
        max_validation_examples=spec.settings.max_validation_examples,
    )
    identity, encoding = canonical_json(spec.data), spec.settings.encoding()
    cache = plan.store.cache / "features"
    shared = {"kind": kind, "tokenizer": tokenizer, "encoding": encoding, "cache": cache}
    features = encode(rows, identity=f"train {identity}", labels=True, **shared)
    held_out = encode(validation, identity=f"validation {identity}", labels=False, **shared)

    set_seed(spec.seed)
    source_task = inputs[0].spec.task if inputs else None
    model = start_model(spec, plan.backbone, sources, head=kind.head(), source_task=source_task).to(plan.device)
    gold = validation.to_list()

    def score(logits: list[np.ndarray]) -> dict[str, float]:
        predictions = kind.decode(gold, held_out, logits)
        scores = kind.score(predictions, gold, metric=spec.metric, language=spec.data.language)
        return {"score": kind.main_score(scores.metrics), **scores.metrics}

    result = train(
        model,
        features,
        task=spec.task,
        settings=spec.settings,
        seed=spec.seed,
        collator=build_collator(plan, spec.settings.max_length, tokenizer),
        held_out=held_out,
        score=score,
        work=work,
        on_progress=lambda step, steps, logged: reporter.trained(stage, step, steps, logged),
    )
    save_model(model, work)
    outcome = dataclasses.asdict(result)
    seconds, resumed = outcome.pop("seconds"), outcome.pop("resumed_from")
    metrics = {
        **outcome,
        "train_examples": len(rows),
        "train_features": len(features),
        "validation_examples": len(validation),
        "parameters": model.parameter_counts(),
        "stored_bytes": (work / WEIGHTS).stat().st_size,
    }
    return metrics, {
        "train_seconds": round(seconds, 2),
        "resumed_from_step": resumed,
        "rows_left_out": bad.counts,
    }


def _evaluate(
    plan: Plan, spec: EvaluateSpec, target: Run, stored: StoredModel, work: Path, reporter: Reporter
) -> Outcome:
    kind = build_kind(spec)
    tokenizer = plan.backbone.tokenizer()
    collator = build_collator(plan, spec.encoding.max_length, tokenizer).for_prediction()
    predictions = work / "predictions" / spec.task
    scores = work / "scores"
    for folder in (predictions, scores):
        folder.mkdir(parents=True, exist_ok=True)
    model: TransferModel | None = None
    found: dict[str, dict[str, Any]] = {}
    left_out: Counter[str] = Counter()
    for language in spec.languages:
        score_file = scores / f"{language}.json"
        if score_file.is_file():  # finished before an interruption
            scored = json.loads(score_file.read_text(encoding="utf-8"))
            found[language] = scored["metrics"]
            left_out.update(scored["rows_left_out"])
            continue
        if model is None:
            model = stored.restore(plan.backbone, precision=spec.precision).to(plan.device)
        bad = BadRows(skip=spec.skip_bad_rows)
        rows = subset(plan.source.load(recipe(spec.task), spec.split, language, bad), spec.max_examples)
        identity = f"{spec.fingerprints[language]} {spec.split} {spec.max_examples} {spec.skip_bad_rows}"
        features = encode(
            rows,
            identity=identity,
            kind=kind,
            tokenizer=tokenizer,
            encoding=spec.encoding,
            labels=False,
            cache=plan.store.cache / "features",
        )
        logits = predict(
            model,
            features,
            task=target.spec.task,
            collator=collator,
            track=partial(reporter.track, label=f"{spec.task} {language}"),
        )
        gold = rows.to_list()
        answers = kind.decode(gold, features, logits)
        result = kind.score(answers, gold, metric=spec.metric, language=language)
        kind.write_predictions(answers, predictions / f"{spec.split}-{language}.{kind.prediction_suffix}")
        found[language] = {**result.metrics, "examples": len(result.items)}
        left_out.update(bad.counts)
        write_json(score_file, {"metrics": found[language], "items": result.items, "rows_left_out": dict(bad.counts)})
    return {"languages": found, **summarise(kind, found)}, {"rows_left_out": left_out}


def summarise(kind: Kind, languages: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """English and the mean over all other languages, per metric and as the kind's main score."""
    zero_shot = [metrics for language, metrics in languages.items() if language != "en"]
    summary: dict[str, Any] = {}
    for name, group in (
        ("english", [languages["en"]] if "en" in languages else []),
        ("zero_shot", zero_shot),
    ):
        if group:
            means = {key: sum(metrics[key] for metrics in group) / len(group) for key in group[0] if key != "examples"}
            summary[name] = {**means, "score": kind.main_score(means)}
    return summary


def build_kind(spec: StageSpec) -> Kind:
    """The kind of a stage, with its options."""
    return KINDS.get(spec.kind)(spec.options)


def build_collator(plan: Plan, max_length: int, tokenizer: Any) -> Collator:
    """The collator of a stage.

    Raises:
        CompatibilityError: The tokenizer has no padding token.
    """
    if tokenizer.pad_token_id is None:
        raise CompatibilityError(
            f"The tokenizer of {plan.backbone.name} has no padding token.",
            remedy="Set one and save it again.",
        )
    return Collator(
        pad_id=tokenizer.pad_token_id, tokens_per_batch=plan.options.tokens_per_batch, max_length=max_length
    )
