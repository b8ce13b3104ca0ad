"""The only module that uses the `adapters` library."""

from __future__ import annotations

import copy
import dataclasses
import importlib.util
import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import adapters
import torch
from adapters import AdapterSetup
from adapters.composition import Average, BatchSplit, Fuse, Stack
from adapters.configuration import ADAPTER_CONFIG_MAP, AdapterConfig, build_full_config
from adapters.loading import AdapterFusionLoader, AdapterLoader, PredictionHeadLoader
from adapters.utils import ACTIVATION_RENAME
from torch import nn
from torch.nn.utils.parametrizations import orthogonal
from torch.nn.utils.parametrize import is_parametrized, remove_parametrizations

from adapterstilts.errors import CompatibilityError, unknown
from adapterstilts.modeling.blocks import Block, MergeOptions
from adapterstilts.modeling.library_method import LibraryMethod, config_class, explain_options
from adapterstilts.modeling.option_text import check_options
from adapterstilts.modeling.ownership import has_part
from adapterstilts.modeling.scaled_outputs import finish_merging

# Which adapters are active in a forward pass is decided here: none, where that is meant.
logging.getLogger("adapters.model_mixin").addFilter(
    lambda record: not record.getMessage().startswith("There are adapters available but none are activated")
)

_NOT_OPTIONS = ("architecture",)
# What the library calls the modules in which it keeps the parts of adapters by adapter's name.
_CONTAINERS = (
    "adapters", "adapter_fusion_layer", "invertible_adapters", "loras", "prefix_tunings", "prefix_gates",
    "prompt_tunings", "refts", "shared_parameters",
)  # fmt: skip
# Architectures whose attention mask the library does not extend by a prefix.
_WITHOUT_PREFIX = ("llama", "mistral")
# What writes and reads each kind of file.
_LOADERS = {"adapter": AdapterLoader, "fusion": AdapterFusionLoader, "head": PredictionHeadLoader}
# Configurations of which an adapter's effect is one on the weights.
_INTO_WEIGHTS = ("LoRAConfig", "IA3Config", "DoRAConfig", "VeraConfig")
_MERGES = {"linear": "linear", "arithmetic": "linear", "svd": "lora_delta_w_svd"}


def method_config(method: LibraryMethod, options: Mapping[str, Any]) -> Any:
    """A new configuration object; the library writes into them, so one is never used twice.

    Raises:
        UsageError: The library does not know one of the options, or not with this value.
    """
    what, kind = f"method {method.name}", config_class(adapters, method)
    if not method.parts:
        given = check_options(kind, options, what=what, without=(*_NOT_OPTIONS, *method.fixed))
        with explain_options(method, options):
            return _without_torchvision(kind(**method.fixed, **given), given)
    given, fixed = (_by_part(method, values) for values in (options, method.fixed))
    configs = []
    for part, config in zip(method.parts, kind().configs, strict=True):
        without = (*_NOT_OPTIONS, *fixed[part])
        own = check_options(type(config), given[part], what=f"{what}, {part}", without=without)
        with explain_options(method, options):
            configs.append(config.replace(**fixed[part], **own))
    return kind(*configs)


