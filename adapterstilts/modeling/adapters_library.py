"""The only door to the `adapters` library."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import adapters
from adapters.composition import Stack
from torch import nn

from adapterstilts.errors import UsageError, unknown

_CONFIGS = {"seq_bn": adapters.SeqBnConfig}


def method_config(method: str, options: Mapping[str, Any]) -> adapters.AdapterConfig:
    """A new configuration object; the library writes into them, so one is never used twice.

    Raises:
        UsageError: The library does not know one of the options.
    """
    config = _CONFIGS[method]
    names = {entry.name for entry in dataclasses.fields(config)}
    for option in options:
        if option not in names:
            raise unknown(f"option of method {method}", option, names)
    try:
        return config(**options)
    except (TypeError, ValueError) as error:
        raise UsageError(f"Method {method} with options {dict(options)}: {error}.") from error


def resolved_options(method: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Every field of a method's configuration, as it comes out with `options`."""
    return dataclasses.asdict(method_config(method, options))


def add_adapter(backbone: Any, name: str, method: str, options: Mapping[str, Any]) -> None:
    """Adds a new adapter called `name`; its weights are fp32 whatever the backbone's precision."""
    if not hasattr(backbone, "adapters_config"):
        adapters.init(backbone)
    backbone.add_adapter(name, config=method_config(method, options))


def activate(backbone: Any, names: Sequence[str]) -> None:
    """Makes the forward pass go through the adapters `names`, the first nearest to the backbone."""
    backbone.set_active_adapters(Stack(*names) if len(names) > 1 else names[0])


def adapter_parameters(backbone: Any, name: str) -> list[nn.Parameter]:
    """The weights of one adapter."""
    return [
        parameter
        for layer in backbone.get_adapter(name).values()
        for module in layer.values()
        for parameter in module.parameters()
    ]
