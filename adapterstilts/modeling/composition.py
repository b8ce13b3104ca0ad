"""Compositions: how the weights of the intermediate phase enter the target phase."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from adapterstilts.errors import CompatibilityError, UsageError
from adapterstilts.modeling.backbone import Backbone
from adapterstilts.modeling.methods import METHODS
from adapterstilts.modeling.storage import StoredModel, family
from adapterstilts.modeling.transfer_model import TransferModel
from adapterstilts.registry import Registry
from adapterstilts.specs import MethodSpec, TrainSpec
from adapterstilts.tasks.kind import HeadSpec


@dataclass(frozen=True)
class Composition:
    """One way of starting a training phase.

    Attributes:
        sources: How many intermediate runs it takes.
        build: `(spec, backbone, sources)` to a model whose trainable weights are chosen, heads aside.
    """

    name: str
    summary: str
    sources: int
    build: Callable[[TrainSpec, Backbone, list[StoredModel]], TransferModel]


COMPOSITIONS: Registry[Composition] = Registry("composition")


def _none(spec: TrainSpec, backbone: Backbone, sources: list[StoredModel]) -> TransferModel:
    model = TransferModel(backbone, method=spec.method, precision=spec.precision)
    if METHODS.get(spec.method.name).family == "full":
        model.train_backbone()
    else:
        model.train_adapter(model.add_adapter(spec.task, spec.method))
    return model


def _continue(spec: TrainSpec, backbone: Backbone, sources: list[StoredModel]) -> TransferModel:
    model = sources[0].restore(backbone, precision=spec.precision, heads=spec.head == "reuse")
    if METHODS.get(spec.method.name).family == "full":
        model.train_backbone()
    else:
        model.train_adapter(model.adapter_names[-1])
    return model


def _stack(spec: TrainSpec, backbone: Backbone, sources: list[StoredModel]) -> TransferModel:
    model = sources[0].restore(backbone, precision=spec.precision, heads=spec.head == "reuse")
    model.method = spec.method
    model.train_adapter(model.add_adapter(spec.task, spec.method))
    return model


COMPOSITIONS.add("none", Composition("none", "start from the pretrained backbone", 0, _none))
COMPOSITIONS.add("continue", Composition("continue", "go on training the intermediate weights", 1, _continue))
COMPOSITIONS.add(
    "stack",
    Composition("stack", "train a new adapter above the frozen intermediate one (Pfeiffer et al. 2020)", 1, _stack),
)


def check_composition(name: str, method: MethodSpec, sources: list[StoredModel]) -> None:
    """Refuses what cannot work, before anything is loaded.

    Raises:
        UsageError: The composition is unknown or takes another number of sources.
        CompatibilityError: The method, or a source's method, does not allow it.
    """
    composition = COMPOSITIONS.get(name)
    if len(sources) != composition.sources:
        raise UsageError(
            f"Composition {name!r} takes {composition.sources} intermediate runs, not {len(sources)}.",
            remedy="Choose another with --composition.",
        )
    allowed = METHODS.get(method.name).compositions
    if name != "none" and name not in allowed:
        raise CompatibilityError(
            f"Method {method.name!r} cannot be used with composition {name!r}.",
            remedy=f"It allows: {', '.join(allowed)}.",
        )
    for source in sources:
        other = source.description.method
        if name == "continue" and other != method:
            raise CompatibilityError(
                f"{source.folder.name} was trained with {other}, so it cannot be continued with {method}.",
                remedy=f"Use --method '{other}'.",
            )
        if name == "stack" and family(source) != "adapter":
            raise CompatibilityError(
                f"{source.folder.name} is a full fine-tune and has no adapter to stack on.",
                remedy="Use --method full --composition continue, or train the intermediate task with an adapter.",
            )


def check_head(stored: StoredModel, head: HeadSpec, task: str) -> None:
    """Refuses to go on with a head of another form.

    Raises:
        CompatibilityError: The stored model has no head for `task`, or one with other outputs.
    """
    found = stored.description.heads.get(task)
    if found is None or found.spec() != head:
        raise CompatibilityError(
            f"--head reuse: {stored.folder.name} has no {head.name!r} head with {head.outputs} outputs.",
            remedy="Use --head new.",
        )


def start_model(
    spec: TrainSpec,
    backbone: Backbone,
    sources: list[StoredModel],
    *,
    head: HeadSpec,
    source_task: str | None,
) -> TransferModel:
    """The model with which a training stage begins: composed, with one head, everything else frozen.

    Args:
        head: The head that the stage's kind needs.
        source_task: Task of the intermediate run, whose head `spec.head == "reuse"` goes on with.

    Raises:
        UsageError, CompatibilityError: As `check_composition` and `check_head`.
    """
    check_composition(spec.composition.name, spec.method, sources)
    model = COMPOSITIONS.get(spec.composition.name).build(spec, backbone, sources)
    if spec.head == "reuse" and source_task is not None:
        check_head(sources[0], head, source_task)
        model.drop_heads(keep=source_task)
        if source_task != spec.task:
            model.rename_head(source_task, spec.task)
    else:
        model.drop_heads(keep=None)
        model.add_head(spec.task, head)
    model.train_head(spec.task)
    return model
