"""The contract between a task's form and everything that runs it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from adapterstilts.registry import Registry
from adapterstilts.specs import Encoding, Strict

Row = Mapping[str, Any]


@dataclass(frozen=True)
class HeadSpec:
    """The head that a kind needs: its registered name in `modeling.heads` and its output width."""

    name: str
    outputs: int


@dataclass(frozen=True)
class Scores:
    """Result of scoring one language.

    Attributes:
        metrics: Metric name to value, in percent.
        items: Example id to its own metric values, in percent; their mean over examples is `metrics`.
    """

    metrics: dict[str, float]
    items: dict[str, dict[str, float]]


class Kind(Protocol):
    """One form of task. Instances are built from a recipe's `options` and hold no state besides them."""

    name: str
    group_column: str
    """Rows with the same value here stay on the same side when validation data are held out."""
    prediction_suffix: str
    metrics: Mapping[str, str]
    """Names of the metrics in `Scores`, with their labels in tables; the last one's difference is shown."""

    @property
    def options(self) -> Strict:
        """What the recipe says about decoding; part of every spec."""

    def features(self) -> Any:
        """The canonical columns, as `datasets.Features`."""

    def head(self) -> HeadSpec:
        """The head to train for this kind."""

    def check(self, row: Row) -> None:
        """Raises ValueError, with the reason, for a row that this task cannot use."""

    def encode(
        self,
        rows: Mapping[str, list],
        indices: Sequence[int],
        *,
        tokenizer: Any,
        encoding: Encoding,
        labels: bool,
    ) -> dict[str, list]:
        """Turns a batch of canonical rows into features, one or more per row.

        Args:
            rows: Column name to values.
            indices: Position of each row in its dataset, stored with the features.
            labels: True for training: adds label columns and leaves out what only decoding needs.
        """

    def decode(self, rows: Sequence[Row], features: Sequence[Row], logits: Sequence[np.ndarray]) -> dict[str, Any]:
        """Turns the logits of all features, each `(length, outputs)`, into one prediction per row id."""

    def score(self, predictions: Mapping[str, Any], rows: Sequence[Row], *, metric: str, language: str) -> Scores:
        """Scores predictions as the benchmark does.

        Raises:
            DataError: A row has no prediction, or a prediction no row.
        """

    def main_score(self, metrics: Mapping[str, float]) -> float:
        """The single number that this kind contributes to an average over tasks."""

    def write_predictions(self, predictions: Mapping[str, Any], path: Path) -> None:
        """Writes a file of the benchmark's submission layout."""

    def read_predictions(self, path: Path) -> dict[str, Any]:
        """Reads what `write_predictions` wrote."""


KINDS: Registry[Callable[[dict[str, Any]], Kind]] = Registry("task kind")
"""Name to a function that builds the kind from a recipe's options."""
