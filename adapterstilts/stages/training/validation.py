"""Scoring a trained model on all rows that select checkpoints: when it was trained, or again by somebody else."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from adapterstilts.data.bad_rows import BadRows
from adapterstilts.data.batching import Collator
from adapterstilts.data.features import encode
from adapterstilts.data.splits import validation_rows
from adapterstilts.modeling.transfer_model import TransferModel
from adapterstilts.runs.specs import TaskSpec, TrainSpec, canonical_json
from adapterstilts.stages.answering.calibration import Temperature, fitted_in_training
from adapterstilts.stages.answering.predict import predict
from adapterstilts.stages.collate import build_collator
from adapterstilts.stages.devices.group import ALONE, Group
from adapterstilts.stages.lower import FOLDER
from adapterstilts.stages.setup import Setup
from adapterstilts.tasks.kind import Kind, Row

if TYPE_CHECKING:
    from datasets import Dataset


@dataclass(frozen=True)
class Validation:
    """All validation rows of a task.

    Attributes:
        encode: From some of the rows to their features.
        collator: That of prediction.
        states: Where is kept what lower layers give of the features.
    """

    task: TaskSpec
    kind: Kind
    rows: Dataset
    encode: Callable[[Dataset], Dataset]
    collator: Collator
    states: Path

    @classmethod
    def of(cls, task: TaskSpec, rows: Dataset, setup: Setup, collator: Collator) -> Validation:
        """Those of one task of a stage."""
        kind = setup.catalogue.build_kind(task)
        identity = f"validation {canonical_json(task.data)}"

        def features(chosen: Dataset) -> Dataset:
            return encode(
                chosen,
                identity=identity,
                kind=kind,
                tokenizer=setup.backbone.tokenizer(),
                encoding=task.encoding,
                labels=False,
                cache=setup.store.cache / "features",
            )

        return cls(task, kind, rows, features, collator, setup.store.cache / FOLDER)

    def score(self, model: TransferModel, calibration: Mapping[str, float], group: Group = ALONE) -> ScoredTask | None:
        """What the model is on the rows; None in a process that does not lead its group.

        Args:
            calibration: What was chosen on some of the rows for decoding.
            group: Processes with the same model, of which the leader has the metrics.
        """
        features = group.leader_first(lambda: self.encode(self.rows))
        logits = predict(model, features, task=self.task.name, collator=self.collator, group=group, states=self.states)
        if not group.leads:
            return None
        rows = self.rows.to_list()
        answers = self.kind.decode(rows, features, logits, calibration)
        same = self.kind.constant(rows)
        return ScoredTask(
            {**_scores(self.task, self.kind, rows, answers), "examples": len(rows)},
            fitted_in_training(self.task, self.kind, rows, features, logits),
            self.kind.collapse(rows, features, logits, answers),
            _scores(self.task, self.kind, rows, same)["score"] if same is not None else None,
        )


@dataclass(frozen=True)
class ScoredTask:
    """What a model is on all validation rows of a task.

    Attributes:
        metrics: With the number of rows as `examples`.
        collapse: What is one and the same in all of its answers; see `Kind.collapse`.
        constant: The score of one answer for all rows; see `Kind.constant`.
    """

    metrics: dict[str, float]
    temperature: Temperature | None
    collapse: str | None
    constant: float | None


def scored(
    task: TaskSpec,
    kind: Kind,
    gold: Sequence[Row],
    features: Any,
    logits: list[np.ndarray],
    calibration: Mapping[str, float],
) -> dict[str, float]:
    """The metrics of what a model said to some rows, with the main one as `score`."""
    return _scores(task, kind, gold, kind.decode(gold, features, logits, calibration))


def _scores(task: TaskSpec, kind: Kind, gold: Sequence[Row], answers: Mapping[str, Any]) -> dict[str, float]:
    scores = kind.score(answers, gold, metric=task.metric, language=task.data.validation_language)
    return {"score": kind.main_score(scores.metrics), **scores.metrics, **scores.counts}


def together(scored: Mapping[str, Mapping[str, float]], *, averaged: Sequence[str]) -> dict[str, float]:
    """The metrics of all tasks as one: of one task they stay as they are.

    Those of several get the task's name and a `/` before theirs, and `score` is the mean of the main scores.

    Args:
        averaged: The tasks of whose main scores the mean is taken; if there are none, of all.
    """
    if len(scored) == 1:
        return dict(*scored.values())
    counted = averaged or list(scored)
    mean = sum(scored[task]["score"] for task in counted) / len(counted)
    named = {f"{task}/{name}": value for task, metrics in scored.items() for name, value in metrics.items()}
    return {"score": mean, **named}


@dataclass(frozen=True)
class ScoredAgain:
    """What a stage's model is on all of its validation rows.

    Attributes:
        metrics: The best of many scores on a few is higher than these, and than it should be.
        temperatures: Task to what its scores are divided by, where its answers have probabilities.
        collapsed: Task to what is one and the same in all of the model's answers, for those of which that can be said.
        constant: Task to the score that one answer for all rows has, where there is one that could be right.
    """

    metrics: dict[str, float] = field(default_factory=dict)
    temperatures: dict[str, Temperature] = field(default_factory=dict)
    collapsed: dict[str, str] = field(default_factory=dict)
    constant: dict[str, float] = field(default_factory=dict)


def scored_again(
    model: TransferModel, validations: Sequence[Validation], calibration: Mapping[str, Any], group: Group = ALONE
) -> ScoredAgain:
    """Scores a model on all validation rows of its stage.

    Args:
        calibration: As in the stage's metrics: of several tasks, those of each.
        group: As in `Validation.score`.
    """
    alone = len(validations) == 1
    each = {
        one.task.name: one.score(model, calibration if alone else calibration[one.task.name], group)
        for one in validations
    }
    found = {name: one for name, one in each.items() if one is not None}
    if not group.leads:
        return ScoredAgain()
    averaged = [one.task.name for one in validations if one.kind.averaged]
    return ScoredAgain(
        together({name: one.metrics for name, one in found.items()}, averaged=averaged),
        {name: one.temperature for name, one in found.items() if one.temperature},
        {name: one.collapse for name, one in found.items() if one.collapse},
        {name: one.constant for name, one in found.items() if one.constant is not None},
    )


def validations_of(spec: TrainSpec, setup: Setup) -> list[Validation]:
    """The validation rows of a stage that somebody has run; none where no checkpoint was selected.

    Raises:
        DataError: Data cannot be read.
    """
    if not all(task.data.selects for task in spec.tasks):
        return []
    found = []
    for task in spec.tasks:
        bad, recipe = BadRows(skip=task.data.skip_bad_rows), setup.catalogue.recipe(task.name)
        rows = validation_rows(setup.source, recipe, task.data, bad, validation_file=setup.validation_file)
        collator = build_collator(setup, task.encoding.max_length).for_prediction()
        found.append(Validation.of(task, rows, setup, collator))
    return found
