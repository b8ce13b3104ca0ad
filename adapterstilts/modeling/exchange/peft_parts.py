"""Adapters in the files of the `peft` library, with the head in them where `transformers` has one of its form."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from adapterstilts.errors import CompatibilityError
from adapterstilts.modeling import peft_library
from adapterstilts.modeling.backbone import Backbone
from adapterstilts.modeling.blocks import AdapterDescription
from adapterstilts.modeling.exchange.layout import Layout
from adapterstilts.modeling.exchange.origin import Origin
from adapterstilts.modeling.exchange.outer import Outer
from adapterstilts.modeling.exchange.parts import Kind, Part, Tensors
from adapterstilts.modeling.methods import METHODS
from adapterstilts.modeling.ownership import paths_in

ADAPTER = "adapter_model.safetensors"
_CONFIG = "adapter_config.json"
_CALLED = "default"
MODEL = "base_model.model."


@dataclass(frozen=True)
class _Adapted:
    """An encoder on torch's meta device with one adapter.

    Attributes:
        paths: Every path of a tensor of the adapter in the encoder to our name of it.
        fixed: Our names of tensors that the library does not save, and the value that they have.
    """

    encoder: Any
    config: Any
    paths: Mapping[str, str]
    fixed: Mapping[str, float]

    @classmethod
    def of(cls, backbone: Backbone, adapter: AdapterDescription, *, before: str) -> _Adapted:
        """Puts an adapter on the outline of a backbone.

        Args:
            before: What our names of its tensors begin with.
        """
        with torch.device("meta"):
            encoder = backbone.random_encoder()
            method, options = METHODS.get(adapter.method.name), adapter.method.options
            plain = peft_library.planned_config(encoder, method, options)
            peft_library.add_adapter(encoder, _CALLED, method, options)
        containers = [f"backbone.{one}" for one in peft_library.containers(encoder, _CALLED)]
        first: dict[int, str] = {}
        paths = {}
        for path, tensor in _all_tensors(encoder).items():
            inside = f"backbone.{path}"
            if ours := paths_in(containers, [inside], _CALLED, called=adapter.name).get(inside):
                paths[path] = first.setdefault(id(tensor), f"{before}{ours}")
        fixed = {paths[path]: value for path, value in peft_library.not_saved(encoder, _CALLED).items()}
        return cls(encoder, plain, paths, fixed)

    def checked(self, tensors: Tensors) -> dict[str, torch.Tensor]:
        """The tensors, once those that the library does not save are known to have the value that it gives them.

        Raises:
            CompatibilityError: One has another.
        """
        for name, value in self.fixed.items():
            if not torch.equal(tensors[name], torch.full_like(tensors[name], value)):
                raise CompatibilityError(
                    f"{name} is not {value}, which peft takes it for.",
                    remedy="Keep the run in the format of this package.",
                )
        return dict(tensors)

    def complete(self, tensors: Tensors) -> dict[str, torch.Tensor]:
        """The tensors with those that the library does not save."""
        return {**tensors, **{name: torch.full((1,), value) for name, value in self.fixed.items()}}

    def configs(self, outer: Outer) -> Iterator[Any]:
        """Ways of saying where the adapter is, the plainest first."""
        yield dataclasses.replace(self.config)
        targets = peft_library.targets(self.encoder)
        named: dict[str, Any] = {"target_modules": [f"{outer.prefix}{path}" for path in targets]}
        if hasattr(self.config, "feedforward_modules"):
            inputs = [path for path in targets if self.encoder.get_submodule(path).is_feedforward]
            named["feedforward_modules"] = [f"{outer.prefix}{path}" for path in inputs]
        if hasattr(self.config, "exclude_modules"):
            named["exclude_modules"] = None
        yield dataclasses.replace(self.config, **named)


def peft_part(
    backbone: Backbone,
    adapter: AdapterDescription,
    outers: Sequence[Outer],
    origin: Origin,
    *,
    folder: str,
    merged: bool = False,
) -> tuple[Part, Outer]:
    """An adapter as files, and the model that they are for: the first of `outers` on which the library puts it alike.

    Raises:
        CompatibilityError: It puts it otherwise on all of them.
    """
    adapted = _Adapted.of(backbone, adapter, before="merged." if merged else "")
    for outer in outers:
        for config in adapted.configs(outer):
            model = _wrapped(outer, config, head=not merged)
            if (layout := _layout(adapted, outer, model, head=not merged)) is not None:
                content = peft_library.saved_config(model, origin.base, origin.revision)
                kind: Kind = "merged" if merged else "adapter"
                return Part(
                    folder, kind, adapter.name, (layout,), {_CONFIG: content}, adapted.checked, adapted.complete
                ), outer
    raise CompatibilityError(
        f"The peft library puts {adapter.method} on other modules of {backbone.name} with a head than without.",
        remedy="Keep the run in the format of this package.",
    )


def _wrapped(outer: Outer, config: Any, *, head: bool) -> Any:
    """The library's model of a whole model of `transformers`, with the head as modules to save."""
    config.task_type = outer.task_type if head else None
    modules = sorted({theirs.removeprefix(outer.prefix).partition(".")[0] for theirs in outer.heads})
    config.modules_to_save = modules if head and modules else None
    if hasattr(config, "save_projection"):
        config.save_projection = True
    with torch.device("meta"):
        return peft_library.wrapped(outer.build(), config)


def _layout(adapted: _Adapted, outer: Outer, model: Any, *, head: bool) -> Layout | None:
    """The library's file of an adapter; None where it is not that of the encoder's adapter, and the head."""
    paths: dict[int, list[str]] = {}
    for path, tensor in _all_tensors(model).items():
        paths.setdefault(id(tensor), []).append(path)
    saved, own, names = peft_library.saved_tensors(model), _all_tensors(adapted.encoder), {}
    shapes = {ours: own[path].shape for path, ours in adapted.paths.items()}
    for theirs, tensor in saved.items():
        inside = theirs.removeprefix(MODEL)
        ours = [
            adapted.paths[inner]
            for path in paths[id(tensor)]
            if (inner := path.removeprefix(f"{MODEL}{outer.prefix}")) in adapted.paths
        ]
        if ours and shapes[ours[0]] == tensor.shape:
            names[theirs] = ours[0]
        elif head and not ours and (belongs := outer.ours(inside)) is not None and belongs.startswith("heads."):
            names[theirs] = belongs
        else:
            return None
    wanted = set(shapes) - set(adapted.fixed)
    if {ours for ours in names.values() if not ours.startswith("heads.")} != wanted:
        return None
    return Layout(ADAPTER, names, saved, _spelled(outer, adapted.encoder.base_model_prefix, names))


def _spelled(outer: Outer, base: str, names: Container[str]) -> Callable[[str], str]:
    """Names of files that were written from another model around the same encoder."""

    def spelled(name: str) -> str:
        inside = name.removeprefix(MODEL)
        without = [inside.removeprefix(f"{one}.") for one in (base, "model", "transformer")]
        forms = (name, *(f"{MODEL}{outer.prefix}{one}" for one in (inside, *without)))
        return next((one for one in forms if one in names), name)

    return spelled


def _all_tensors(model: Any) -> dict[str, torch.Tensor]:
    """Every parameter, and every buffer that belongs into a file, by each of its names."""
    buffers, kept = dict(model.named_buffers(remove_duplicate=False)), model.state_dict().keys()
    parameters = dict(model.named_parameters(remove_duplicate=False))
    return {**parameters, **{path: tensor for path, tensor in buffers.items() if path in kept}}
