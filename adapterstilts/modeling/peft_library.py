"""The only module that uses the `peft` library."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import peft
import torch
from peft.mapping import PEFT_TYPE_TO_CONFIG_MAPPING, PEFT_TYPE_TO_TUNER_MAPPING
from peft.tuners.tuners_utils import BaseTunerLayer
from peft.utils import get_peft_model_state_dict, merge_utils
from pydantic_core import to_jsonable_python
from torch import nn
from torch.autograd.graph import increment_version

from adapterstilts.errors import CompatibilityError, UsageError
from adapterstilts.modeling.architecture import routers
from adapterstilts.modeling.blocks import Block, MergeOptions
from adapterstilts.modeling.library_method import LibraryMethod, config_class, explain_options
from adapterstilts.modeling.option_text import check_options
from adapterstilts.modeling.ownership import has_part

# Fields that a stage decides, or that have no meaning without the library's own model class.
_NOT_OPTIONS = (
    "task_type", "peft_type", "auto_mapping", "peft_version", "base_model_name_or_path", "revision", "inference_mode",
    "modules_to_save", "runtime_config", "total_step", "bias", "layer_replication", "megatron_config", "megatron_core",
)  # fmt: skip
# Options of LoRA that make another method of it, which has a name of its own.
OWN_METHODS = ("use_rslora", "use_dora", "init_lora_weights")
# What an adapter is put on by default: the first of these sets of modules that the backbone has.
_ATTENTION = (
    ("query", "value"),
    ("query_proj", "value_proj"),
    ("q_proj", "v_proj"),
    ("q_lin", "v_lin"),
    ("q", "v"),
    ("Wqkv",),
    ("query_key_value",),
    ("qkv_proj",),
    ("c_attn",),
)
# Likewise for IA3: keys and values, and the second matrix of the feed-forward block, which is scaled at its input.
_SCALED = (
    (("key", "value", "output.dense"), ("output.dense",)),
    (("key_proj", "value_proj", "output.dense"), ("output.dense",)),
    (("k_proj", "v_proj", "down_proj"), ("down_proj",)),
    (("k_proj", "v_proj", "w2"), ("w2",)),
    (("k", "v", "wo"), ("wo",)),
    (("Wqkv", "mlp.Wo"), ("mlp.Wo",)),
)


def resolved_options(method: LibraryMethod, options: Mapping[str, Any]) -> dict[str, Any]:
    """Every field of a method's configuration, as it comes out with `options`; modules that it chooses are None."""
    values = dataclasses.asdict(_config(method, options, ()))
    # The library keeps names of modules as sets, which have no order.
    told = {name: sorted(value) if isinstance(value, set) else value for name, value in values.items()}
    return to_jsonable_python({name: value for name, value in told.items() if name not in _NOT_OPTIONS})


def _config(method: LibraryMethod, options: Mapping[str, Any], modules: Sequence[str]) -> Any:
    config = config_class(peft, method)
    without = (*_NOT_OPTIONS, *method.fixed, *(OWN_METHODS if config is peft.LoraConfig else ()))
    given = check_options(config, options, what=f"method {method.name}", without=without)
    if modules:
        given = {**_modules(method, modules), **given, **_without_routers(config, given, modules)}
    with explain_options(method, options):
        return config(**method.fixed, **given)


def _modules(method: LibraryMethod, names: Sequence[str]) -> dict[str, Any]:
    """The modules that a method is put on, unless the user names others."""

    def has(ending: str) -> bool:
        return any(name == ending or name.endswith(f".{ending}") for name in names)

    if method.config == "LNTuningConfig":
        return {"target_modules": [name for name in names if _is_norm(name)]}
    if method.config == "IA3Config":
        for targets, feedforward in _SCALED:
            if all(map(has, targets)):
                return {"target_modules": list(targets), "feedforward_modules": list(feedforward)}
        return {}
    return next(({"target_modules": list(these)} for these in _ATTENTION if all(map(has, these))), {})


