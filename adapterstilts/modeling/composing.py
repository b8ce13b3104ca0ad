"""Building the model that a training stage begins with, from the models of the runs that it starts from."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

import torch

from adapterstilts.modeling.backbone import Backbone
from adapterstilts.modeling.blocks import AdapterDescription, Block
from adapterstilts.modeling.compatibility import another_language_adapter, check_composition, check_head
from adapterstilts.modeling.compositions import MEAN, becomes_backbone, composition_options, goes_above
from adapterstilts.modeling.methods import METHODS, trains_backbone
from adapterstilts.modeling.outline import adopted, language_block
from adapterstilts.modeling.storage import WEIGHTS, StoredModel, read_tensors
from adapterstilts.modeling.thinned_backbones import thinned_backbones
from adapterstilts.modeling.transfer_model import MERGED, TransferModel
from adapterstilts.runs.specs import MethodSpec, TrainSpec
from adapterstilts.tasks.kind import HeadSpec

# The role of the adapter that a phase trains, however earlier ones enter it.
_NEW_ADAPTER = "adapter"
_BACKBONE = "backbone."


@contextmanager
def drawn(seed: int, role: str) -> Iterator[None]:
    """While it lasts, random numbers depend on seed and role alone, and not on what was drawn before.

    So rows that are compared begin with the same weights wherever they have weights in the same role.
    """
    number = int.from_bytes(hashlib.sha256(f"{seed} {role}".encode()).digest()[:8], "big", signed=True)
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(number)
        yield


def first_seed(spec: TrainSpec) -> int:
    """The seed that a stage's new weights are drawn with."""
    return spec.seed if spec.first_weights is None else spec.first_weights


@dataclass(frozen=True)
class Start:
    """What a training phase is built from.

    Attributes:
        sources: The intermediate models.
        language: The model with the language adapter that lies below all others.
        options: Those of the composition.
        first_phase: The model of full fine-tuning whose largest changes say which weights are trained.
    """

    spec: TrainSpec
    backbone: Backbone
    sources: Sequence[StoredModel]
    language: StoredModel | None
    options: Any
    first_phase: StoredModel | None = None

    def drawn(self, role: str) -> AbstractContextManager[None]:
        """While it lasts, new weights are drawn as for every stage of this seed that has some in this role."""
        return drawn(first_seed(self.spec), role)

    def new_adapter(self, model: TransferModel) -> str:
        """Adds the adapter of the new phase above what is there, and returns its name."""
        with self.drawn(_NEW_ADAPTER):
            name = model.add_adapter(self.spec.task, self.spec.method)
        if self.first_phase is not None:
            tensors = read_tensors(self.first_phase.folder / WEIGHTS).items()
            trained = {path.removeprefix(_BACKBONE): one for path, one in tensors if path.startswith(_BACKBONE)}
            METHODS.get(self.spec.method.name).library.choose(model.backbone, name, trained)
        return name

    @property
    def merges(self) -> bool:
        """Whether what the sources bring becomes part of the backbone, because `peft` has no stack."""
        return becomes_backbone(self.spec, self.options)

    def new_model(self) -> TransferModel:
        """The pretrained backbone, with the language adapter if there is one."""
        model = TransferModel(
            self.backbone, method=self.spec.method, precision=self.spec.precision, own_backbone=self.merges
        )
        self.add_language(model)
        return model

    def restored(self) -> TransferModel:
        """The model of the only source; its heads are kept where one is going to be reused."""
        (source,) = self.sources
        # A source that was itself trained over the language adapter brings it along.
        if self.language is None or any(block.language for block in source.description.blocks):
            model = source.restore(
                self.backbone,
                precision=self.spec.precision,
                heads=self.spec.head == "reuse",
                to_change=self.merges or trains_backbone(self.spec.method),
            )
            model.method = self.spec.method
            if self.language is not None:
                _check_same_language(model, source, self.language)
            return model
        model = self.new_model()
        model.place(Block(kind="adapter", adapters=tuple(_adopted(model, self.sources))))
        if self.spec.head == "reuse":
            for task, head in source.description.heads.items():
                model.add_head(task, head.spec())
            tensors = read_tensors(source.folder / WEIGHTS)
            model.load({name: tensor for name, tensor in tensors.items() if name.startswith("heads.")})
        return model

    def add_language(self, model: TransferModel) -> None:
        """Lays the language adapter below what is going to be added."""
        if self.language is not None:
            drop = self.spec.language_adapter_drop
            model.place(add_language_adapter(model, self.language, drop=drop))


