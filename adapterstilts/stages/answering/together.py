"""Several trained models that answer together: what arrives at one time is one batch, also where it is for several."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from adapterstilts.data.batching import Batch
from adapterstilts.modeling.shared_batch import SharedBatch, scores_of, shared_form
from adapterstilts.stages.answering.answerer import Answerer, inputs_of
from adapterstilts.stages.probes import probe_rows
from adapterstilts.tasks.explained import Result, Said, explained
from adapterstilts.tasks.kind import Row

Asked = tuple[str, Sequence[Row]]
"""The name of a model, and rows for it."""


@dataclass(frozen=True)
class Answered:
    """What is said to the rows of one that asked.

    Attributes:
        cut: Rows of which the model has read the beginning only.
    """

    results: list[Result]
    cut: list[int]


@dataclass(frozen=True)
class _Feature:
    """One feature of one model that waits for its scores.

    Attributes:
        inputs: Its columns that the model reads.
        width: Tokens that its sequences are padded to.
    """

    model: str
    place: int
    inputs: Row
    length: int
    sequences: int
    width: int


@dataclass
class Together:
    """Models by name, and which of them share batches."""

    answerers: dict[str, Answerer] = field(default_factory=dict)
    _shared: dict[str, SharedBatch] = field(default_factory=dict)
    _by_form: dict[Any, list[SharedBatch]] = field(default_factory=dict)

    def add(self, name: str, answerer: Answerer, columns: Sequence[str]) -> None:
        """Adds a model, to the batches of others where it gives the same scores there.

        Args:
            columns: The canonical columns that it reads.
        """
        self.answerers[name] = answerer
        if answerer.alone or (form := shared_form(answerer.model)) is None:
            return
        examples = answerer.examples(probe_rows(list(columns)))
        for shared in self._by_form.setdefault(form, []):
            if shared.add(name, answerer.model, answerer.head, examples):
                self._shared[name] = shared
                return
        shared = SharedBatch(answerer.model)
        if shared.add(name, answerer.model, answerer.head, examples):
            self._by_form[form].append(shared)
            self._shared[name] = shared

    def sharing(self, name: str) -> list[str]:
        """The other models whose texts can be in one batch with those of a model."""
        shared = self._shared.get(name)
        return [one for one in shared.names if one != name] if shared else []

    def answer(self, asked: Sequence[Asked]) -> list[Answered]:
        """A result for each row of each that is asked; to the last bit those that `Answerer.answer` gives to it alone.

        Args:
            asked: Each row has an `id`, which others may have too.
        """
        rows: dict[str, list[Row]] = {}
        places = []
        for name, given in asked:
            own = rows.setdefault(name, [])
            places.append(range(len(own), len(own) + len(given)))
            own += [{**row, "id": str(len(own) + number)} for number, row in enumerate(given)]
        rows = {name: own for name, own in rows.items() if own}
        features = {name: self.answerers[name].features(own) for name, own in rows.items()}
        scores = self._scores(features)
        results: dict[str, list[Result]] = {}
        cut: dict[str, set[int]] = {}
        for name, own in rows.items():
            one = self.answerers[name]
            said = Said(one.kind, own, features[name], scores[name], one.calibration, one.temperature)
            results[name], cut[name] = explained(said), set(one.cut(said))
        return [
            Answered(
                [results[name][place] for place in these],
                [number for number, place in enumerate(these) if place in cut[name]],
            )
            for (name, _), these in zip(asked, places, strict=True)
        ]

    def _scores(self, features: dict[str, list[Row]]) -> dict[str, list[np.ndarray]]:
        found: dict[str, dict[int, np.ndarray]] = {name: {} for name in features}
        waiting: dict[Any, list[_Feature]] = {}
        for name, own in features.items():
            for one in _features_of(name, own, self.answerers[name]):
                group = self._shared.get(name) or name
                waiting.setdefault((id(group) if type(group) is SharedBatch else group, one.width), []).append(one)
        for these in waiting.values():
            for batch in self._batches(these):
                for feature, values in zip(batch, self._run(batch), strict=True):
                    found[feature.model][feature.place] = values[: feature.length] if values.ndim > 1 else values
        return {name: [own[place] for place in range(len(own))] for name, own in found.items()}

    def _batches(self, waiting: Sequence[_Feature]) -> Iterator[list[_Feature]]:
        """Features of one width in batches of as many tokens as fit; those of one model follow each other."""
        batch: list[_Feature] = []
        tokens = 0
        for one in sorted(waiting, key=lambda feature: feature.model):
            added = one.width * one.sequences
            if batch and tokens + added > self.answerers[one.model].batching.tokens_per_batch:
                yield batch
                batch, tokens = [], 0
            batch.append(one)
            tokens += added
        yield batch

    def _run(self, batch: Sequence[_Feature]) -> Iterator[np.ndarray]:
        names = list(dict.fromkeys(one.model for one in batch))
        parts: list[tuple[str, Batch]] = [
            (name, self.answerers[name].collator.pad([one.inputs for one in batch if one.model == name]))
            for name in names
        ]
        if len(parts) > 1:
            scores = self._shared[names[0]].scores(parts)
        else:
            ((name, given),) = parts
            scores = [scores_of(self.answerers[name].model, self.answerers[name].head, given)]
        for one in scores:
            yield from one.float().cpu().numpy()


def _features_of(name: str, features: Sequence[Row], answerer: Answerer) -> Iterator[_Feature]:
    for place, one in enumerate(features):
        width = answerer.collator.width(one["length"])
        yield _Feature(name, place, inputs_of(one), one["length"], one["sequences"], width)