def _by_part(method: LibraryMethod, options: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The options `part.option` of each part."""
    found: dict[str, dict[str, Any]] = {part: {} for part in method.parts}
    for name, value in options.items():
        part, _, option = name.partition(".")
        if part not in found or not option:
            raise unknown(f"option of method {method.name}", name, [f"{part}.OPTION" for part in method.parts])
        found[part][option] = value
    return found


def _without_torchvision(config: Any, given: Mapping[str, Any]) -> Any:
    """Leaves out stochastic depth, for which the library needs torchvision, unless it was asked for."""
    if not getattr(config, "stochastic_depth", 0):
        return config
    if "stochastic_depth" not in given:
        return config.replace(stochastic_depth=0.0)
    if importlib.util.find_spec("torchvision") is None:
        raise CompatibilityError(
            f"stochastic_depth={given['stochastic_depth']} needs torchvision, which is not installed.",
            remedy="Install the torchvision that fits your torch, or leave the option out.",
        )
    return config


def resolved_options(method: LibraryMethod, options: Mapping[str, Any]) -> dict[str, Any]:
    """Every field of a method's configuration, as it comes out with `options`."""
    config = method_config(method, options)
    if not method.parts:
        return dataclasses.asdict(config)
    return {
        f"{part}.{name}": value
        for part, one in zip(method.parts, config.configs, strict=True)
        for name, value in dataclasses.asdict(one).items()
    }


def add_adapter(backbone: Any, name: str, method: LibraryMethod, options: Mapping[str, Any]) -> None:
    """Adds a new adapter called `name`; its weights are fp32 whatever the backbone's precision.

    Raises:
        CompatibilityError: The library does not know the architecture, would take its language modules out of it, or
            has no working form of the method for it.
    """
    if not hasattr(backbone, "adapters_config"):
        # It builds modules whose weights are replaced at once, with random numbers that would count as drawn.
        with torch.random.fork_rng(devices=[]):
            _prepare(backbone)
    _check_method(backbone.config, method)
    before = set(backbone.parameters())
    backbone.add_adapter(name, config=method_config(method, options))
    for parameter in set(backbone.parameters()) - before:
        parameter.requires_grad_(False)


def _check_method(config: Any, method: LibraryMethod) -> None:
    """Refuses what the library offers and does not do."""
    reason = ""
    with_prefix = method.config == "PrefixTuningConfig" or "prefix_tuning" in method.parts
    if with_prefix and config.model_type in _WITHOUT_PREFIX:
        reason = "in a padded batch, no token sees the prefix"
    elif method.config == "VeraConfig" and (
        config.model_type == "modernbert"
        or getattr(config, "num_key_value_heads", None) not in (None, config.num_attention_heads)
    ):
        reason = "its matrices do not fit queries and values of different sizes"
    if reason:
        raise CompatibilityError(
            f"Method {method.name} of the adapters library does not work on {config.model_type!r} backbones: {reason}.",
            remedy="Use another method, such as seq_bn or peft:lora.",
        )


def _prepare(backbone: Any) -> None:
    """Makes a backbone take adapters, if the library knows its architecture."""
    model_type = backbone.config.model_type
    remedy = "Use a method of peft, such as peft:lora, or full."
    if model_type == "xmod":
        raise CompatibilityError(
            "The adapters library takes the language modules out of an xmod backbone.", remedy=remedy
        )
    known = {path for path, _ in backbone.named_parameters()}
    try:
        adapters.init(backbone)
    except (AttributeError, TypeError, ValueError) as error:
        raise CompatibilityError(
            f"The adapters library cannot adapt {model_type!r} backbones.", remedy=remedy
        ) from error
    # In the place of ModernBERT's joint queries, keys and values it puts a layer with a bias of random numbers.
    for path in [path for path, _ in backbone.named_parameters() if path not in known]:
        owner, _, name = path.rpartition(".")
        setattr(backbone.get_submodule(owner), name, None)


def trainable(backbone: Any, name: str) -> list[nn.Parameter]:
    """The weights of an adapter that its method trains."""
    for projection in _projections(backbone, name):
        if not is_parametrized(projection):  # it was settled when it was stored
            orthogonal(projection)
            projection.parametrizations.weight.original.requires_grad_(False)
    flags = {parameter: parameter.requires_grad for parameter in backbone.parameters()}
    training, active = backbone.training, backbone.active_adapters
    backbone.train_adapter(name)
    found = [parameter for parameter in flags if parameter.requires_grad]
    for parameter, wanted in flags.items():
        parameter.requires_grad_(wanted)
    backbone.train(training)
    backbone.set_active_adapters(active)
    return found


def settle(backbone: Any, name: str) -> None:
    """Turns the rotations of LoReFT, which torch computes from far larger matrices, into plain weights."""
    for projection in _projections(backbone, name):
        if is_parametrized(projection):
            trained = projection.parametrizations.weight.original.requires_grad
            remove_parametrizations(projection, "weight")
            projection.weight.requires_grad_(trained)


def _projections(backbone: Any, name: str) -> list[Any]:
    """The projections of an adapter that are to stay orthogonal."""
    config = backbone.adapters_config.get(name)
    if not getattr(config, "orthogonality", False):
        return []
    ending = re.compile(rf"\.refts\.{re.escape(name)}\.units\.\d+\.projection$")
    return [module for path, module in backbone.named_modules() if ending.search(path) and hasattr(module, "weight")]


def containers(backbone: Any, name: str) -> list[str]:
    """Paths of the modules that have a part of the adapter, or of the fusion of adapters, called `name`."""
    return [
        f"{path}.{own}" if path else own
        for path, module in backbone.named_modules()
        for own, child in module.named_children()
        if own in _CONTAINERS and has_part(child, name)
    ]


def add_fusion(backbone: Any, names: Sequence[str]) -> None:
    """Adds frozen AdapterFusion layers (Pfeiffer et al. 2021) over the adapters `names`."""
    before = set(backbone.parameters())
    backbone.add_adapter_fusion(list(names))
    for parameter in set(backbone.parameters()) - before:
        parameter.requires_grad_(False)


def activate(backbone: Any, blocks: Sequence[Block]) -> None:
    """Makes the forward pass go through `blocks`, the first nearest to the backbone."""
    parts: list[Any] = []
    for block in blocks:
        if block.kind == "fuse":
            parts.append(Fuse(*block.names))
        elif block.kind == "average":
            # As given: weights that do not sum up to one are meant so.
            parts.append(Average(*block.names, weights=list(block.weights), normalize_weights=False))
        else:
            parts += block.names
    backbone.set_active_adapters(Stack(*parts) if len(parts) > 1 else parts[0] if parts else None)


@contextmanager
def mixed(backbone: Any, stacks: Sequence[Sequence[str]], sizes: Sequence[int]) -> Iterator[None]:
    """While it lasts, the first `sizes[0]` sequences of a batch go through the adapters `stacks[0]`, and so on."""
    children = [Stack(*names) if len(names) > 1 else names[0] for names in stacks]
    with AdapterSetup(BatchSplit(*children, batch_sizes=list(sizes)) if len(children) > 1 else children[0]):
        yield


def merges_into_backbone(method: LibraryMethod) -> bool:
    """Whether an adapter of a method alone can become part of the backbone's weights."""
    return method.config in _INTO_WEIGHTS


def merge_into_backbone(backbone: Any) -> None:
    """Makes the active adapter part of the backbone's weights; it stays beside them, out of use.

    Raises:
        CompatibilityError: Its effect depends on the text, as with gates.
    """
    (name,) = backbone.active_adapters.flatten()
    try:
        backbone.merge_adapter(name)
    except ValueError as error:
        raise CompatibilityError(
            f"The adapter {name} cannot become part of the backbone: {str(error).rstrip('.')}.",
            remedy="Leave it as an adapter.",
        ) from error
    finish_merging(backbone, name)


def merge(backbone: Any, name: str, sources: Sequence[str], method: LibraryMethod, options: MergeOptions) -> None:
    """Adds the adapter `name` made of others, which are then deleted.

    Linear combinations of LoRA turn the sign of B alone where a weight is negative (Zhang et al. 2023).
    """
    strategy = _MERGES[options.kind]
    flags = {parameter: parameter.requires_grad for parameter in backbone.parameters()}
    if options.kind == "arithmetic" and method.config == "LoRAConfig":
        strategy = "lora_linear_only_negate_b"
    # The library multiplies by alpha / r, and takes the first source's alpha whatever the new rank is.
    factor = 1.0
    if options.rank is not None:
        factor = options.rank / backbone.adapters_config.get(sources[0]).r
    backbone.average_adapter(
        name,
        list(sources),
        weights=list(options.weights),
        combine_strategy=strategy,
        normalize_weights=False,
        svd_rank=options.rank,
    )
    for source in sources:
        backbone.delete_adapter(source)
    with torch.no_grad():
        for path, parameter in backbone.named_parameters():
            if factor != 1.0 and path.endswith(f".loras.{name}.lora_B"):
                parameter.mul_(factor)
    for parameter in backbone.parameters():
        parameter.requires_grad_(flags.get(parameter, False))


def add_sum(backbone: Any, name: str, weights: Mapping[str, float]) -> None:
    """Adds the frozen adapter `name`, each of whose weights is the weighted sum of those of others, which stay.

    Args:
        weights: Adapter to its weight; their configurations are the same.
    """
    before = set(backbone.parameters())
    with torch.random.fork_rng(devices=[]):  # the library draws weights, and puts the sums in their place
        backbone.average_adapter(name, list(weights), weights=list(weights.values()), normalize_weights=False)
    for parameter in set(backbone.parameters()) - before:
        parameter.requires_grad_(False)


def merged_method(method: LibraryMethod, options: Mapping[str, Any], rank: int | None) -> dict[str, Any]:
    """`name` and `options` of the method with which an adapter that `merge` made is built again."""
    return {"name": method.name, "options": {**options, **({} if rank is None else {"r": rank})}}


def regularization(backbone: Any) -> torch.Tensor | None:
    """What AdapterFusion adds to the loss of a step: value matrices are kept near the identity."""
    return backbone.get_fusion_regularization_loss() if hasattr(backbone, "adapters_config") else None


def into_vocabulary(backbone: Any, hidden: torch.Tensor) -> torch.Tensor:
    """Hidden states `(batch, seq, hidden)` through the inverse of the active invertible adapter, if there is one."""
    if not hasattr(backbone, "invertible_adapters_forward"):
        return hidden
    return backbone.invertible_adapters_forward(hidden, rev=True)


def attention(output: Any) -> dict[int, list[torch.Tensor]]:
    """Attention `(batch, seq, sources)` of a forward pass that was asked for it, by layer and place in the layer."""
    found: dict[int, list[torch.Tensor]] = {}
    for layers in (getattr(output, "adapter_fusion_attentions", None) or {}).values():
        for layer, places in layers.items():
            found.setdefault(int(layer), []).extend(torch.as_tensor(values) for values in places.values())
    return found


def model_with_heads(config: Any) -> Any:
    """The library's own model of an architecture, with places for heads; None where it has none.

    Args:
        config: It is written into, so it is not to be used again.
    """
    if type(config) not in adapters.AutoAdapterModel._model_mapping:
        return None
    return adapters.AutoAdapterModel.from_config(config)


def saved_names(model: Any, what: str, name: str) -> list[str]:
    """Names of the tensors that the library saves of an `adapter`, a `fusion` or a `head`."""
    belongs = _LOADERS[what](model).filter_func(name)
    return [path for path in model.state_dict() if belongs(path)]


def saved_config(model: Any, what: str, name: str) -> dict[str, Any]:
    """What the library writes beside the tensors of an `adapter`, a `fusion` or a `head`."""
    more: dict[str, Any] = {}
    if what == "adapter":
        config = model.adapters_config.get(name)
    elif what == "fusion":
        config, names = model.adapters_config.get_fusion(name)
        more = {"adapter_names": names}
    else:
        config, more = model.heads[name].config, {"save_id2label": True}
    own = {"name": name, "model_name": model.model_name, "model_class": type(model).__name__}
    return build_full_config(config, model.config, **own, **more)


def modern_names(path: str) -> str:
    """A tensor's name in a file that an earlier version of the library wrote, as this one calls it."""
    for old, new in AdapterLoader.legacy_weights_mapping.items():
        path = path.replace(old, new)
    return path


def read_config(told: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The fields of an adapter's configuration, of each of its parts, as this version of the library reads its file.

    Args:
        told: What a file has beside the tensors: `config`, which may be a name, and `version`.

    Raises:
        ValueError, TypeError, KeyError: The library would not take it.
    """
    config = copy.deepcopy(told.get("config"))
    if type(config) is str:  # the library would open a file of this name
        config = ADAPTER_CONFIG_MAP[config].to_dict()
    if type(config) is not dict:
        raise TypeError(f"config is {type(config).__name__} where an object is due")
    if "version" not in told and config.get("non_linearity") in ACTIVATION_RENAME:
        config["non_linearity"] = ACTIVATION_RENAME[config["non_linearity"]]
    AdapterLoader._fix_backward_compat(None, {**told, "config": config})
    parsed = AdapterConfig.load(config)
    parts = parsed.configs if parsed.architecture == "union" else [parsed]
    return [{**vars(one), **dataclasses.asdict(one)} for one in parts]
