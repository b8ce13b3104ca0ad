"""The contract between a task's form and everything that runs it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from pydantic import SerializerFunctionWrapHandler, model_serializer

from adapterstilts.errors import DataError
from adapterstilts.metrics import METRICS, Metric
from adapterstilts.metrics.statistics import Item
from adapterstilts.registry import Registry
from adapterstilts.settings import Encoding, Pooling, Strict
from adapterstilts.tasks.label_guessing import LabelGuess
from adapterstilts.tasks.observations import Observed, Observes
from adapterstilts.tasks.translation import Into

Row = Mapping[str, Any]

OF = ":"
"""What stands between a metric and the category of examples that it is of: `accuracy:negation`."""

# Subsets do not depend on a run's seed: rows that are compared train on the same examples.
_SUBSET_SEED = 0


@dataclass(frozen=True)
class HeadSpec:
    """The head that a kind needs: its registered name in `modeling.heads`, its output width and its options."""

    name: str
    outputs: int
    options: Mapping[str, Any] = field(default_factory=dict)


class PoolingOptions(Strict):
    """How one vector of a text is read.

    Attributes:
        pooling: The first or last token, or the mean over all; by default what suits the backbone's architecture.
    """

    pooling: Pooling | None = None

    @model_serializer(mode="wrap")
    def _tell(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        # Left at its default it says nothing, and runs keep the keys that they had before there was a choice.
        told: dict[str, Any] = serialize(self)
        return told if self.pooling else {name: value for name, value in told.items() if name != "pooling"}

    def head_options(self) -> dict[str, Any]:
        """What the head has to be told."""
        return {"pooling": self.pooling} if self.pooling else {}


@dataclass(frozen=True)
class Scores:
    """Result of scoring one language.

    Attributes:
        metrics: Name to value, in percent.
        items: Example id to its part in each value.
        counts: What else has to be known about the predictions, for instance how many had to be repaired.
        examples: How many examples were scored; None for one an item.
        by_class: What became of every class, where there are classes; see `metrics.by_class`.
        groups: Example id to what names those whose errors are not independent of its own, alike in all languages;
            None where the metric tells them by single rows.
    """

    metrics: dict[str, float]
    items: dict[str, dict[str, Item]]
    counts: dict[str, int] = field(default_factory=dict)
    examples: int | None = None
    by_class: dict[str, Any] = field(default_factory=dict)
    groups: dict[str, str] | None = None


class Kind(Protocol):
    """One form of task. Instances are built from a recipe's `options` and hold no state besides them."""

    name: str

    @property
    def trained(self) -> bool:
        """Whether a model has to be trained for it; if not, any model's hidden states answer it."""

    @property
    def comparing(self) -> int | None:
        """How many features the head compares with each other in training; None where it looks at one at a time."""

    @property
    def pretrained_head(self) -> bool:
        """Whether its head is the one that the backbone was pretrained with, which some backbones lack."""

    @property
    def options(self) -> Strict:
        """What the recipe says about encoding and decoding."""

    def decisive_options(self) -> dict[str, Any]:
        """The JSON of those options that decide results; part of every spec. A kind built from them is the same."""

    @property
    def collects(self) -> bool:
        """Whether there are options that the recipe leaves to the training data."""

    def collect(self, rows: Iterable[Row]) -> dict[str, Any]:
        """What the training rows make these options."""

    @property
    def encoding_fields(self) -> tuple[str, ...]:
        """Names of the fields of `settings.Encoding` that decide this kind's inputs."""

    @property
    def metrics(self) -> Mapping[str, str]:
        """Names of the metrics shown in tables, with their labels; the last one's difference is shown.

        Of these, a task shows those that its metric gives; see `shown_metrics`.
        """

    @property
    def usual_metric(self) -> str | None:
        """The metric that a new task of this kind is scored by, if there is one for all."""

    @staticmethod
    def features() -> Any:
        """The canonical columns, as `datasets.Features`."""

    @classmethod
    def columns(cls, options: Mapping[str, Any]) -> Any:
        """The canonical columns of a task with these options, of which some may be missing yet."""

    @classmethod
    def guess_labels(cls, values: Sequence[Any], told: Mapping[str, Any]) -> LabelGuess | None:
        """What the values in a new task's column of labels look like, if that is something to be said.

        Args:
            told: The options that the user has given.
        """

    @classmethod
    def starting_options(cls, rows: Iterable[Row], told: Mapping[str, Any]) -> dict[str, Any]:
        """What the options of a new task have to say for these training rows, e.g. which labels there are.

        Args:
            told: Options that are known already.
        """

    def head(self) -> HeadSpec:
        """The head to train or to read vectors with."""

    def check(self, row: Row) -> None:
        """Raises ValueError, with the reason, for a row that this task cannot use."""

    def check_training(self, rows: Mapping[str, Iterable[Any]]) -> None:
        """Raises ValueError, with the reason, if nothing can be learnt from these training rows together.

        Args:
            rows: Column name to values.
        """

    def check_metric(self, metric: Metric) -> None:
        """Raises ValueError, with the reason, for a metric that does not score answers of this form."""

    @property
    def pools(self) -> bool:
        """Whether the rows of all languages belong together: what is found in one is searched for in all."""

    def check_encoding(self, encoding: Encoding) -> None:
        """Raises ValueError if inputs cannot be cut as `encoding` says."""

    def unlabelled(self, row: Row) -> bool:
        """Whether a row has no gold answer; some benchmarks keep those of their test data to themselves."""

    def stand_in(self, rows: Sequence[Row]) -> str | None:
        """What all rows have as gold answer if it is one and the same, as what benchmarks put in place of hidden ones.

        It follows "all N ", e.g. "labels are 'entailment'". None if answers differ, or if they can only be gold.
        """

    def without_gold(self, row: Row) -> dict[str, Any]:
        """The row as an `unlabelled` one. Only asked of kinds that have a `stand_in`."""

    def subset(self, rows: Any, size: int | None) -> Any:
        """At most `size` rows of a dataset to evaluate, always the same ones, and what is needed besides them."""

    def corruption(self, tokenizer: Any, seed: int) -> Callable[[Mapping[str, Any], int], dict[str, Any]] | None:
        """What is done to a training feature anew in each epoch: a function of feature and epoch, or nothing."""

    def group(self, row: Row) -> str:
        """Rows of equal groups stay on the same side when validation data are held out."""

    @property
    def own_text(self) -> bool:
        """Whether each language has text of its own to train on, so that nothing is translated."""

    @property
    def parallel(self) -> bool:
        """Whether rows of the same id in two languages are each other's translation, in sources that have both."""

    @property
    def untranslatable(self) -> str | None:
        """Why its rows cannot be translated, to follow "cannot be translated: "; None when they can."""

    @property
    def unscorable_in_translation(self) -> str | None:
        """Why predictions for translated test rows say nothing about the originals; None when they can be scored."""

    @property
    def translated_columns(self) -> tuple[str, ...]:
        """The columns whose texts are translated, which tell a reader of translations what they belong to."""

    def translate(self, row: Row, into: Into) -> dict[str, Any]:
        """The columns of a row that are different in another language; id and label stay.

        Raises:
            Lost: A text has no translation, or has lost what the label needs.
        """

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

        A feature's `input_ids` are one sequence of tokens, or a list of several that the head compares.

        Args:
            rows: Column name to values.
            indices: Position of each row in its dataset, stored with the features.
            labels: True for training: adds label columns and leaves out what only decoding needs.
        """

    @property
    def observes(self) -> Observes | None:
        """How the labelled vectors of training features are told apart; None where there are no such vectors."""

    def observed(self, feature: Row) -> Observed:
        """The labelled vectors of a training feature. Only asked of kinds that have some."""

    def calibrate(self, rows: Sequence[Row], features: Sequence[Row], logits: Sequence[np.ndarray]) -> dict[str, float]:
        """What `decode` has to know that is chosen on labelled validation data, e.g. a threshold; usually nothing."""

    def decode(
        self,
        rows: Sequence[Row],
        features: Sequence[Row],
        logits: Sequence[np.ndarray],
        calibration: Mapping[str, float],
    ) -> dict[str, Any]:
        """Turns the logits of all features into one prediction per row id.

        Args:
            logits: `(length, outputs)` for each feature where tokens are scored, else `(outputs,)`.
            calibration: What `calibrate` returned; empty for the kind's defaults.
        """

    def score(self, predictions: Mapping[str, Any], rows: Sequence[Row], *, metric: str, language: str) -> Scores:
        """Scores predictions as the benchmark does.

        Raises:
            DataError: A row has no prediction, or a prediction no row.
        """

    def collapse(
        self,
        rows: Sequence[Row],
        features: Sequence[Row],
        logits: Sequence[np.ndarray],
        answers: Mapping[str, Any],
    ) -> str | None:
        """What is one and the same for all rows although their gold answers are not, to follow "it gives".

        A model of which that can be said has learnt nothing, or has forgotten it, and can have a good score all the
        same. None where answers differ.

        Args:
            answers: What `decode` made of the logits.
        """

    def constant(self, rows: Sequence[Row]) -> dict[str, Any] | None:
        """The one answer that is right for most of the rows, as a prediction for each; None where nothing is."""

    def main_score(self, metrics: Mapping[str, float]) -> float:
        """The single number that this kind contributes to an average over tasks."""

    @property
    def averaged(self) -> bool:
        """Whether that number is in percent, so that an average can have it."""

    def write_predictions(self, predictions: Mapping[str, Any], path: Path) -> None:
        """Writes a file of the benchmark's submission layout."""

    def read_predictions(self, path: Path, ids: Sequence[str]) -> dict[str, Any]:
        """Reads what `write_predictions` wrote; `ids` are those of the predictions, in order."""

    def write_labels(self, rows: Sequence[Row], path: Path) -> None:
        """Writes the gold answers of `rows` in the benchmark's layout of label files."""


