"""A trained model that answers rows of anyone's: without gold answers, as many at a time as it is given."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from adapterstilts.data.batching import Batch, Collator, model_inputs
from adapterstilts.data.features import encode_now
from adapterstilts.modeling.architecture import has_experts
from adapterstilts.modeling.shared_batch import scores_of
from adapterstilts.modeling.transfer_model import TransferModel
from adapterstilts.settings import Encoding
from adapterstilts.stages.answering.predict import Track, in_batches
from adapterstilts.tasks.explained import Result, Said, explained
from adapterstilts.tasks.kind import Kind, Row

_READ_AT_ONCE = ("classification", "multi_label", "regression", "choice")
_ALL = 10**7


@dataclass
class Answerer:
    """A model with the head that answers.

    Attributes:
        head: Name of the head.
        collator: That of prediction.
        calibration: What decoding has to know, as training has found it.
        temperature: What scores are divided by before they become probabilities.
    """

    model: TransferModel
    kind: Kind
    encoding: Encoding
    collator: Collator
    head: str
    calibration: Mapping[str, float] = field(default_factory=dict)
    temperature: float = 1.0

    def __post_init__(self) -> None:
        self.model.eval()

    def answer(self, rows: Sequence[Row], *, track: Track | None = None) -> list[Result]:
        """A result for each row, in order; see `tasks.explained`.

        Args:
            rows: With the columns that the kind reads, and an `id` each.
            track: Wraps the iterable of batches, to show progress.
        """
        return explained(self.said(rows, track=track)) if rows else []

    def examples(self, rows: Sequence[Row]) -> list[Batch]:
        """Batches of one feature each, of some rows."""
        return [self.collator.pad([inputs_of(one)]) for one in self.features(rows)]

    @property
    def alone(self) -> bool:
        """Whether each feature is a batch of its own: where experts are chosen for tokens, batches change scores."""
        return has_experts(self.model.config)

    def features(self, rows: Sequence[Row]) -> list[Row]:
        """What the model reads of some rows."""
        tokenizer = self.model.pretrained.tokenizer()
        return encode_now(_columns_alike(rows), kind=self.kind, tokenizer=tokenizer, encoding=self.encoding)

    def said(
        self, rows: Sequence[Row], *, track: Track | None = None, run: Callable[[Batch], np.ndarray] | None = None
    ) -> Said:
        """What the model says to some rows; on a CPU to the last bit what it says to each of them alone.

        Args:
            run: What gives the scores of a batch in the model's place.
        """
        features = self.features(rows)
        lengths, sequences = ([one[name] for one in features] for name in ("length", "sequences"))

        def inputs(places: list[int]) -> list[Row]:
            return [inputs_of(features[place]) for place in places]

        own = partial(scores_of, self.model, self.head)
        logits = in_batches(run or own, inputs, lengths, sequences, collator=self.batching, track=track)
        return Said(self.kind, rows, features, logits, self.calibration, self.temperature)

    def cut(self, said: Said) -> list[int]:
        """Rows of which the model has read the beginning only, because it reads no more tokens at once.

        Of long contexts and sentences it reads one window after the other.
        """
        if self.kind.head().name not in _READ_AT_ONCE:
            return []
        full = [one["row"] for one in said.features if one["length"] >= self.encoding.max_length]
        if not full:
            return []
        whole = self.encoding.model_copy(update={"max_length": _ALL})
        rows = [said.rows[row] for row in full]
        found = encode_now(
            _columns_alike(rows), kind=self.kind, tokenizer=self.model.pretrained.tokenizer(), encoding=whole
        )
        return [row for row, one in zip(full, found, strict=True) if one["length"] > self.encoding.max_length]

    @property
    def batching(self) -> Collator:
        """How features become batches."""
        if not self.alone:
            return self.collator
        return Collator(pad_id=self.collator.pad_id, tokens_per_batch=1, max_length=self.collator.max_length)


def inputs_of(feature: Row) -> Row:
    """The columns of a feature that the model reads."""
    return {name: feature[name] for name in model_inputs(list(feature))}


def _columns_alike(rows: Sequence[Row]) -> Sequence[dict[str, Any]]:
    """The rows with the columns that all of them have: a sentence can be a text here and a list of words there."""
    names = set.intersection(*(set(row) for row in rows))
    return [{name: row[name] for name in rows[0] if name in names} for row in rows]
