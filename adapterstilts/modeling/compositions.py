"""Compositions: how the weights of the intermediate phase enter the target phase."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from adapterstilts.errors import UsageError
from adapterstilts.modeling.blocks import MergeOptions
from adapterstilts.modeling.methods import METHODS, Method
from adapterstilts.registry import Registry
from adapterstilts.runs.specs import Choice, MethodSpec, TrainSpec
from adapterstilts.settings import ONE_IS_A_LIST, Strict, validate


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

    weights: Annotated[tuple[float, ...], ONE_IS_A_LIST] = ()


@dataclass(frozen=True)
class Composition:
    """One way of starting a training phase; `composing` builds it.

    Attributes:
        sources: The least number of intermediate runs.
        many: Whether it takes more of them.
        options: What can be chosen about it.
        defaults: Settings that were published for it, unlike those of the method alone.
        of_seeds: Whether it is for runs that differ in their seed alone, of which it makes one with their head, and
            trains nothing. Commands plan it themselves.
    """

    name: str
    summary: str
    sources: int
    many: bool = False
    options: type[Strict] | None = None
    defaults: Mapping[str, Any] = field(default_factory=dict)
    of_seeds: bool = False


MEAN = "mean"
COMPOSITIONS: Registry[Composition] = Registry("composition")
for _one in (
    Composition("none", "start from the pretrained backbone", 0),
    Composition("continue", "go on training the intermediate weights", 1),
    Composition("stack", "train a new adapter above the frozen intermediate one (Pfeiffer et al. 2020)", 1),
    Composition(
        "fuse",
        "weigh frozen adapters by attention (Pfeiffer et al. 2021)",
        1,
        True,
        FuseOptions,
        {"learning_rate": 5e-5},
    ),
    Composition("average", "train a new adapter above the mean output of frozen ones", 2, True, AverageOptions),
    Composition("add", "learn another difference on top of the sum of earlier ones (Ansell et al. 2022)", 1, True),
    Composition("merge", "make one adapter or backbone of several", 2, True, MergeOptions),
    Composition(MEAN, "the mean of runs with several seeds (Schmidt et al. 2023)", 2, True, of_seeds=True),
):
    COMPOSITIONS.add(_one.name, _one)


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
    options = validate(composition.options, dict(choice.options), where=where)
    weights = getattr(options, "weights", None)
    if weights is None:
        return options
    weights = weights or _equal(count)
    if len(weights) != count:
        raise UsageError(
            f"{where}: {len(weights)} weights for {count} sources.", remedy="Give one for each: weights=0.7+0.3."
        )
    options = options.model_copy(update={"weights": weights})
    if composition.name == "merge":
        _check_merge(options, where)
    return options


def normalize_composition(choice: Choice, method: MethodSpec, count: int) -> Choice:
    """The same composition with only the options that differ from what they would be anyway.

    Raises:
        UsageError: As `composition_options`.
    """
    composition = COMPOSITIONS.get(choice.name)
    if composition.options is None:
        return choice
    given, default = composition_options(choice, count), composition.options()
    usual: dict[str, Any] = {**default.model_dump(mode="json"), "weights": list(_equal(count))}
    entry = METHODS.get(method.name)
    if choice.name == "merge":
        usual["then"] = _then(entry)
        if given.kind == "svd" and entry.adds_adapter:
            usual["rank"] = entry.resolve(method.options)["r"]
    found = given.model_dump(mode="json").items()
    return Choice(
        name=choice.name, options={name: value for name, value in found if value not in (usual.get(name), None)}
    )


def goes_above(spec: TrainSpec, options: Any) -> bool:
    """Whether a new adapter goes above what the sources bring."""
    if spec.composition.name != "merge":
        return spec.composition.name in ("stack", "average", "add")
    return (options.then or _then(METHODS.get(spec.method.name))) == "stack"


def becomes_backbone(spec: TrainSpec, options: Any) -> bool:
    """Whether what the sources bring becomes part of the backbone's weights, because `peft` has no stack."""
    return goes_above(spec, options) and METHODS.get(spec.method.name).library_name == "peft"


def _then(method: Method) -> str:
    return next(one for one in method.compositions if one in ("stack", "continue"))


def _equal(count: int) -> tuple[float, ...]:
    return tuple(1 / count for _ in range(count))


def _check_merge(options: Any, where: str) -> None:
    thins = options.kind in ("ties", "dare_ties", "dare_linear")
    if thins != (options.density is not None):
        raise UsageError(
            f"{where}: density {'is missing' if thins else 'has no meaning'} for kind={options.kind}.",
            remedy="Write e.g. merge[kind=ties,density=0.5].",
        )
    if options.rank is not None and options.kind != "svd":
        raise UsageError(f"{where}: rank has no meaning for kind={options.kind}.", remedy="It is for kind=svd.")
