"""Pair classification: one label for two texts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from pydantic import Field

from adapterstilts.metrics import METRICS, submission
from adapterstilts.settings import Encoding, validate
from adapterstilts.tasks.defaults import KindDefaults
from adapterstilts.tasks.kind import KINDS, HeadSpec, PoolingOptions, Row, Scores, paired
from adapterstilts.tasks.labels import HIDDEN, label_order
from adapterstilts.tasks.translation import Into


class PairOptions(PoolingOptions):
    """Attributes:
    labels: Names of the labels, in the order of the head's outputs.
    """

    labels: tuple[str, ...] = Field(min_length=2)


@KINDS.register("pair_classification")
class PairClassification(KindDefaults):
    """One label for `<s> text_a </s></s> text_b </s>`; the longer text is cut where both do not fit."""

    name = "pair_classification"
    usual_metric = "accuracy"
    options: PairOptions
    metrics: Mapping[str, str] = MappingProxyType({"accuracy": "accuracy"})
    encoding_fields = ("max_length", "separator")
    untranslatable = None
    unscorable_in_translation = None
    translated_columns = ("text_a", "text_b")

    def __init__(self, options: dict[str, Any]) -> None:
        self.options = validate(PairOptions, options, where="options of pair_classification")

    @staticmethod
    def features() -> Any:
        """id, text_a, text_b, label (its name), language; as `datasets.Features`."""
        from datasets import Features, Value

        return Features({name: Value("string") for name in ("id", "text_a", "text_b", "label", "language")})

    @classmethod
    def starting_options(cls, rows: Iterable[Row]) -> dict[str, Any]:
        """The labels that occur."""
        return {"labels": list(label_order(row["label"] for row in rows))}

    def head(self) -> HeadSpec:
        """A score for each label."""
        return HeadSpec("classification", outputs=len(self.options.labels), options=self.options.head_options())

    def unlabelled(self, row: Row) -> bool:
        """No label is an empty one."""
        return row["label"] == ""

    def stand_in(self, rows: Sequence[Row]) -> str | None:
        """The first label."""
        first = self.options.labels[0]
        return f"labels are {first!r}" if all(row["label"] == first for row in rows) else None

    def without_gold(self, row: Row) -> dict[str, Any]:
        """Without its label."""
        return {**row, "label": ""}

    def check(self, row: Row) -> None:
        """Refuses labels that the recipe does not have."""
        if self.unlabelled(row):
            raise ValueError(HIDDEN)
        if row["label"] not in self.options.labels:
            raise ValueError(f"the label {row['label']!r} is not one of {', '.join(self.options.labels)}")

    def group(self, row: Row) -> str:
        """Pairs with the same first text: data sets have several hypotheses for one premise."""
        return row["text_a"]

    def translate(self, row: Row, into: Into) -> dict[str, Any]:
        """Both texts; see `Kind.translate`."""
        return {name: into.text(row[name]) for name in self.translated_columns}

    def encode(
        self,
        rows: Mapping[str, list],
        indices: Sequence[int],
        *,
        tokenizer: Any,
        encoding: Encoding,
        labels: bool,
    ) -> dict[str, list]:
        """One feature per row, with `label` (position in `labels`) for training; see `Kind.encode`."""
        second = [encoding.separator + text for text in rows["text_b"]]
        found = tokenizer(rows["text_a"], second, truncation="longest_first", max_length=encoding.max_length)
        features: dict[str, list] = {**found, "row": list(indices)}
        features.pop("attention_mask", None)
        if labels:
            features["label"] = [self.options.labels.index(label) for label in rows["label"]]
        return features

    def decode(
        self,
        rows: Sequence[Row],
        features: Sequence[Row],
        logits: Sequence[np.ndarray],
        calibration: Mapping[str, float],
    ) -> dict[str, str]:
        """The best-scoring label's name; see `Kind.decode`."""
        return {
            rows[feature["row"]]["id"]: self.options.labels[int(np.argmax(scores))]
            for feature, scores in zip(features, logits, strict=True)
        }

    def score(self, predictions: Mapping[str, str], rows: Sequence[Row], *, metric: str, language: str) -> Scores:
        """Accuracy in percent; see `Kind.score`."""
        ids = [row["id"] for row in rows]
        given = paired(predictions, ids, what="pair", language=language)
        result = METRICS.get(metric).score(given, [row["label"] for row in rows], language=language)
        items = {id_: {"accuracy": value} for id_, value in zip(ids, result.pop("items"), strict=True)}
        # A model that has collapsed scores the share of one label, which can look like a result.
        return Scores(metrics=result, items=items, counts={"distinct_predictions": len(set(given))})

    def main_score(self, metrics: Mapping[str, float]) -> float:
        """Accuracy."""
        return metrics["accuracy"]

    def write_predictions(self, predictions: Mapping[str, str], path: Path) -> None:
        """Writes one label per line."""
        submission.write_lines(predictions.values(), path)

    def read_predictions(self, path: Path, ids: Sequence[str]) -> dict[str, str]:
        """Reads one label per line."""
        return dict(zip(ids, submission.read_lines(path), strict=True))

    def write_labels(self, rows: Sequence[Row], path: Path) -> None:
        """Writes one label per line."""
        submission.write_lines((row["label"] for row in rows), path)