def _without_routers(config: Any, given: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """Keeps what chooses experts out of `all-linear` and patterns; only a list of names can mean it."""
    if isinstance(given.get("target_modules"), str) and "exclude_modules" not in given and (found := routers(names)):
        return {"exclude_modules": found} if hasattr(config, "exclude_modules") else {}
    return {}


def _is_norm(name: str) -> bool:
    return "norm" in name.rpartition(".")[2].lower()


def add_adapter(backbone: Any, name: str, method: LibraryMethod, options: Mapping[str, Any]) -> None:
    """Adds a new adapter called `name`; its weights are fp32 whatever the backbone's precision.

    Raises:
        CompatibilityError: The backbone has no modules that the method can be put on.
    """
    flags = {parameter: parameter.requires_grad for parameter in backbone.parameters()}
    config = planned_config(backbone, method, options)
    try:
        tuner = _tuner(backbone)
        # Layer norms are what it is for, and it warns of each.
        warnings.filterwarnings("ignore", "Unsupported layer type .*Norm", UserWarning)
        if tuner is None:
            backbone.tuner = _Hidden(PEFT_TYPE_TO_TUNER_MAPPING[config.peft_type](backbone, {name: config}, name))
        else:
            tuner.peft_config[name] = config
            tuner.inject_adapter(backbone, name)
    except ValueError as error:
        raise CompatibilityError(
            f"Method {method.name} cannot be put on this {backbone.config.model_type} backbone: {error}",
            remedy=f"Name modules that it has: --method '{method.name}[target_modules=A+B]'.",
        ) from error
    for parameter in backbone.parameters():
        if parameter not in flags and parameter.is_floating_point():
            parameter.data = parameter.data.float()
        parameter.requires_grad_(flags.get(parameter, False))


def planned_config(backbone: Any, method: LibraryMethod, options: Mapping[str, Any]) -> Any:
    """A new configuration that names modules of a backbone without adapters."""
    # ModernBERT's first layer has an identity in the place of a norm.
    names = [name for name, module in backbone.named_modules() if not isinstance(module, nn.Identity)]
    return _config(method, options, names)


def trainable(backbone: Any, name: str) -> list[nn.Parameter]:
    """The weights of an adapter that its method trains."""
    flags = {parameter: parameter.requires_grad for parameter in backbone.parameters()}
    backbone.requires_grad_(False)
    for layer in _layers(backbone).values():
        layer.set_adapter([name])
    found = [parameter for parameter in flags if parameter.requires_grad]
    for parameter, wanted in flags.items():
        parameter.requires_grad_(wanted)
    return found


def _layers(backbone: Any) -> dict[str, Any]:
    """Path to module of everything that adapters are on."""
    return {path: module for path, module in backbone.named_modules() if isinstance(module, BaseTunerLayer)}


def containers(backbone: Any, name: str) -> list[str]:
    """Paths of the modules that have a part of the adapter called `name`."""
    return [
        f"{path}.{own}"
        for path, layer in _layers(backbone).items()
        for own, child in layer.named_children()
        if own != "base_layer" and has_part(child, name)
    ]


class _Hidden:
    """Holds the library's object of a backbone, which is not to be one of the backbone's modules."""

    def __init__(self, tuner: Any) -> None:
        self.tuner = tuner


def _tuner(backbone: Any) -> Any:
    hidden = getattr(backbone, "tuner", None)
    return hidden.tuner if isinstance(hidden, _Hidden) else None


def _adalora(backbone: Any) -> Any:
    """The library's object, where the method changes with time."""
    tuner = _tuner(backbone)
    return tuner if isinstance(tuner, peft.AdaLoraModel) else None


def activate(backbone: Any, blocks: Sequence[Block]) -> None:
    """Makes the forward pass go through the adapter of the last of `blocks`, the only one that is not merged."""
    flags = {parameter: parameter.requires_grad for parameter in backbone.parameters()}
    for layer in _layers(backbone).values():
        layer.set_adapter(blocks[-1].names)
    for parameter, wanted in flags.items():
        parameter.requires_grad_(wanted)


@contextmanager
def mixed(backbone: Any, stacks: Sequence[Sequence[str]], sizes: Sequence[int]) -> Iterator[None]:
    """While it lasts, the first `sizes[0]` sequences of a batch go through the adapter `stacks[0]`, and so on.

    Raises:
        NotImplementedError: The library does not do that for this kind of adapter.
    """
    tuner = _tuner(backbone)
    if not isinstance(tuner, peft.LoraModel) or any(len(names) > 1 for names in stacks):
        raise NotImplementedError
    names = [name for (name,), size in zip(stacks, sizes, strict=True) for _ in range(size)]
    tuner.eval()
    with tuner._enable_peft_forward_hooks(adapter_names=names):
        yield


def merges_into_backbone(method: LibraryMethod) -> bool:
    """Whether an adapter of a method alone can become part of the backbone's weights: all can."""
    return True


def merge_into_backbone(backbone: Any) -> None:
    """Makes the active adapter part of the backbone's weights, and removes it."""
    _tuner(backbone).merge_and_unload()
    for weight in backbone.parameters():  # which peft changes where torch does not count it
        increment_version(weight)
    del backbone.tuner
    if hasattr(backbone, "peft_config"):
        del backbone.peft_config


def merge(backbone: Any, name: str, sources: Sequence[str], method: LibraryMethod, options: MergeOptions) -> None:
    """Adds the adapter `name` made of others, which are then deleted.

    The result has the factor one between its matrices and the change of the weights: see `merged_method`.
    """
    tuner = _tuner(backbone)
    if method.config == "IA3Config":
        tuner.add_weighted_adapter(list(sources), list(options.weights), name)
    else:
        kind = {"arithmetic": "linear"}.get(options.kind, options.kind)
        density = {} if options.density is None else {"density": options.density}
        rank = {"svd_rank": options.rank} if kind == "svd" else {}
        tuner.add_weighted_adapter(list(sources), list(options.weights), name, combination_type=kind, **density, **rank)
        for layer in _layers(backbone).values():
            if name in layer.scaling:
                layer.scaling[name] = 1.0
    for source in sources:
        tuner.delete_adapter(source)


def merged_changes(changes: Sequence[torch.Tensor], options: MergeOptions) -> torch.Tensor:
    """One change made of several of a tensor, thinned out by `ties`, `dare_ties` or `dare_linear`.

    The library divides what has been kept and has the elected sign by how many that are. Weights are multiplied by the
    number of changes before, so that where all are kept it is the weighted sum, and with equal weights the mean of what
    is kept, as published (Yadav et al. 2023, section 4.2).
    """
    merging = {"ties": merge_utils.ties, "dare_ties": merge_utils.dare_ties, "dare_linear": merge_utils.dare_linear}
    divided = 1 if options.kind == "dare_linear" else len(changes)
    weights = torch.tensor(options.weights) * divided
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The density .* no pruning will be performed")
        return merging[options.kind](list(changes), weights, density=options.density)


def merged_method(method: LibraryMethod, options: Mapping[str, Any], rank: int | None) -> dict[str, Any]:
    """`name` and `options` of the method with which an adapter that `merge` made is built again."""
    if method.config == "IA3Config":
        return {"name": method.name, "options": dict(options)}
    new = rank or resolved_options(method, options)["r"]
    kept = {name: value for name, value in options.items() if name not in ("alpha_pattern", "rank_pattern")}
    return {"name": "peft:lora", "options": {**kept, "r": new, "lora_alpha": new}}


def regularization(backbone: Any) -> torch.Tensor | None:
    """What AdaLoRA adds to the loss of a step: its matrices are kept orthogonal (Zhang et al. 2023, equation 4)."""
    tuner = _adalora(backbone)
    if tuner is None:
        return None
    name = tuner.trainable_adapter_name
    terms = []
    for path, parameter in backbone.named_parameters():
        if parameter.requires_grad and path.endswith((f".lora_A.{name}", f".lora_B.{name}")):
            product = parameter @ parameter.T if path.endswith(f".lora_A.{name}") else parameter.T @ parameter
            terms.append(torch.linalg.matrix_norm(product - torch.eye(len(product), device=product.device)))
    return tuner.peft_config[name].orth_reg_weight * torch.stack(terms).mean() if terms else None


def begin(backbone: Any, steps: int) -> None:
    """Tells AdaLoRA how long training is going to be.

    Raises:
        UsageError: It is over before rank could be shifted.
    """
    if (tuner := _adalora(backbone)) is not None:
        config = tuner.peft_config[tuner.trainable_adapter_name]
        if max(1, config.tinit) + config.tfinal >= steps:  # what it goes by is measured in a step before
            raise UsageError(
                f"peft:adalora: of {steps} steps, tinit={config.tinit} and tfinal={config.tfinal} leave none to shift "
                "rank.",
                remedy="Lower them, or train for longer: 2 steps at least.",
            )
        config.total_step = steps


def after_step(backbone: Any, step: int) -> None:
    """Lets AdaLoRA shift rank between modules, after optimiser step `step` (from 1) and before gradients go."""
    if (tuner := _adalora(backbone)) is not None:
        tuner.update_and_allocate(step)


def training_state(backbone: Any) -> dict[str, torch.Tensor]:
    """What AdaLoRA has to remember between steps, besides its weights."""
    tuner = _adalora(backbone)
    if tuner is None:
        return {}
    allocator = tuner.rankallocator
    pattern = tuner.peft_config[tuner.trainable_adapter_name].rank_pattern or {}
    return {
        **{f"sensitivity/{name}": value for name, value in allocator.exp_avg_ipt.items()},
        **{f"uncertainty/{name}": value for name, value in allocator.exp_avg_unc.items()},
        **{f"pattern/{name}": torch.tensor(value) for name, value in pattern.items()},
    }


def load_training_state(backbone: Any, state: Mapping[str, torch.Tensor]) -> None:
    """Puts back what `training_state` gave."""
    tuner = _adalora(backbone)
    if tuner is None:
        return
    parts: dict[str, dict[str, torch.Tensor]] = {"sensitivity": {}, "uncertainty": {}, "pattern": {}}
    device = next(backbone.parameters()).device
    for path, value in state.items():
        part, _, name = path.partition("/")
        parts[part][name] = value.to(device)
    allocator = tuner.rankallocator
    allocator.exp_avg_ipt, allocator.exp_avg_unc = parts["sensitivity"], parts["uncertainty"]
    allocator.ipt = {name: torch.zeros_like(value) for name, value in allocator.exp_avg_ipt.items()}
    if parts["pattern"]:
        config = tuner.peft_config[tuner.trainable_adapter_name]
        config.rank_pattern = {name: value.tolist() for name, value in parts["pattern"].items()}


def adapter_config(backbone: Any, name: str) -> Any:
    """The library's configuration of an adapter that is in the backbone."""
    return _tuner(backbone).peft_config[name]


def targets(backbone: Any) -> list[str]:
    """Paths of the modules that adapters are on."""
    return list(_layers(backbone))


def wrapped(model: Any, config: Any) -> Any:
    """A model of `transformers` as the library's own model, with a new adapter called `default`."""
    return peft.get_peft_model(model, config)


def saved_tensors(model: Any) -> dict[str, torch.Tensor]:
    """The tensors that the library saves of its own model's adapter, themselves, by their names in a file."""
    named = {
        **dict(model.named_parameters(remove_duplicate=False)),
        **dict(model.named_buffers(remove_duplicate=False)),
    }
    own = {path: named[path] for path in model.state_dict()}
    return get_peft_model_state_dict(model, state_dict=own, save_embedding_layers=False)


def saved_config(model: Any, base: str, revision: str | None) -> dict[str, Any]:
    """What the library writes beside the tensors, for an adapter that is only going to be used.

    Args:
        base: Name of the checkpoint that the adapter is for.
        revision: Its commit.
    """
    values = model.peft_config["default"].to_dict()
    own: dict[str, Any] = {"base_model_name_or_path": base, "revision": revision, "inference_mode": True}
    if values["modules_to_save"]:  # the library adds those that it knows to the same ones
        own["modules_to_save"] = sorted(set(values["modules_to_save"]))
    told = {name: sorted(value) if isinstance(value, set) else value for name, value in values.items()}
    return to_jsonable_python(told) | own


def not_saved(backbone: Any, name: str) -> dict[str, float]:
    """Paths of the tensors of an adapter that the library does not save, and the value that all of each have."""
    ending = f".ranknum.{name}"
    initial = getattr(adapter_config(backbone, name), "init_r", 0)
    return {path: float(initial) for path, _ in backbone.named_parameters() if path.endswith(ending)}


def config_name(peft_type: Any) -> str | None:
    """Name of the library's configuration class of a type, as files say it; None where it has no such type."""
    found = {str(one.value): kind.__name__ for one, kind in PEFT_TYPE_TO_CONFIG_MAPPING.items()}
    return found.get(str(peft_type))


def fields(method: LibraryMethod) -> dict[str, Any]:
    """Every field of a method's configuration, and its default."""
    kind = config_class(peft, method)
    return dataclasses.asdict(kind(**method.fixed))
