"""The whole models of `transformers` that adapters and backbones are saved in: with a head of our form, or without."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from adapterstilts.modeling.backbone import Backbone, loading_class, masked_lm_parts, without_pooler
from adapterstilts.modeling.blocks import HeadDescription
from adapterstilts.modeling.exchange.forms import PROBLEMS, Form, transformers_form
from adapterstilts.modeling.heads import build_head


@dataclass(frozen=True)
class Outer:
    """One class of models for one architecture.

    Attributes:
        auto_class: What loads it.
        inside: What has to be called on a loaded model to get to the encoder; empty where the model is wanted.
        prefix: What stands before the names of the encoder's modules in it.
        settings: What its configuration says besides that of the backbone.
        heads: Their modules of the head to ours.
        task_type: What `peft` calls it.
        options: What it is built with.
    """

    backbone: Backbone
    auto_class: str
    inside: str
    prefix: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    heads: Mapping[str, str] = field(default_factory=dict)
    task_type: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)

    def build(self) -> Any:
        """A new model on torch's meta device."""
        import transformers

        config = self.backbone.config()
        config.update(dict(self.settings))
        with torch.device("meta"):
            return getattr(transformers, self.auto_class).from_config(config, **self.options)

    def ours(self, path: str) -> str | None:
        """Our name of one of its tensors; None for those of heads that are not ours."""
        module, _, tensor = path.rpartition(".")
        for theirs, own in self.heads.items():
            if f"{module}.".startswith(f"{theirs}."):
                return f"{own}{module[len(theirs) :]}.{tensor}"
        return f"backbone.{path.removeprefix(self.prefix)}" if path.startswith(self.prefix) else None


def checkpoint_alone(backbone: Backbone) -> Outer:
    """The model that the encoder is saved in, without weights that the run does not have."""
    return dataclasses.replace(encoder_alone(backbone), options=without_pooler(backbone.config()))


def encoder_alone(backbone: Backbone) -> Outer:
    """The model that the encoder is loaded by."""
    auto_class, inside = loading_class(backbone.config())
    outer = Outer(backbone, auto_class, inside, "", {}, {}, None if inside else "FEATURE_EXTRACTION")
    if not inside:
        return outer
    model = outer.build()
    encoder = getattr(model, inside.strip(".()"))()
    (prefix,) = [path for path, module in model.named_modules() if module is encoder]
    return Outer(backbone, auto_class, inside, f"{prefix}.")


def with_head(backbone: Backbone, task: str, head: HeadDescription, labels: Sequence[str]) -> Outer | None:
    """The model with a head that is the same function as ours; None where `transformers` has none."""
    import transformers

    config = backbone.config()
    if head.name == "masked_lm":
        return _for_masked_lm(backbone, task)
    form = transformers_form(head, config)
    if form is None or type(config) not in getattr(transformers, form.name)._model_mapping:
        return None
    settings: dict[str, Any] = {}
    if head.name in ("classification", "token", *PROBLEMS):
        settings = {"num_labels": head.outputs}
        if len(set(labels)) == head.outputs:
            names = dict(enumerate(labels))
            settings = {"id2label": names, "label2id": {name: index for index, name in names.items()}}
    if head.name in PROBLEMS:
        settings["problem_type"] = PROBLEMS[head.name]
    outer = Outer(backbone, form.name, "", "", settings)
    model = outer.build()
    base = model.base_model_prefix
    modules = {theirs.format(base=base): f"heads.{task}.{ours}" for ours, theirs in form.modules.items()}
    outer = Outer(backbone, form.name, "", f"{base}.", settings, modules, form.task_type)
    return outer if _is_alike(outer, model, form, head) else None


def _is_alike(outer: Outer, model: Any, form: Form, head: HeadDescription) -> bool:
    """Whether the model has our encoder in it, and layers of the head with the shapes of ours."""
    with torch.device("meta"):
        encoder = outer.backbone.random_encoder()
        own = build_head(head.spec(), config=outer.backbone.config())
    if type(getattr(model, model.base_model_prefix, None)) is not type(encoder):
        return False
    parameters = dict(model.named_parameters())
    for path, tensor in own.named_parameters():
        module, _, name = path.rpartition(".")
        theirs = form.modules.get(module, "").format(base=model.base_model_prefix)
        found = parameters.pop(f"{theirs}.{name}", None)
        if found is None or found.shape != tensor.shape:
            return False
    return all(path.startswith(outer.prefix) for path in parameters)


def _for_masked_lm(backbone: Backbone, task: str) -> Outer | None:
    auto_class = "AutoModelForMaskedLM"
    outer = Outer(backbone, auto_class, "", "")
    model = outer.build()
    parts = masked_lm_parts(model)
    own = [f"heads.{task}.decoder"] if len(parts) == 1 else [f"heads.{task}.decoder.{i}" for i in range(len(parts))]
    heads = dict(zip(parts, own, strict=True))
    return Outer(backbone, auto_class, "", f"{model.base_model_prefix}.", {}, heads) if parts else None
