"""A stage's model at work: built when it is first needed, and asked in each language in that language's way."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import numpy as np

from adapterstilts.modeling.architecture import module_language
from adapterstilts.modeling.blocks import Block
from adapterstilts.modeling.composing import add_language_adapter
from adapterstilts.modeling.precision import choose_device
from adapterstilts.modeling.storage import StoredModel
from adapterstilts.modeling.transfer_model import TransferModel
from adapterstilts.runs.specs import EvaluateSpec, MethodSpec
from adapterstilts.stages.collate import build_collator
from adapterstilts.stages.predict import predict
from adapterstilts.stages.setup import Setup
from adapterstilts.tasks.kind import Kind

if TYPE_CHECKING:
    from datasets import Dataset

Track = Callable[..., Iterable[Any]]

_AS_IT_IS = MethodSpec(name="head")


class Predictor:
    """What an evaluation asks its model.

    Args:
        kind: The kind of the task.
        track: Shows progress over batches.

    Attributes:
        attention: Language to layer to adapter to its share: what AdapterFusion looked at.
    """

    def __init__(self, spec: EvaluateSpec, setup: Setup, kind: Kind, *, track: Track) -> None:
        self.spec = spec
        self.setup = setup
        self.kind = kind
        self.track = track
        self.attention: dict[str, dict[str, dict[str, float]]] = {}
        self.run = setup.store.need(spec.inputs[0]) if spec.inputs else None
        self._language_blocks: dict[str, Block] = {}

    @property
    def head(self) -> str:
        """The name of the head to predict with: the task that it was trained for, or this one where none was."""
        return self.run.training.task if self.run and self.kind.trained else self.spec.task

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
        if not self.kind.trained:
            model.add_head(self.head, self.kind.head())
        return model.to(choose_device(self.setup.device))

    def _add_languages(self, model: TransferModel) -> None:
        """Puts the language adapters of all runs into the model, one of which it has been trained over."""
        trained = self.run.training if self.run else None
        if trained is None or trained.language_adapter is None:
            return
        self._language_blocks[trained.language_adapter] = model.blocks[0]
        for key in self.spec.language_adapters.values():
            run = self.setup.store.of_key(key)
            if run is not None and key not in self._language_blocks:
                stored = StoredModel.read(run.folder)
                self._language_blocks[key] = add_language_adapter(model, stored, drop=trained.language_adapter_drop)

    @cached_property
    def _collator(self) -> Any:
        return build_collator(self.setup, self.spec.encoding.max_length).for_prediction()

    def logits(self, features: Dataset, rows: Dataset, language: str) -> list[np.ndarray]:
        """The head's output for every feature of a language's rows, in their order."""
        track = partial(self.track, label=f"{self.spec.task} {language}")
        model = self.model
        if self.spec.language_adapters:
            model.use_language_adapter(self._language_blocks.get(self.spec.language_adapters[language]))
        found: list[Any] = [None] * len(features)
        for spoken, indices in self._by_module(features, rows, language).items():
            model.use_language_module(spoken)
            part = features.select(indices)
            logits = predict(model, part, task=self.head, collator=self._collator, track=track)
            for index, values in zip(indices, logits, strict=True):
                found[index] = values
        for block in model.blocks:
            if block.kind == "fuse":
                self.attention.setdefault(language, model.fusion_attention.take(block.names))
        return found

    def _by_module(self, features: Dataset, rows: Dataset, language: str) -> Mapping[str, Sequence[int]]:
        """The features of each language that X-MOD has a module for; with other backbones, all of them together."""
        if module_language(self.model.config, language) is None:
            return {language: range(len(features))}
        spoken, groups = rows["language"][:], defaultdict[str, list[int]](list)
        for index, row in enumerate(features["row"][:]):
            groups[spoken[row]].append(index)
        return groups
