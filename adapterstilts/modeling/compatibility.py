"""Which methods, compositions and intermediate runs go together; what cannot work is refused before it is loaded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from adapterstilts.errors import CompatibilityError, UsageError
from adapterstilts.modeling.blocks import ModelOutline
from adapterstilts.modeling.compositions import COMPOSITIONS, composition_options
from adapterstilts.modeling.methods import FIRST_PHASE, METHODS
from adapterstilts.modeling.outline import language_block
from adapterstilts.runs.specs import Choice, MethodSpec, TrainSpec
from adapterstilts.tasks.kind import HeadSpec


def check_composition(choice: Choice, spec: MethodSpec, sources: Sequence[ModelOutline], *, head: str = "new") -> None:
    """Refuses what cannot work, or would silently do nothing, before anything is loaded.

    Raises:
        UsageError: The composition is unknown, or takes another number of sources or other options.
        CompatibilityError: The method, or a source's method, does not allow it.
    """
    composition, method = COMPOSITIONS.get(choice.name), METHODS.get(spec.name)
    if len(sources) < composition.sources or (len(sources) > composition.sources and not composition.many):
        more = " or more" if composition.many else ""
        raise UsageError(
            f"Composition {choice.name!r} takes {composition.sources}{more} intermediate runs, not {len(sources)}.",
            remedy="Choose another with --composition.",
        )
    options = composition_options(choice, len(sources))
    if composition.of_seeds:
        _check_mean(spec, sources)
        return
    # Above a fine-tuned backbone there is no adapter that another one could get into the way of.
    stacks = choice.name == "stack" and method.adds_adapter and not method.sparse
    alone = stacks and all(source.fine_tuned for source in sources)
    # The first phase of a method that learns another difference.
    first = choice.name == "add" and spec.name == FIRST_PHASE and all(_is_sum(source) for source in sources)
    if choice.name != "none" and choice.name not in method.compositions and not alone and not first:
        raise CompatibilityError(
            f"Method {spec.name!r} cannot be used with composition {choice.name!r}.", remedy=_nearest(choice, method)
        )
    if choice.name == "continue" and spec.name == "head" and head == "new":
        raise CompatibilityError(
            "Method 'head' leaves nothing in the backbone that a new head could use.",
            remedy="Use --head reuse, or another method.",
        )
    if composition.many and head == "reuse":
        raise UsageError(
            f"--head reuse has no meaning for composition {choice.name!r}, which has several heads to choose from.",
            remedy="Use --head new.",
        )
    if choice.name in ("fuse", "average", "merge") and spec.unfreeze_backbone:
        raise CompatibilityError(
            f"Composition {choice.name!r} is for a frozen backbone.", remedy="Leave out --unfreeze-backbone."
        )
    if choice.name == "merge" and options.kind not in method.merges:
        raise CompatibilityError(
            f"Method {spec.name!r} cannot be merged with kind={options.kind}.",
            remedy=f"It allows: {', '.join(method.merges)}.",
        )
    if choice.name == "merge" and not method.adds_adapter and "then" in choice.options:
        raise UsageError(
            f"--composition merge: then={options.then} has no meaning for {spec.name!r}.", remedy="Leave it out."
        )
    for source in sources:
        _check_source(choice, spec, source, options)


def _check_mean(spec: MethodSpec, sources: Sequence[ModelOutline]) -> None:
    """Refuses the mean of runs that it is not a model of the same method of."""
    if not METHODS.get(spec.name).averages:
        raise CompatibilityError(
            f"--average-seeds: the mean of weights of method {spec.name!r} is none of that method.",
            remedy="Use another method, or leave it out.",
        )
    first = sources[0].description
    for one in sources:
        if one.description != first:
            raise CompatibilityError(
                f"{one.name} and {sources[0].name} do not differ in their seed alone.",
                remedy="Take the mean of runs of one row.",
            )


def _nearest(choice: Choice, method: Any) -> str:
    allowed = f"It allows: {', '.join(method.compositions)}."
    if choice.name == "fuse":
        return f"{allowed} Methods that can be fused: {_methods_for('fuse')}."
    if choice.name == "average" and "merge" in method.compositions:
        return f"{allowed} Nearest to it is --composition merge, which averages weights instead of outputs."
    return f"{allowed} Methods for {choice.name}: {_methods_for(choice.name)}."


def _methods_for(composition: str, *, library: str = "") -> str:
    fitting = [one for one in METHODS if composition in one.compositions and library in ("", one.library_name)]
    return ", ".join(method.name for method in fitting)


def _invertible(method: MethodSpec) -> bool:
    return bool(METHODS.get(method.name).resolve(method.options).get("inv_adapter"))


def _is_sum(source: ModelOutline) -> bool:
    """Whether a model is its backbone with differences of weights."""
    return METHODS.get(source.description.method.name).sparse


_USES = {"add": "add", "stack": "stack on", "fuse": "fuse", "average": "average", "merge": "merge"}


def _check_source(choice: Choice, spec: MethodSpec, source: ModelOutline, options: Any) -> None:
    other, name = source.description.method, source.name
    same = choice.name == "continue" or choice.name == "merge"
    if same and other != spec:
        verb = "continued" if choice.name == "continue" else "merged"
        stack = "--composition stack, or " if source.fine_tuned and METHODS.get(spec.name).adds_adapter else ""
        raise CompatibilityError(
            f"{name} was trained with {other}, so it cannot be {verb} with {spec}.",
            remedy=f"Use {stack}{other.flags}.",
        )
    if same and choice.name == "continue":
        return
    if not METHODS.get(spec.name).adds_adapter:
        return
    if choice.name == "stack" and source.fine_tuned:
        return
    libraries = {
        METHODS.get(one.method.name).library_name for block in source.description.blocks for one in block.adapters
    }
    if not libraries:
        going_on = "stack" if source.fine_tuned else f"continue and --method {other.name}"
        raise CompatibilityError(
            f"{name} was trained with {other} and has no adapter to {_USES[choice.name]}.",
            remedy=f"Use --composition {going_on}, or train the intermediate task with an adapter.",
        )
    if libraries != {METHODS.get(spec.name).library_name}:
        raise CompatibilityError(
            f"{name} was trained with {other}, whose library cannot be mixed with that of {spec}.",
            remedy=f"Use {other.flags}.",
        )
    if choice.name == "stack" and not METHODS.get(other.name).below:
        raise CompatibilityError(
            f"{name} was trained with {other}, whose effect would be lost below another adapter.",
            remedy=f"Use {other.flags} --composition continue.",
        )
    single = len(source.description.blocks) == 1 and len(source.description.blocks[0].adapters) == 1
    if choice.name != "stack" and not single:
        raise CompatibilityError(
            f"{name} has several adapters, and composition {choice.name!r} takes one of each source.",
            remedy="Use --composition stack, or intermediate runs that were trained without another below them.",
        )
    if choice.name != "stack" and source.description.own_backbone:
        raise CompatibilityError(
            f"{name} has a backbone of its own, trained with or before its adapter, so it cannot join others.",
            remedy="Use --composition stack, or train the intermediate tasks without --unfreeze-backbone.",
        )
    if choice.name in ("fuse", "average") and choice.name not in METHODS.get(other.name).compositions:
        raise CompatibilityError(
            f"{name} was trained with {other}, which cannot take part in composition {choice.name!r}.",
            remedy=f"Methods that can: {_methods_for(choice.name)}.",
        )


def check_head(stored: ModelOutline, head: HeadSpec, task: str) -> None:
    """Refuses to go on with a head of another form.

    Raises:
        CompatibilityError: The stored model has no head for `task`, or one with other outputs.
    """
    found = stored.description.heads.get(task)
    if found is None or found.spec() != head:
        raise CompatibilityError(
            f"--head reuse: {stored.name} has no {head.name!r} head with {head.outputs} outputs.",
            remedy="Use --head new.",
        )


def check_language_adapter(stored: ModelOutline, spec: TrainSpec, sources: Sequence[ModelOutline] = ()) -> ModelOutline:
    """Refuses a language adapter that cannot lie below what a stage trains.

    Raises:
        CompatibilityError: It is not one adapter of the `adapters` library, or the stage trains something else, or a
            source would lose a part of itself above it, or has several adapters, or was trained over another one.
    """
    for source in sources:
        over = _language_method(source)
        if over is None and (source.description.own_backbone or _invertible(source.description.method)):
            lost = "backbone" if source.description.own_backbone else "invertible layer"
            raise CompatibilityError(
                f"{source.name} was trained with {source.description.method}, whose own {lost} would have no "
                "effect above a language adapter.",
                remedy="Use an intermediate run of a method without one, such as seq_bn.",
            )
        if over is None and sum(len(block.adapters) for block in source.description.blocks) > 1:
            raise CompatibilityError(
                f"{source.name} has several adapters, and one can be laid above a language adapter.",
                remedy="Use an intermediate run that was trained without another below it, or leave out "
                "--language-adapters.",
            )
    method = METHODS.get(spec.method.name)
    if method.library_name != "adapters" or "stack" not in method.compositions:
        raise CompatibilityError(
            f"Method {spec.method} cannot be trained over a language adapter.",
            remedy=f"Methods that can: {_methods_for('stack', library='adapters')}.",
        )
    check_exchangeable(stored)
    (wanted,) = language_block(stored, drop=spec.language_adapter_drop, taken=()).adapters
    for source in sources:
        if _language_method(source) not in (None, wanted.method):
            raise another_language_adapter(source, stored)
    return stored


def _language_method(source: ModelOutline) -> MethodSpec | None:
    """How the language adapter that a model was trained over is configured, with the layers that it is left out of."""
    found = (block.adapters[0].method for block in source.description.blocks if block.language)
    return next(found, None)


def another_language_adapter(source: ModelOutline, language: ModelOutline) -> CompatibilityError:
    """What is said of a model that brings another language adapter along than the one that is wanted."""
    return CompatibilityError(
        f"{source.name} was trained over another language adapter than {language.name}, or over other layers of it.",
        remedy="Choose the one that it was trained over with --language-adapter en=KEY, with the same "
        "--language-adapter-drop, or use an intermediate run that was trained without.",
    )


def check_exchangeable(stored: ModelOutline) -> ModelOutline:
    """Refuses what cannot take the place of a language adapter.

    Raises:
        CompatibilityError: It is not one adapter of the `adapters` library.
    """
    other, blocks = stored.description.method, stored.description.blocks
    entry = METHODS.get(other.name)
    if entry.library_name != "adapters" or not entry.below or stored.description.own_backbone or len(blocks) != 1:
        raise CompatibilityError(
            f"{stored.name} was trained with {other}, which is not a language adapter that can be exchanged.",
            remedy="Train it with `astilts train-language` and a method of the adapters library.",
        )
    return stored


def check_summable(summed: Sequence[ModelOutline]) -> None:
    """Refuses language adapters whose weights cannot be added up.

    Raises:
        CompatibilityError: One cannot be exchanged, their configurations differ, or sums of their method's weights mean
            nothing.
    """
    for stored in summed:
        method = check_exchangeable(stored).description.method
        if _SUM not in METHODS.get(method.name).merges:
            raise CompatibilityError(
                f"{stored.name} was trained with {method}, whose weights cannot be added up to an adapter.",
                remedy=f"Language adapters that can: {', '.join(_summable())}.",
            )
    first, *others = summed
    for other in others:
        mine, theirs = (_shape(one.description.method) for one in (first, other))
        if mine != theirs:
            name = next(name for name in sorted({*mine, *theirs}) if mine.get(name) != theirs.get(name))
            raise CompatibilityError(
                f"{first.name} and {other.name} cannot be added up: {name} is {mine.get(name)!r} in one and "
                f"{theirs.get(name)!r} in the other.",
                remedy="Add up language adapters that were trained with the same --method.",
            )


# The kind of `merge` that adds up weights.
_SUM = "linear"
# Options with which adapters of the same form are trained differently.
_OF_TRAINING = ("dropout", "init_weights")


def _summable() -> list[str]:
    return [one.name for one in METHODS if one.library_name == "adapters" and one.below and _SUM in one.merges]


def _shape(method: MethodSpec) -> dict[str, Any]:
    """A method's name and options, without what does not matter for adding up."""
    options = METHODS.get(method.name).resolve(method.options)
    return {"method": method.name} | {name: value for name, value in options.items() if name not in _OF_TRAINING}
