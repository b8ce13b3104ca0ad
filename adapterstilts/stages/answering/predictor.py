"""A stage's model at work: built when it is first needed, and asked in each language in that language's way."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

import numpy as np

from adapterstilts.modeling.architecture import module_language
from adapterstilts.modeling.blocks import Block
from adapterstilts.modeling.composing import add_language_adapter, add_language_sum
from adapterstilts.modeling.lower_layers import lower_layers
from adapterstilts.modeling.precision import choose_device
from adapterstilts.modeling.storage import StoredModel
from adapterstilts.modeling.transfer_model import TransferModel
from adapterstilts.runs.specs import EvaluateSpec, MethodSpec
from adapterstilts.stages.answering.predict import predict
from adapterstilts.stages.collate import build_collator
from adapterstilts.stages.devices.group import ALONE, Group
from adapterstilts.stages.lower import FOLDER
from adapterstilts.stages.setup import Setup
from adapterstilts.tasks.kind import Kind

if TYPE_CHECKING:
    from datasets import Dataset

Track = Callable[..., Iterable[Any]]

_AS_IT_IS = MethodSpec(name="head")


@dataclass(frozen=True)
class _Question:
    """What is asked of all processes.

    Attributes:
        language: Of the rows, whose language adapter is used.
        spoken: That of the backbone's module, where it has several.
    """

    features: Dataset
    language: str
    spoken: str


class Predictor:
    """What an evaluation asks its model.

    Args:
        kind: The kind of the task.
        track: Shows progress over batches.
        group: Processes that share the batches: in the leader the methods are called, and the others `help`.

    Attributes:
        attention: Language to layer to adapter to its share: what AdapterFusion looked at.
    """

    def __init__(self, spec: EvaluateSpec, setup: Setup, kind: Kind, *, track: Track, group: Group = ALONE) -> None:
        self.spec = spec
        self.setup = setup
        self.kind = kind
        self.track = track
        self.group = group
        self._at_work = False
        self.attention: dict[str, dict[str, dict[str, float]]] = {}
        self.run = setup.store.need(spec.inputs[0]) if spec.inputs else None
        self._language_blocks: dict[str, Block] = {}  # by the language that is scored

    @property
    def head(self) -> str:
        """The name of the head to predict with: the task that it was trained for, or this one where none was."""
        return self.run.training.task if self.run and self.kind.trained else self.spec.task

    @property
    def calibration(self) -> Mapping[str, float] | None:
        """What was chosen in training to decode with; None where nothing is trained."""
        if self.run is None or not self.kind.trained:
            return None
        found = self.run.metrics.get("calibration", {})
        return found.get(self.head, {}) if len(self.run.training.tasks) > 1 else found

    @property
    def parameters(self) -> dict[str, int]:
        """Number of `trained` and of all (`total`) parameters."""
        return self.model.parameter_counts()

    @property
    def told(self) -> dict[str, Any]:
        """What its run's metrics say of it beside its size."""
        return {}

    @cached_property
    def model(self) -> TransferModel:
        """The model with the head to predict with."""
        backbone, precision = self.setup.backbone, self.spec.precision
        if self.run is None:
            # Whatever method the other rows are of: the key of this run does not hold it.
            model = TransferModel(backbone, method=_AS_IT_IS, precision=precision)
        else:
            model = StoredModel.read(self.run.folder).restore(backbone, precision=precision, heads=self.kind.trained)
            self._add_languages(model)
        self._add_head(model)
        if self.run and self.run.training.frozen_once:
            model.settle_below(lower_layers(model))
        return model.to(choose_device(self.setup.device))

    def _add_head(self, model: TransferModel) -> None:
        """Gives the model a head where it was trained without one."""
        if not self.kind.trained:
            model.add_head(self.head, self.kind.head())

    def _add_languages(self, model: TransferModel) -> None:
        """Puts the language adapters of all runs into the model, one of which it has been trained over."""
        trained = self.run.training if self.run else None
        if trained is None or trained.language_adapter is None:
            return
        spec, loaded = self.spec, {trained.language_adapter: model.blocks[0]}
        summed = [key for weights in spec.language_sums.values() for key in weights]
        for key in (*spec.language_adapters.values(), *summed):
            run = self.setup.store.of_key(key)
            if run is not None and key not in loaded:
                stored = StoredModel.read(run.folder)
                loaded[key] = add_language_adapter(model, stored, drop=trained.language_adapter_drop)
        for language, key in spec.language_adapters.items():
            if key in loaded:
                self._language_blocks[language] = loaded[key]
        for language, weights in spec.language_sums.items():
            # In an order of its own: that of JSON is not in the key, and sums of floats depend on it.
            parts = [(weight, loaded[key]) for key, weight in sorted(weights.items())]
            self._language_blocks[language] = add_language_sum(model, f"sum_for_{language}", parts)

    @cached_property
    def _collator(self) -> Any:
        return build_collator(self.setup, self.spec.encoding.max_length).for_prediction()

    def logits(self, features: Dataset, rows: Dataset, language: str) -> list[np.ndarray]:
        """The head's output for every feature of a language's rows, in their order."""
        found: list[Any] = [None] * len(features)
        for spoken, indices in self._by_module(features, rows, language).items():
            question = _Question(features.select(indices), language, spoken)
            self._at_work = True
            self.group.from_leader(partial(_same, question))
            logits = self._answer(question)
            self._at_work = False
            for index, values in zip(indices, logits, strict=True):
                found[index] = values
        for block in self.model.blocks:
            if block.kind == "fuse":
                self.attention.setdefault(language, self.model.fusion_attention.take(block.names))
        return found

    def _answer(self, question: _Question) -> list[np.ndarray]:
        """The logits, and in the model what it looked at, as if the leader had computed all of them."""
        model = self.model
        if self.spec.language_adapters or self.spec.language_sums:
            model.use_language_adapter(self._language_blocks.get(question.language))
        model.use_language_module(question.spoken)
        track = partial(self.track, label=f"{self.spec.task} {question.language}")
        before = model.fusion_attention.pop()
        logits = predict(
            model,
            question.features,
            task=self.head,
            collator=self._collator,
            track=track,
            group=self.group,
            states=self.setup.store.cache / FOLDER,
        )
        shares = self.group.to_leader(model.fusion_attention.pop())
        # Batch by batch in their order, as they were dealt out.
        model.fusion_attention.put([*before, *(one for turn in zip_longest(*shares) for one in turn if one)])
        return logits

    @contextmanager
    def asking(self) -> Iterator[None]:
        """While it lasts, the other processes of the group help."""
        try:
            yield
        except Exception as error:
            if not self._at_work:  # else they are not listening
                self.group.from_leader(partial(_raise, error))
            raise
        self.group.from_leader(partial(_same, None))

    def help(self) -> None:
        """Computes a share of what the leader asks, until it has no more questions.

        Raises:
            Exception: What has ended its evaluation.
        """
        while (question := self.group.from_leader(partial(_same, None))) is not None:
            self._answer(question)

    def _by_module(self, features: Dataset, rows: Dataset, language: str) -> Mapping[str, Sequence[int]]:
        """The features of each language that X-MOD has a module for; with other backbones, all of them together."""
        if module_language(self.model.config, language) is None:
            return {language: range(len(features))}
        spoken, groups = rows["language"][:], defaultdict[str, list[int]](list)
        for index, row in enumerate(features["row"][:]):
            groups[spoken[row]].append(index)
        return groups


def _same(question: _Question | None) -> _Question | None:
    return question


def _raise(error: Exception) -> None:
    raise error
