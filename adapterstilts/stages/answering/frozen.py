"""A classifier on the backbone's frozen vectors at work: fitted once, and asked as a model's head is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from adapterstilts.errors import DataError
from adapterstilts.languages import ENGLISH
from adapterstilts.metrics.transferability import centred
from adapterstilts.modeling.architecture import default_pooling
from adapterstilts.modeling.transfer_model import TransferModel
from adapterstilts.runs.arrays import recall_arrays
from adapterstilts.runs.rivals import FrozenClassifier
from adapterstilts.runs.specs import EvaluateSpec, TaskSpec, canonical_json
from adapterstilts.stages.answering.classifiers import CLASSIFIERS, Scorer, form_of
from adapterstilts.stages.answering.predictor import Predictor, Track
from adapterstilts.stages.ranking.representations import FOLDER
from adapterstilts.stages.setup import Setup
from adapterstilts.stages.training.training_rows import encode_rows, read_rows
from adapterstilts.stages.training.validation import Validation, scored
from adapterstilts.tasks.kind import HeadSpec, Kind, Row, draw

if TYPE_CHECKING:
    from datasets import Dataset

    from adapterstilts.stages.devices.group import Group


@dataclass(frozen=True)
class _Learned:
    """What has become of the training rows.

    Attributes:
        told: What a run says of it: the chosen `value` of its setting, its `validation` score, and numbers of rows.
        calibration: What was chosen on the validation rows to decode with.
    """

    score: Scorer
    told: dict[str, Any]
    calibration: Mapping[str, float]


class FrozenPredictor(Predictor):
    """What an evaluation asks in place of a model with a trained head.

    Args:
        rival: The classifier, and what it learns from.
    """

    def __init__(
        self, spec: EvaluateSpec, setup: Setup, kind: Kind, rival: FrozenClassifier, *, track: Track, group: Group
    ) -> None:
        super().__init__(spec, setup, kind, track=track, group=group)
        self._rival = rival
        self._form = form_of(kind)

    def _add_head(self, model: TransferModel) -> None:
        """Reads the vector of every sequence off the backbone as it is."""
        pooling = self.kind.head().options.get("pooling") or default_pooling(model.config)
        model.add_head(self.head, HeadSpec("vectors", outputs=0, options={"pooling": pooling}))

    def logits(self, features: Dataset, rows: Dataset, language: str) -> list[np.ndarray]:
        """The scores of every feature of a language's rows, in their order."""
        without = self.spec.model_copy(update={"rival": None})
        vectors = self._vectors(features, rows, f"{canonical_json(without)} {language}", language)
        return self._by_feature(self._learned.score(vectors), features)

    @property
    def calibration(self) -> Mapping[str, float]:
        """What was chosen on English validation rows to decode with."""
        return self._learned.calibration

    @property
    def told(self) -> dict[str, Any]:
        """What was chosen, and on how many rows."""
        return {"rival": self._learned.told}

    @cached_property
    def _learned(self) -> _Learned:
        parts = [self._part(task) for task in self._rival.tasks]
        vectors, targets = (np.concatenate([part[number] for part in parts]) for number in (0, 1))
        count = sum(part[2] for part in parts)
        if self._form == "classes" and np.count_nonzero(targets.any(axis=0)) < 2:
            raise DataError(
                f"All {count:,} training rows of {self.spec.task} that were drawn have the same label.",
                remedy="Give a larger --max-train-examples.",
            )
        return self._chosen(vectors, targets, parts[-1][3], count)

    def _part(self, task: TaskSpec) -> tuple[np.ndarray, np.ndarray, int, Dataset]:
        """Vectors and targets of a task's training rows, how many rows these are, and its validation rows."""
        kind = self.setup.catalogue.build_kind(task)
        rows, validation = read_rows(task, self.setup)
        features = encode_rows(rows, task, kind, self.setup)
        targets = np.concatenate([kind.observed(feature).targets for feature in features])
        vectors = self._vectors(features, rows, f"train {canonical_json(task)}", ENGLISH)
        return vectors, targets, len(rows), validation

    def _chosen(self, vectors: np.ndarray, targets: np.ndarray, validation: Dataset, count: int) -> _Learned:
        """The value of the setting that is best on validation rows, the first of equals; without any, the only one."""
        rival, classifier, task = self._rival, CLASSIFIERS[self._rival.name], self._rival.tasks[-1]
        assert self._form is not None
        values = classifier.possible(rival.values, len(vectors))
        told: dict[str, Any] = {"name": rival.name, "setting": classifier.setting, "train_examples": count}
        if not len(validation):
            score = classifier.fit(vectors, targets, self._form, values[0])
            return _Learned(score, {**told, "value": values[0], "validation_examples": 0}, {})
        held = Validation.of(task, validation, self.setup, self._collator)
        few = draw(validation, rival.max_validation_examples)
        found: list[tuple[float, float, Scorer, Mapping[str, float]]] = []
        for value in values:
            score = classifier.fit(vectors, targets, self._form, value)
            reached, calibration = self._on(held, few, score, None)
            found.append((reached, value, score, calibration))
        _, value, score, calibration = max(found, key=lambda one: one[0])
        told |= {
            "value": value,
            "tried": {f"{one:g}": reached for reached, one, *_ in found},
            "validation_examples": len(few),
            "validation": self._on(held, validation, score, calibration)[0],
        }
        return _Learned(score, told, calibration)

    def _on(
        self, held: Validation, rows: Dataset, score: Scorer, calibration: Mapping[str, float] | None
    ) -> tuple[float, Mapping[str, float]]:
        """The main score on validation rows, and what they are decoded with, which is chosen on them if it is None."""
        gold: list[Row] = rows.to_list()
        features = held.encode(rows)
        identity = f"validation {canonical_json(held.task)} {len(rows)}"
        logits = self._by_feature(score(self._vectors(features, rows, identity, ENGLISH)), features)
        if calibration is None:
            calibration = held.kind.calibrate(gold, features, logits)
        return scored(held.task, held.kind, gold, features, logits, calibration)["score"], calibration

    def _vectors(self, features: Dataset, rows: Dataset, identity: str, language: str) -> np.ndarray:
        """`(sequences, width)`: those of all features after each other, choices without the mean of their row.

        Args:
            identity: Names the features' content.
        """
        counts = np.asarray(features["sequences"][:])

        def find() -> dict[str, np.ndarray]:
            flat = super(FrozenPredictor, self).logits(features, rows, language)
            width = self.model.config.hidden_size
            return {
                "vectors": np.concatenate(
                    [one[: count * width].reshape(count, width) for one, count in zip(flat, counts, strict=True)]
                )
            }

        backbone = self.setup.backbone
        what = ("vectors", backbone.fingerprint, str(backbone.quantization), self.spec.precision, identity)
        vectors = recall_arrays(self.setup.store.cache / FOLDER, *what, find=find)["vectors"]
        return centred(vectors, np.repeat(np.arange(len(counts)), counts)) if self._form == "choices" else vectors

    def _by_feature(self, scores: np.ndarray, features: Dataset) -> list[np.ndarray]:
        """Scores of vectors `(sequences, outputs)` as a head gives them for each feature."""
        if self._form != "choices":
            return list(scores)
        return np.split(scores[:, 0], np.cumsum(features["sequences"][:])[:-1])
