"""Tuning methods: what is trained, by which library, and where it can be used."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from adapterstilts.errors import UsageError
from adapterstilts.registry import Registry
from adapterstilts.specs import MethodSpec


@dataclass(frozen=True)
class Method:
    """One way of tuning a backbone.

    Attributes:
        library: The library that implements it; `transformers` stands for the backbone's own weights.
        family: `full` changes the backbone; `adapter` leaves it frozen and adds weights.
        compositions: How its intermediate weights can enter a target phase; the first is the default.
        defaults: Settings that differ from those published for full fine-tuning.
    """

    name: str
    summary: str
    library: Literal["transformers", "adapters"]
    family: Literal["full", "adapter"]
    compositions: tuple[str, ...]
    defaults: Mapping[str, Any] = field(default_factory=dict)

    def resolve(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """All options of the method's library, those that are not given at their defaults.

        Raises:
            UsageError: The library does not know one of the options.
        """
        if self.library == "adapters":
            from adapterstilts.modeling.adapters_library import resolved_options

            return resolved_options(self.name, options)
        if options:
            raise UsageError(f"Method {self.name!r} has no options.", remedy=f"Write --method {self.name}.")
        return {}

    def normalize(self, spec: MethodSpec) -> MethodSpec:
        """The same method with only the options that differ from the library's defaults."""
        given, defaults = self.resolve(spec.options), self.resolve({})
        return MethodSpec(
            name=spec.name, options={name: given[name] for name in given if given[name] != defaults[name]}
        )


METHODS: Registry[Method] = Registry("method")

# The learning rate, length and patience that AdapterHub's recipes use for adapters.
_ADAPTER_DEFAULTS = {"learning_rate": 1e-4, "epochs": 15, "patience": 4}

METHODS.add(
    "full",
    Method(
        name="full",
        summary="every weight of the backbone (Phang et al. 2020)",
        library="transformers",
        family="full",
        compositions=("continue",),
    ),
)
METHODS.add(
    "seq_bn",
    Method(
        name="seq_bn",
        summary="a bottleneck after each feed-forward block (Pfeiffer et al. 2020)",
        library="adapters",
        family="adapter",
        compositions=("stack", "continue"),
        defaults=_ADAPTER_DEFAULTS,
    ),
)


def parse_method(text: str) -> MethodSpec:
    """Reads `name` or `name[option=value,option=value]`; values are JSON or else plain text.

    Raises:
        UsageError: The method is unknown or the text is not of this form.
    """
    name, bracket, inside = text.partition("[")
    METHODS.get(name)
    if not bracket:
        return MethodSpec(name=name)
    pairs = [pair.partition("=") for pair in inside.removesuffix("]").split(",") if pair]
    if not inside.endswith("]") or not pairs or any(not (key and equals) for key, equals, _ in pairs):
        raise UsageError(f"--method {text!r} cannot be read.", remedy="Write NAME[OPTION=VALUE,OPTION=VALUE].")
    return MethodSpec(name=name, options={key.strip(): _value(value.strip()) for key, _, value in pairs})


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text
