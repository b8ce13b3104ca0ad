"""Compositions: how the weights of the intermediate phase enter the target phase."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch

from adapterstilts.errors import UsageError
from adapterstilts.modeling.backbone import Backbone
from adapterstilts.modeling.blocks import AdapterDescription, Block, MergeOptions
from adapterstilts.modeling.methods import METHODS
from adapterstilts.modeling.storage import WEIGHTS, StoredModel, read_tensors
from adapterstilts.modeling.transfer_model import TransferModel, trains_backbone
from adapterstilts.registry import Registry
from adapterstilts.runs.specs import Choice, MethodSpec, TrainSpec
from adapterstilts.settings import Strict, validate


class FuseOptions(Strict):
    """Which adapters AdapterFusion is laid over (Pfeiffer et al. 2021).

    Attributes:
        target: `none`: the intermediate ones; `two-step`: and one trained for the target before, as published;
            `one-step`: and a new one that is trained with the fusion.
    """

    target: Literal["none", "two-step", "one-step"] = "none"


class AverageOptions(Strict):
    """How the outputs of intermediate adapters are averaged.

    Attributes:
        weights: One for each source; by default all are equal and sum up to one.
    """

    weights: tuple[float, ...] = ()


@dataclass(frozen=True)
class Start:
    """What a training phase is built from.

    Attributes:
        sources: The intermediate models.
        language: The model with the language adapter that lies below all others.
        options: Those of the composition.
    """

    spec: TrainSpec
    backbone: Backbone
    sources: Sequence[StoredModel]
    language: StoredModel | None
    options: Any

    @property
    def above(self) -> bool:
        """Whether a new adapter goes above what the sources bring."""
        if self.spec.composition.name != "merge":
            return self.spec.composition.name in ("stack", "average")
        offered = METHODS.get(self.spec.method.name).compositions
        return (self.options.then or next(one for one in offered if one in ("stack", "continue"))) == "stack"

    @property
    def merges(self) -> bool:
        """Whether what the sources bring becomes part of the backbone, because `peft` has no stack."""
        return self.above and METHODS.get(self.spec.method.name).library_name == "peft"

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


@dataclass(frozen=True)
class Composition:
    """One way of starting a training phase.

    Attributes:
        sources: The least number of intermediate runs.
        many: Whether it takes more of them.
        options: What can be chosen about it.
        build: What it makes: a model whose trainable weights are chosen, heads aside.
    """

    name: str
    summary: str
    sources: int
    build: Callable[[Start], TransferModel]
    many: bool = False
    options: type[Strict] | None = None


COMPOSITIONS: Registry[Composition] = Registry("composition")


def _none(start: Start) -> TransferModel:
    model = start.new_model()
    if METHODS.get(start.spec.method.name).adds_adapter:
        model.train_adapter(model.add_adapter(start.spec.task, start.spec.method))
    model.train_backbone()
    return model


def _continue(start: Start) -> TransferModel:
    model = start.restored()
    return _train_last(model)


def _train_last(model: TransferModel) -> TransferModel:
    """Trains what an earlier phase trained last."""
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
    """Adds a new adapter above frozen ones."""
    if start.merges:
        model.merge_last()
    model.train_adapter(model.add_adapter(start.spec.task, start.spec.method))
    model.train_backbone()
    return model


def _fuse(start: Start) -> TransferModel:
    model = start.new_model()
    adapters = _adopted(model, start.sources)
    new = None
    if start.options.target == "one-step":
        new = AdapterDescription(name=model.fresh_name(f"{start.spec.task}_new"), method=start.spec.method)
        model.load_adapter(new)
        adapters.append(new)
    model.place(Block(kind="fuse", adapters=tuple(adapters), learning=(new.name,) if new else ()))
    return _train_last(model)


def _average(start: Start) -> TransferModel:
    model = start.new_model()
    adapters = _adopted(model, start.sources)
    model.place(Block(kind="average", adapters=tuple(adapters), weights=start.options.weights))
    return _train_above(model, start)


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
    method.library.merge(model.backbone, name, [one.name for one in adapters], method, options)
    described = MethodSpec(**method.library.merged_method(method, described.options, options.rank))
    model.place(Block(kind="adapter", adapters=(AdapterDescription(name=name, method=described),)))
    return _train_above(model, start) if start.above else _train_last(model)


def _merged_backbones(start: Start) -> TransferModel:
    """Sums weights that were fine-tuned from the same start."""
    model = start.new_model()
    total: dict[str, torch.Tensor] = {}
    begun = dict(model.named_parameters())
    for source, weight in zip(start.sources, start.options.weights, strict=True):
        for name, tensor in read_tensors(source.folder / WEIGHTS).items():
            if name.startswith("backbone."):
                change = weight * (tensor.float() - begun[name].float())
                total[name] = total.get(name, begun[name].detach().float() * 1.0) + change
    if start.options.kind == "linear":  # the sum of the weights themselves, which need not have the start in it once
        rest = sum(start.options.weights) - 1
        total = {name: tensor + rest * begun[name].detach().float() for name, tensor in total.items()}
    model.load(total)
    model.train_backbone()
    return model


def _adopted(model: TransferModel, sources: Sequence[StoredModel]) -> list[AdapterDescription]:
    """Loads the only adapter of each source, in use nowhere yet."""
    adopted: list[AdapterDescription] = []
    for source in sources:
        (block,) = source.description.blocks
        (adapter,) = block.adapters
        taken = [*model.adapter_names, *(one.name for one in adopted)]
        name = adapter.name if adapter.name not in taken else f"{adapter.name}_{len(taken) + 1}"
        described = adapter.model_copy(update={"name": name})
        source.give_adapter(adapter.name, model, described)
        adopted.append(described)
    return adopted


def add_language_adapter(model: TransferModel, stored: StoredModel, *, drop: int) -> Block:
    """Loads a language adapter that is not in use yet, without the last `drop` layers of the backbone."""
    (block,) = stored.description.blocks
    (adapter,) = block.adapters
    name = model.fresh_name(f"language_{stored.folder.name}")
    layers = stored.description.num_hidden_layers
    left_out = sorted({*adapter.method.options.get("leave_out", []), *range(layers - drop, layers)})
    options = {**adapter.method.options, **({"leave_out": left_out} if left_out else {})}
    described = AdapterDescription(name=name, method=adapter.method.model_copy(update={"options": options}))
    stored.give_adapter(adapter.name, model, described)
    return Block(kind="adapter", adapters=(described,), language=True)


COMPOSITIONS.add("none", Composition("none", "start from the pretrained backbone", 0, _none))
COMPOSITIONS.add("continue", Composition("continue", "go on training the intermediate weights", 1, _continue))
COMPOSITIONS.add(
    "stack",
    Composition("stack", "train a new adapter above the frozen intermediate one (Pfeiffer et al. 2020)", 1, _stack),
)
COMPOSITIONS.add(
    "fuse",
    Composition(
        "fuse", "weigh frozen adapters by attention (Pfeiffer et al. 2021)", 1, _fuse, many=True, options=FuseOptions
    ),
)
COMPOSITIONS.add(
    "average",
    Composition(
        "average", "train a new adapter above the mean output of frozen ones", 2, _average, many=True,
        options=AverageOptions,
    ),
)  # fmt: skip
COMPOSITIONS.add(
    "merge",
    Composition("merge", "make one adapter or backbone of several", 2, _merge, many=True, options=MergeOptions),
)


def composition_options(choice: Choice, count: int) -> Any:
    """The validated options of a composition of `count` sources.

    Raises:
        UsageError: An option is unknown or does not fit.
    """
    composition = COMPOSITIONS.get(choice.name)
    if composition.options is None:
        if choice.options:
            raise UsageError(f"Composition {choice.name!r} has no options.", remedy=f"Write {choice.name}.")
        return None
    where = f"--composition {choice.name}"
    values: dict[str, Any] = dict(choice.options)
    if isinstance(values.get("weights"), (int, float)):
        values["weights"] = [values["weights"]]
    options = validate(composition.options, values, where=where)
    if "weights" not in composition.options.model_fields:
        return options
    weights = options.weights or tuple(1 / count for _ in range(count))  # type: ignore[attr-defined]
    if len(weights) != count:
        raise UsageError(
            f"{where}: {len(weights)} weights for {count} sources.", remedy="Give one for each: weights=0.7+0.3."
        )
    options = options.model_copy(update={"weights": weights})
    _check_merge(options, where)
    return options


def _check_merge(options: Any, where: str) -> None:
    if not isinstance(options, MergeOptions):
        return
    thins = options.kind in ("ties", "dare_ties", "dare_linear")
    if thins != (options.density is not None):
        raise UsageError(
            f"{where}: density {'is missing' if thins else 'has no meaning'} for kind={options.kind}.",
            remedy="Write e.g. merge[kind=ties,density=0.5].",
        )
    if options.rank is not None and options.kind != "svd":
        raise UsageError(f"{where}: rank has no meaning for kind={options.kind}.", remedy="It is for kind=svd.")
