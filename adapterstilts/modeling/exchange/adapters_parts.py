"""Adapters, their fusion and their heads in the files of the `adapters` library."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import torch

from adapterstilts.modeling.backbone import Backbone
from adapterstilts.modeling.blocks import AdapterDescription, HeadDescription
from adapterstilts.modeling.exchange.forms import Form
from adapterstilts.modeling.exchange.layout import Layout
from adapterstilts.modeling.exchange.orthogonal import matrices, parametrized, plain
from adapterstilts.modeling.exchange.parts import Part
from adapterstilts.modeling.methods import METHODS, adapters_library
from adapterstilts.modeling.ownership import paths_in

ADAPTER, HEAD, FUSION = "adapter.safetensors", "model_head.safetensors", "model_adapter_fusion.safetensors"
_CONFIGS = {"adapter": "adapter_config.json", "head": "head_config.json", "fusion": "adapter_fusion_config.json"}
_FILES = {"adapter": ADAPTER, "head": HEAD, "fusion": FUSION}


def _library() -> ModuleType:
    return adapters_library("An adapter in the files of AdapterHub")


@dataclass(frozen=True)
class LibraryModel:
    """A model of the `adapters` library on torch's meta device, which adapters and heads are put into.

    Attributes:
        prefix: What stands before the names of the backbone's modules.
        heads: The types of heads that it has places for; none if it is the encoder alone.
        base: What the model says that it was made of.
    """

    model: Any
    prefix: str
    heads: tuple[str, ...]
    base: str

    @classmethod
    def of(cls, backbone: Backbone, base: str) -> LibraryModel:
        """The library's own class for the architecture where it has one with our encoder, else the encoder alone."""
        with torch.device("meta"):
            encoder = backbone.random_encoder()
            model = _library().model_with_heads(backbone.config())
        inner = getattr(model, model.base_model_prefix, None) if model is not None else None
        # The library puts classes of its own in the places of those of `transformers`.
        if inner is not None and type(encoder) in type(inner).__mro__:
            return cls(model, f"{model.base_model_prefix}.", tuple(model.head_types), base)
        return cls(encoder, "", (), base)

    def add_adapter(self, adapter: AdapterDescription, *, called: str) -> None:
        """Adds an adapter under another name."""
        with torch.device("meta"):
            method = METHODS.get(adapter.method.name)
            _library().add_adapter(self.model, called, method, adapter.method.options)

    def add_fusion(self, names: Sequence[str]) -> None:
        """Adds the fusion layers over adapters that are there."""
        with torch.device("meta"):
            _library().add_fusion(self.model, names)

    def add_head(self, task: str, head: HeadDescription, form: Form, labels: Sequence[str]) -> None:
        """Adds a head of one of the library's forms."""
        config: dict[str, Any] = {
            "head_type": form.name,
            "layers": len(form.modules),
            "activation_function": "tanh",
            "id2label": dict(enumerate(labels)) if labels else None,
        }
        if form.name == "multiple_choice":
            config["num_choices"] = len(labels) or 2
        else:
            config["num_labels"] = head.outputs
        with torch.device("meta"):
            self.model.add_prediction_head_from_config(task, config)

    def part(self, kind: Any, name: str, *, folder: str, ours: Callable[[str], str]) -> Part:
        """One adapter, fusion or head that is in the model, as files.

        Args:
            name: What it is called in the model.
            ours: The name of each of the model's tensors with us.
        """
        what = "adapter" if kind == "merged" else kind
        names = _library().saved_names(self.model, what, name)
        first = _firsts(self.model)
        layout = Layout(
            _FILES[what],
            {path: ours(first[path]) for path in names},
            {path: self.model.get_buffer(path) if _is_buffer(self.model, path) else self.model.get_parameter(path)
             for path in names},
        )  # fmt: skip
        layout = dataclasses.replace(layout, spelled=self._spelled(layout.names))
        modules = matrices(layout.names)
        config = _library().saved_config(self.model, what, name) | {"model_name": self.base}
        return Part(
            folder, kind, name, (layout,), {_CONFIGS[what]: config},
            expand=lambda tensors: parametrized(tensors, modules), collapse=plain,
        )  # fmt: skip

    def _spelled(self, names: Container[str]) -> Callable[[str], str]:
        """Names of files that were written by an earlier version, or from a model without places for heads."""

        def spelled(name: str) -> str:
            modern = _library().modern_names(name)
            other = modern.removeprefix(f"{self.model.base_model_prefix}.") if not self.prefix else self.prefix + modern
            return next((one for one in (name, modern, other) if one in names), name)

        return spelled


def _firsts(model: Any) -> dict[str, str]:
    """Every name of a tensor to the first name of the same tensor: modules of several layers can be one."""
    firsts: dict[int, str] = {}
    found = {}
    for named in (model.named_parameters(remove_duplicate=False), model.named_buffers(remove_duplicate=False)):
        for path, tensor in named:
            found[path] = firsts.setdefault(id(tensor), path)
    return found


def _is_buffer(model: Any, path: str) -> bool:
    owner, _, name = path.rpartition(".")
    return name in model.get_submodule(owner)._buffers


def backbone_names(
    prefix: str, containers: Sequence[str] = (), called: str = "", name: str = ""
) -> Callable[[str], str]:
    """The way from the names of a library's model to ours.

    Args:
        prefix: What stands before the backbone's modules there.
        containers: Our paths of the modules that have a part of the adapter.
        called: The adapter's name there.
        name: Its name with us.
    """

    def ours(path: str) -> str:
        inside = f"backbone.{path.removeprefix(prefix)}"
        return paths_in(containers, [inside], called, called=name).get(inside, inside)

    return ours


def head_names(task: str, form: Form) -> Callable[[str], str]:
    """The way from the names of a head's tensors to ours."""
    modules = {theirs: ours for ours, theirs in form.modules.items()}

    def ours(path: str) -> str:
        module, _, tensor = path.rpartition(".")
        return f"heads.{task}.{modules[module.rpartition('.')[2]]}.{tensor}"

    return ours
