"""Adapters in folders that the `peft` library wrote: which method they are, and which head is with them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from adapterstilts.errors import CompatibilityError, SharingError
from adapterstilts.modeling import peft_library
from adapterstilts.modeling.backbone import Backbone
from adapterstilts.modeling.blocks import HeadDescription
from adapterstilts.modeling.exchange.claims import ADAPTER_CONFIG
from adapterstilts.modeling.exchange.foreign_heads import head_in
from adapterstilts.modeling.exchange.meta_model import encoder_names
from adapterstilts.modeling.exchange.nearest import nearest
from adapterstilts.modeling.exchange.patterns import check_patterns
from adapterstilts.modeling.exchange.peft_parts import ADAPTER, MODEL
from adapterstilts.modeling.exchange.strict_json import read_object
from adapterstilts.modeling.exchange.weights import Weights
from adapterstilts.modeling.methods import METHODS, Method
from adapterstilts.runs.specs import MethodSpec

# Fields that say where an adapter comes from, or what is done with it in training.
_SAID = (
    "task_type", "peft_type", "auto_mapping", "peft_version", "base_model_name_or_path", "revision", "inference_mode",
    "modules_to_save", "runtime_config", "total_step", "megatron_core", "save_projection",
)  # fmt: skip
# Fields that mean nothing here but with these values; all others are options of a method.
_ONLY: dict[str, tuple[Any, ...]] = {
    "bias": ("none", None), "layer_replication": (None,), "megatron_config": (None,), "rank_pattern": (None, {}),
    "trainable_token_indices": (None,),
}  # fmt: skip
# Ways of beginning that leave nothing behind once there are weights.
_BEGINNINGS = (True, False, None, "gaussian", "orthogonal", "eva")


def peft_method(weights: Weights, backbone: Backbone) -> MethodSpec:
    """The method of the adapter in a folder.

    Raises:
        SharingError: The configuration is not one of the library.
        CompatibilityError: No method has it.
    """
    path = weights.folder / ADAPTER_CONFIG
    told = read_object(path)
    kind = peft_library.config_name(told["peft_type"])
    methods = [one for one in METHODS if one.library_name == "peft" and one.config == kind]
    if not methods:
        raise CompatibilityError(
            f"{path} is of the type {str(told['peft_type'])[:80]!r}, which no method is.",
            remedy="Methods: `astilts methods`.",
        )
    for name, allowed in _ONLY.items():
        if (name != "rank_pattern" or kind == "AdaLoraConfig") and told.get(name) not in allowed:
            raise CompatibilityError(
                f"{path} has {name}={str(told[name])[:80]!r}, which is not done here.",
                remedy="Train the adapter again without it.",
            )
    fields = {name: value for name, value in told.items() if name not in (*_SAID, *_ONLY) or name == "rank_pattern"}
    fields = _with_modules(path, fields, weights, backbone, methods[0])
    fitting = [method for method in methods if _is(method, fields)]
    if not fitting:
        own = {name: fields.get(name) for name in peft_library.OWN_METHODS}
        raise CompatibilityError(
            f"{path} is a {told['peft_type']} with {str(own)[:200]}, which no method is.",
            remedy="Methods: `astilts methods`.",
        )
    options = {name: value for name, value in fields.items() if name not in peft_library.OWN_METHODS}
    return nearest(options, fitting, where=str(path))


def _is(method: Method, fields: Mapping[str, Any]) -> bool:
    """Whether the fields that tell methods of one class apart are those of a method."""
    usual: dict[str, Any] = {"use_rslora": False, "use_dora": False, "init_lora_weights": True} | dict(method.fixed)
    given = {name: fields.get(name, value) for name, value in usual.items()}
    if any(given["init_lora_weights"] is one or given["init_lora_weights"] == one for one in _BEGINNINGS):
        given["init_lora_weights"] = True
    return all(given[name] == usual[name] for name in peft_library.OWN_METHODS)


def _with_modules(
    path: Any, fields: dict[str, Any], weights: Weights, backbone: Backbone, method: Method
) -> dict[str, Any]:
    """The fields, where those that name modules are left out if they name what the method is put on anyway."""
    with torch.device("meta"):
        encoder = backbone.random_encoder()
    usual = peft_library.planned_config(encoder, method, {})
    targets = fields.get("target_modules")
    if type(targets) is str and targets != "all-linear":
        fields = fields | {"target_modules": _targets(encoder, weights)}
    check_patterns(fields, where=str(path))
    for name in ("target_modules", "feedforward_modules"):
        value = fields.get(name)
        if type(value) is list and sorted(map(str, value)) == sorted(getattr(usual, name, None) or ()):
            fields = {one: value for one, value in fields.items() if one != name}
        elif type(value) is list:
            fields = fields | {name: sorted(map(str, value))}
    return fields


def _targets(encoder: Any, weights: Weights) -> list[str]:
    """Paths of the modules that tensors of a file are for."""
    names = list(weights.entries(ADAPTER))
    leaves = [path for path, module in encoder.named_modules() if path and not any(True for _ in module.children())]
    return [path for path in leaves if any(f".{path}." in name for name in names)]


def peft_head(weights: Weights, backbone: Backbone, method: MethodSpec) -> tuple[HeadDescription | None, str]:
    """The head in a folder where it is of one of our forms, and otherwise why it is left out.

    Raises:
        SharingError: A file is not what it should be.
    """
    modules = modules_to_save(weights)
    found = {}
    for name, entry in weights.entries(ADAPTER).items():
        if set(name.split(".")) & set(modules):
            found[name.removeprefix(MODEL)] = entry.shape
    if not found:
        return None, ""
    _, base = encoder_names(backbone)
    task_type = read_object(weights.folder / ADAPTER_CONFIG).get("task_type")
    head = head_in(found, backbone, base, task_type=str(task_type) if task_type else None)
    if head is not None:
        return head, ""
    names = ", ".join(sorted(found)[:4])
    return None, f"The modules that were trained beside it are left out: no head has the form of {names}."


def modules_to_save(weights: Weights) -> list[str]:
    """Names of the modules that a file has whole, besides the adapter.

    Raises:
        SharingError: They are no names.
    """
    told = read_object(weights.folder / ADAPTER_CONFIG).get("modules_to_save") or []
    if type(told) is not list or not all(type(one) is str and one and len(one) < 100 for one in told):
        raise SharingError(
            f"{weights.folder / ADAPTER_CONFIG}: modules_to_save is no list of names.",
            remedy="It is not what the peft library writes; get the folder again from where it came from.",
        )
    return told