def shown_metrics(kind: Kind, metric: str) -> dict[str, str]:
    """Those of a kind's metrics that a metric of the registry gives, with their labels."""
    given = METRICS.get(metric).gives
    return {name: label for name, label in kind.metrics.items() if not given or name in given}


def draw(rows: Any, size: int | None) -> Any:
    """At most `size` rows of a dataset, drawn at random but always the same ones; fewer are a part of more."""
    if size is None or size >= len(rows):
        return rows
    return rows.select(drawn(len(rows), size))


def drawn(count: int, size: int) -> list[int]:
    """The places of the rows that `draw` gives, of `count` in all."""
    return sorted(np.random.default_rng(_SUBSET_SEED).permutation(count)[:size].tolist())


def paired(predictions: Mapping[str, Any], ids: Iterable[str], *, what: str, language: str) -> list[Any]:
    """The predictions in the order of `ids`, once each id has one and each prediction its id.

    Args:
        what: What an id stands for, e.g. `"question"`.

    Raises:
        DataError: Ids and predictions do not belong together.
    """
    expected = list(ids)
    for lacking, odd in (
        ("prediction", set(expected) - set(predictions)),
        (what, set(predictions) - set(expected)),
    ):
        if odd:
            raise DataError(f"{len(odd)} ids have no {lacking}, for instance {min(odd)!r} ({language}).")
    return [predictions[id_] for id_ in expected]


KINDS: Registry[type[Any]] = Registry(
    "task kind",
    modules=[
        f"tasks.{kind}"
        for kind in ("masked_lm", "multiple_choice", "pair_classification", "retrieval", "span_qa", "tagging")
    ],
)
"""Name to the class of a `Kind`, whose instances are built from a recipe's options."""