def _check_same_language(model: TransferModel, source: StoredModel, language: StoredModel) -> None:
    """Refuses a model that brings along another language adapter than its stage's spec, and so its key, says.

    Raises:
        CompatibilityError: A weight differs.
    """
    mine, theirs = dict(model.stored()), read_tensors(language.folder / WEIGHTS)
    (adapter,) = next(block.adapters for block in model.blocks if block.language)
    ((one,),) = (block.adapters for block in language.description.blocks)
    for path, name in model.adapter_paths(adapter, called=one.name).items():
        if name not in theirs or not torch.equal(mine[path], theirs[name].to(mine[path])):
            raise another_language_adapter(source, language)


def _none(start: Start) -> TransferModel:
    model = start.new_model()
    if METHODS.get(start.spec.method.name).adds_adapter:
        model.train_adapter(start.new_adapter(model))
    model.train_backbone()
    return model


def _continue(start: Start) -> TransferModel:
    model = start.restored()
    return train_last(model)


def train_last(model: TransferModel) -> TransferModel:
    """Makes what was put in last trainable: what a stage trains, and what an earlier phase trained last."""
    if model.blocks and not model.blocks[-1].language:
        last = model.blocks[-1]
        if last.kind == "fuse":
            model.train_fusion(last.names)
            for name in last.learning:
                model.train_adapter(name)
        else:
            model.train_adapter(last.names[-1])
    model.train_backbone()
    return model


def _stack(start: Start) -> TransferModel:
    return _train_above(start.restored(), start)


def _train_above(model: TransferModel, start: Start) -> TransferModel:
    """Adds a new adapter above frozen ones, or on a backbone that an earlier phase has trained."""
    if start.merges and model.blocks:
        model.merge_last()
    model.train_adapter(start.new_adapter(model))
    model.train_backbone()
    return model


def _fuse(start: Start) -> TransferModel:
    model = start.new_model()
    adapters = _adopted(model, start.sources)
    new = None
    if start.options.target == "one-step":
        new = AdapterDescription(name=model.fresh_name(f"{start.spec.task}_new"), method=start.spec.method)
        with start.drawn(_NEW_ADAPTER):
            model.load_adapter(new)
        adapters.append(new)
    with start.drawn("fusion"):
        model.place(Block(kind="fuse", adapters=tuple(adapters), learning=(new.name,) if new else ()))
    return train_last(model)


def _average(start: Start) -> TransferModel:
    model = start.new_model()
    adapters = _adopted(model, start.sources)
    model.place(Block(kind="average", adapters=tuple(adapters), weights=start.options.weights))
    return _train_above(model, start)


def _add(start: Start) -> TransferModel:
    """The sum of earlier differences, and above it another one, or in its first phase all of the backbone."""
    model = start.new_model()
    adapters = _adopted(model, start.sources)
    for adapter in adapters:
        model.place(Block(kind="adapter", adapters=(adapter,)))
    if METHODS.get(start.spec.method.name).adds_adapter:
        return _train_above(model, start)
    METHODS.get(adapters[0].method.name).library.merge_into_backbone(model.backbone)
    model.blocks.clear()
    model.train_backbone()
    return model


def _merge(start: Start) -> TransferModel:
    method = METHODS.get(start.spec.method.name)
    if not method.adds_adapter:
        return _merged_backbones(start)
    model = start.new_model()
    adapters = _adopted(model, start.sources)
    name, described = model.fresh_name("merged"), start.spec.method
    options = start.options
    if options.kind == "svd" and options.rank is None:
        options = options.model_copy(update={"rank": method.resolve(described.options)["r"]})
    with start.drawn("merge"):  # dare_* keeps random values
        method.library.merge(model.backbone, name, [one.name for one in adapters], method, options)
    described = MethodSpec(**method.library.merged_method(method, described.options, options.rank))
    model.place(Block(kind="adapter", adapters=(AdapterDescription(name=name, method=described),)))
    return _train_above(model, start) if goes_above(start.spec, options) else train_last(model)


