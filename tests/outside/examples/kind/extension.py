"""A kind from outside the package, with its head and its metric: one number for two texts."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from adapterstilts.metrics import METRICS, Metric, submission
from adapterstilts.metrics.matching import match_lines
from adapterstilts.metrics.statistics import spearman
from adapterstilts.settings import Encoding, validate
from adapterstilts.tasks.defaults import KindDefaults
from adapterstilts.tasks.kind import HeadSpec, PoolingOptions, Row, Scores, paired
from adapterstilts.tasks.translation import Into


class Regression(KindDefaults):
    """A number for `<s> text_a </s></s> text_b </s>`."""

    name = "regression"
    usual_metric = "likeness"
    options: PoolingOptions
    metrics: Mapping[str, str] = MappingProxyType({"spearman": "Spearman"})
    encoding_fields = ("max_length",)
    untranslatable = None
    unscorable_in_translation = None
    translated_columns = ("text_a", "text_b")

    def __init__(self, options: dict[str, Any]) -> None:
        self.options = validate(PoolingOptions, options, where="options of regression")

    @staticmethod
    def features() -> Any:
        """id, text_a, text_b, value, language; as `datasets.Features`."""
        from datasets import Features, Value

        texts = {name: Value("string") for name in ("id", "text_a", "text_b", "language")}
        return Features({**texts, "value": Value("float32")})

    def head(self) -> HeadSpec:
        """One number for each pair."""
        return HeadSpec("number", outputs=1, options=self.options.head_options())

    def unlabelled(self, row: Row) -> bool:
        """No number is not a number."""
        return math.isnan(row["value"])

    def group(self, row: Row) -> str:
        """Pairs with the same first text."""
        return row["text_a"]

    def translate(self, row: Row, into: Into) -> dict[str, Any]:
        """Both texts."""
        return {name: into.text(row[name]) for name in self.translated_columns}

    def encode(
        self, rows: Mapping[str, list], indices: Sequence[int], *, tokenizer: Any, encoding: Encoding, labels: bool
    ) -> dict[str, list]:
        """One feature for each row, with its `value` for training."""
        found = tokenizer(rows["text_a"], rows["text_b"], truncation="longest_first", max_length=encoding.max_length)
        features = {name: values for name, values in found.items() if name != "attention_mask"}
        return {**features, "row": list(indices), **({"value": rows["value"]} if labels else {})}

    def decode(
        self,
        rows: Sequence[Row],
        features: Sequence[Row],
        logits: Sequence[np.ndarray],
        calibration: Mapping[str, float],
    ) -> dict[str, float]:
        """The number itself."""
        pairs = zip(features, logits, strict=True)
        return {rows[feature["row"]]["id"]: round(float(scores[0]), 6) for feature, scores in pairs}

    def score(self, predictions: Mapping[str, float], rows: Sequence[Row], *, metric: str, language: str) -> Scores:
        """Spearman's correlation in percent."""
        ids = [row["id"] for row in rows]
        given = paired(predictions, ids, what="pair", language=language)
        result = METRICS.get(metric).score(given, [row["value"] for row in rows], language=language)
        items = {id_: {"spearman": item} for id_, item in zip(ids, result.pop("items"), strict=True)}
        return Scores(metrics=result, items=items)

    def main_score(self, metrics: Mapping[str, float]) -> float:
        """Spearman's correlation."""
        return metrics["spearman"]

    def write_predictions(self, predictions: Mapping[str, float], path: Path) -> None:
        """Writes a number per line."""
        submission.write_lines(map(str, predictions.values()), path)

    def read_predictions(self, path: Path, ids: Sequence[str]) -> dict[str, float]:
        """Reads a number per line."""
        return dict(zip(ids, map(float, submission.read_lines(path)), strict=True))

    def write_labels(self, rows: Sequence[Row], path: Path) -> None:
        """Writes a number per line."""
        submission.write_lines((str(row["value"]) for row in rows), path)


def number_head(config: Any, outputs: int, **options: Any) -> Any:
    """A number for each sequence, trained for its squared distance to `value`; torch is imported when it is built."""
    from torch.nn import functional

    from adapterstilts.modeling.heads import PooledTokenHead

    class NumberHead(PooledTokenHead):
        def forward(self, hidden: Any, attention_mask: Any, *, value: Any = None, **_: Any) -> dict[str, Any]:
            logits = self.scores(hidden, attention_mask)
            return {"logits": logits} | (
                {} if value is None else {"loss": functional.mse_loss(logits.squeeze(-1), value.float())}
            )

    return NumberHead(config, outputs, **options)


class Spearman:
    """Spearman's correlation of numbers, in percent, with (prediction, gold) of each example as `items`."""

    def __init__(self, **language: Any) -> None:
        pass

    def compute(self, predictions: Sequence[Any], references: Sequence[Any]) -> dict[str, Any]:
        """`spearman` and `items`."""
        items = np.array([list(map(float, predictions)), list(map(float, references))]).T
        value = spearman(items, np.ones((1, len(items)), dtype=int))
        return {"spearman": float(value[0]), "items": items.tolist()}


def register(catalogue: Any) -> None:
    catalogue.kinds.add("regression", Regression)
    catalogue.heads.add("number", number_head)
    metric = Metric("likeness", f"{__name__}:Spearman", ".tsv", match=match_lines, statistics={"spearman": spearman})
    catalogue.metrics.add("likeness", metric)
