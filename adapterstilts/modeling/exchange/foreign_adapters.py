"""Adapters in folders that the `adapters` library wrote: which method they are, and which head is with them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from adapterstilts.errors import CompatibilityError, SharingError
from adapterstilts.modeling.backbone import Backbone
from adapterstilts.modeling.blocks import HeadDescription
from adapterstilts.modeling.exchange.adapters_parts import ADAPTER, HEAD, LibraryModel
from adapterstilts.modeling.exchange.claims import ADAPTER_CONFIG
from adapterstilts.modeling.exchange.forms import adapters_form
from adapterstilts.modeling.exchange.loading import NOT_IN_FILES
from adapterstilts.modeling.exchange.nearest import nearest
from adapterstilts.modeling.exchange.strict_json import read_object
from adapterstilts.modeling.exchange.weights import Weights
from adapterstilts.modeling.methods import METHODS, adapters_library
from adapterstilts.runs.specs import MethodSpec

HEAD_CONFIG = "head_config.json"
# Fields that decide how weights begin or are trained, some of which need what a stranger names, and not what they do.
_WITHOUT_EFFECT = ("prompt_init", "prompt_init_text", "init_weights_seed", "stochastic_depth")
_FORMS = {
    "question_answering": "span",
    "tagging": "token",
    "classification": "classification",
    "multilabel_classification": "multi_label",
    "multiple_choice": "choice",
}
_INVERTIBLE = {"inv_adapter": None, "inv_adapter_reduction_factor": None}


def adapters_method(weights: Weights) -> MethodSpec:
    """The method of the adapter in a folder.

    Raises:
        SharingError: The configuration is not one of the library.
        CompatibilityError: No method has it.
    """
    path = weights.folder / ADAPTER_CONFIG
    told = read_object(path)
    try:
        parts = adapters_library(str(path)).read_config(told)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise SharingError(
            f"{path} has no configuration that the adapters library takes ({type(error).__name__}: {error}).",
            remedy="Save the adapter again with `save_adapter` of a current version.",
        ) from None
    # A task's adapter of an early version names an invertible part that it does not have.
    if told.get("type") == "text_task" and not any("invertible" in name for name in weights.entries(ADAPTER)):
        parts = [one | {name: None for name in _INVERTIBLE if name in one} for one in parts]
    kinds = [one.get("architecture") for one in parts]
    fitting = [method for method in METHODS if method.library_name == "adapters" and _kinds(method) == kinds]
    fitting = [method for method in fitting if method.config not in NOT_IN_FILES]
    if not fitting:
        raise CompatibilityError(
            f"{path} is of the kind {' and '.join(str(kind) for kind in kinds)}, which no method is.",
            remedy="Methods: `astilts methods`.",
        )
    names = fitting[0].parts
    fields = _joined(names, parts) if names else parts[0]
    return nearest(_with_effect(fields, fitting[0].resolve({})), fitting, where=str(path))


def _kinds(method: Any) -> list[Any]:
    """The library's word for the architecture of each part of a method."""
    defaults = method.resolve({})
    return [defaults.get(f"{part}.architecture") for part in method.parts] or [defaults.get("architecture")]


def _joined(names: tuple[str, ...], parts: list[dict[str, Any]]) -> dict[str, Any]:
    return {f"{part}.{name}": value for part, one in zip(names, parts, strict=True) for name, value in one.items()}


def _with_effect(fields: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: defaults[name] if name.rpartition(".")[2] in _WITHOUT_EFFECT and name in defaults else value
        for name, value in fields.items()
    }


def adapters_head(
    weights: Weights, backbone: Backbone, method: MethodSpec
) -> tuple[HeadDescription | None, tuple[str, ...], str]:
    """The head in a folder where it is of one of our forms, its labels, and otherwise why it is left out.

    Raises:
        SharingError: A file is not what it should be.
    """
    path = weights.folder / HEAD_CONFIG
    if not path.is_file() or not weights.has(HEAD):
        return None, (), ""
    config = read_object(path).get("config")
    config = config if type(config) is dict else {}
    form = _FORMS.get(str(config.get("head_type")), "")
    outputs = 1 if form == "choice" else config.get("num_labels")
    description = HeadDescription(name=form, outputs=outputs) if form and type(outputs) is int else None
    if description is None or not _is_ours(description, config, backbone, method):
        said = {name: config.get(name) for name in ("head_type", "layers", "activation_function", "use_pooler")}
        return None, (), f"The head in {path.name} is left out: no head has its form ({str(said)[:200]})."
    return description, _labels(config.get("label2id"), outputs), ""


def _is_ours(head: HeadDescription, config: Mapping[str, Any], backbone: Backbone, method: MethodSpec) -> bool:
    entry = METHODS.get(method.name)
    prompt = entry.resolve(method.options)["combine"] if entry.config == "PromptTuningConfig" else None
    form = adapters_form(head, backbone.config(), prompt=prompt)
    library = LibraryModel.of(backbone, "")
    return (
        form is not None
        and form.name in library.heads
        and head.outputs > 0
        and (head.name != "span" or head.outputs == 2)
        and config.get("layers") == len(form.modules)
        and (len(form.modules) == 1 or config.get("activation_function") == "tanh")
        and not config.get("use_pooler")
        and config.get("bias", True) is True
    )


def _labels(told: Any, outputs: Any) -> tuple[str, ...]:
    """Names of labels in order, where they are told for all."""
    if (
        type(told) is not dict
        or len(told) != outputs
        or {str(one) for one in told.values()} != set(map(str, range(outputs)))
    ):
        return ()
    return tuple(sorted(told, key=lambda label: int(told[label])))