def _merged_backbones(start: Start) -> TransferModel:
    """Sums weights that were fine-tuned from the same start."""
    model = start.new_model()
    total: dict[str, torch.Tensor] = {}
    begun = dict(model.named_parameters())
    if start.options.density is not None:
        files = [source.folder / WEIGHTS for source in start.sources]
        model.load(thinned_backbones(begun, files, start.options, start.drawn))
        model.train_backbone()
        return model
    for source, weight in zip(start.sources, start.options.weights, strict=True):
        for name, tensor in read_tensors(source.folder / WEIGHTS).items():
            if name.startswith(_BACKBONE):
                change = weight * (tensor.float() - begun[name].float())
                total[name] = total.get(name, begun[name].detach().float() * 1.0) + change
    if start.options.kind == "linear":  # the sum of the weights themselves, which need not have the start in it once
        rest = sum(start.options.weights) - 1
        total = {name: tensor + rest * begun[name].detach().float() for name, tensor in total.items()}
    model.load(total)
    model.train_backbone()
    return model


def _mean(start: Start) -> TransferModel:
    """Averages the weights of runs that have begun with the same ones, heads included (Schmidt et al. 2023)."""
    first = start.sources[0]
    changes = trains_backbone(start.spec.method)
    model = first.restore(start.backbone, precision=start.spec.precision, to_change=changes)
    mean: dict[str, torch.Tensor] = {}
    for number, source in enumerate(start.sources, 1):
        for name, tensor in read_tensors(source.folder / WEIGHTS).items():
            if not name.startswith(MERGED):  # what lies in the backbone is the same in all of them
                one = mean.setdefault(name, torch.zeros_like(tensor, dtype=torch.float32))
                one += (tensor.float() - one) / number
    model.load(mean)
    return train_last(model)


def _adopted(model: TransferModel, sources: Sequence[StoredModel]) -> list[AdapterDescription]:
    """Loads the only adapter of each source, in use nowhere yet."""
    described = adopted(sources, model.adapter_names)
    for source, adapter in zip(sources, described, strict=True):
        ((one,),) = (block.adapters for block in source.description.blocks)
        source.give_adapter(one.name, model, adapter)
    return described


def add_language_adapter(model: TransferModel, stored: StoredModel, *, drop: int) -> Block:
    """Loads a language adapter that is not in use yet, without the last `drop` layers of the backbone."""
    block = language_block(stored, drop=drop, taken=model.adapter_names)
    (described,) = block.adapters
    ((one,),) = (other.adapters for other in stored.description.blocks)
    stored.give_adapter(one.name, model, described)
    return block


def add_language_sum(model: TransferModel, name: str, parts: Sequence[tuple[float, Block]]) -> Block:
    """Adds up language adapters that are in a model, weight by weight, to one that is not in use yet.

    As in language arithmetic (Klimaszewski et al. 2024), without any training.

    Args:
        name: Free in the model.
        parts: Weights, and what `add_language_adapter` gave, or the one that the model was trained over.
    """
    weights = {block.names[0]: weight for weight, block in parts}
    described = parts[0][1].adapters[0].model_copy(update={"name": name})
    METHODS.get(described.method.name).library.add_sum(model.backbone, name, weights)
    return Block(kind="adapter", adapters=(described,), language=True)


BUILDERS: dict[str, Callable[[Start], TransferModel]] = {
    "none": _none,
    "continue": _continue,
    "stack": _stack,
    "fuse": _fuse,
    "average": _average,
    "add": _add,
    "merge": _merge,
    MEAN: _mean,
}
"""Composition to what it makes: a model whose trainable weights are chosen, heads aside."""


def start_model(
    spec: TrainSpec,
    backbone: Backbone,
    sources: Sequence[StoredModel],
    *,
    heads: Mapping[str, HeadSpec],
    source_task: str | None,
    language: StoredModel | None = None,
    first_phase: StoredModel | None = None,
) -> TransferModel:
    """The model with which a training stage begins: composed, with one head for each task, everything else frozen.

    Args:
        heads: Task to the head that its kind needs.
        source_task: Task of the intermediate run, whose head `spec.head == "reuse"` goes on with.
        language: The model with the language adapter below all others.
        first_phase: The model of the stage's first phase, where its method has one.

    Raises:
        UsageError, CompatibilityError: As `check_composition` and `check_head`.
    """
    check_composition(spec.composition, spec.method, sources, head=spec.head)
    options = composition_options(spec.composition, len(sources))
    model = BUILDERS[spec.composition.name](Start(spec, backbone, sources, language, options, first_phase))
    if spec.head == "reuse" and source_task is not None:
        ((task, head),) = heads.items()
        check_head(sources[0], head, source_task)
        model.drop_heads(keep=source_task)
        if source_task != task:
            model.rename_head(source_task, task)
    else:
        model.drop_heads(keep=None)
        for task, head in heads.items():
            with drawn(first_seed(spec), f"head of {task}"):
                model.add_head(task, head)
    for task in heads:
        model.train_head(task)
    return model
