"""Telling which model is in a folder that another library wrote."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from adapterstilts.errors import CompatibilityError
from adapterstilts.modeling.backbone import Backbone
from adapterstilts.modeling.blocks import AdapterDescription, Block, HeadDescription, ModelDescription
from adapterstilts.modeling.exchange.checkpoints import LEFT_OUT, checkpoint_files
from adapterstilts.modeling.exchange.claims import MODEL_CONFIG, Claims, check_claims, read_claims
from adapterstilts.modeling.exchange.foreign_adapters import adapters_head, adapters_method
from adapterstilts.modeling.exchange.foreign_heads import head_in
from adapterstilts.modeling.exchange.foreign_peft import peft_head, peft_method
from adapterstilts.modeling.exchange.meta_model import encoder_names
from adapterstilts.modeling.exchange.strict_json import read_object
from adapterstilts.modeling.exchange.weights import Weights
from adapterstilts.modeling.methods import METHODS
from adapterstilts.modeling.trial import try_method
from adapterstilts.runs.specs import MethodSpec
from adapterstilts.settings import Strict

# Fields of a model's configuration that do not change what it computes from given weights.
_WITHOUT_EFFECT = (
    "_name_or_path", "architectures", "dtype", "finetuning_task", "gradient_checkpointing", "id2label",
    "initializer_range", "label2id", "num_labels", "problem_type", "return_dict", "tie_word_embeddings", "torch_dtype",
    "transformers_version", "use_cache", "output_attentions", "output_hidden_states",
)  # fmt: skip


class Recognised(Strict):
    """What a folder that another library wrote was found to hold.

    Attributes:
        description: The model, as a run of it would say.
        claims: What the folder says of itself.
        labels: Names of the head's labels in order, where they are told.
        left_out: What is in the folder and not in the model, and why; a sentence each.
    """

    description: ModelDescription
    claims: Claims
    labels: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()


def recognise(folder: Path, backbone: Backbone, *, name: str, allow_pickle: bool = False) -> Recognised:
    """Tells which method, options and head the files of a folder are, without reading a tensor of safetensors files.

    Args:
        name: What adapter and head are going to be called.
        allow_pickle: Whether weights that are there as pickles alone are read, as plain tensors.

    Raises:
        SharingError: A file is not what it should be.
        CompatibilityError: It is for another backbone, or of no method.
    """
    claims = read_claims(folder)
    config = backbone.config()
    check_claims(claims, config, where=str(folder))
    weights = Weights(folder, allow_pickle)
    labels: tuple[str, ...] = ()
    if claims.library == "adapters":
        method = adapters_method(weights)
        try_method(backbone, method)
        head, labels, why = adapters_head(weights, backbone, method)
    elif claims.library == "peft":
        method = peft_method(weights, backbone)
        try_method(backbone, method)
        head, why = peft_head(weights, backbone, method)
    else:
        method = MethodSpec(name="full")
        _check_config(folder, config)
        head, why = _checkpoint_head(weights, backbone)
    return Recognised(
        description=_description(backbone, method, name, head),
        claims=claims,
        labels=labels,
        left_out=(why,) if why else (),
    )


def _description(backbone: Backbone, method: MethodSpec, name: str, head: HeadDescription | None) -> ModelDescription:
    config = backbone.config()
    adds = METHODS.get(method.name).adds_adapter
    adapter = Block(kind="adapter", adapters=(AdapterDescription(name=name, method=method),)) if adds else None
    return ModelDescription(
        backbone=backbone.fingerprint,
        quantization=backbone.quantization,
        model_type=config.model_type,
        hidden_size=config.hidden_size,
        num_hidden_layers=config.num_hidden_layers,
        method=method,
        own_backbone=not adds,
        blocks=(adapter,) if adapter else (),
        heads={name: head} if head else {},
    )


def _check_config(folder: Path, config: Any) -> None:
    """Refuses a checkpoint that computes otherwise than the backbone's own."""
    told, own = read_object(folder / MODEL_CONFIG), config.to_dict()
    for field, value in told.items():
        matters = field in own and field not in _WITHOUT_EFFECT and "dropout" not in field
        if matters and value != own[field]:
            here = str(own[field])[:80]
            raise CompatibilityError(
                f"{folder / MODEL_CONFIG}: {field} is {str(value)[:80]!r}, and that of the backbone {here!r}.",
                remedy="Use the backbone that it was trained from.",
            )


def _checkpoint_head(weights: Weights, backbone: Backbone) -> tuple[HeadDescription | None, str]:
    known, base = encoder_names(backbone)
    shapes: dict[str, tuple[int, ...]] = {}
    for file in checkpoint_files(weights):
        for name, entry in weights.entries(file).items():
            if name.removeprefix(f"{base}.") not in known:
                shapes[name] = entry.shape
    if head := head_in(shapes, backbone, base):
        return head, ""
    shapes = {name: shape for name, shape in shapes.items() if not set(name.split(".")) & set(LEFT_OUT)}
    return _pretrained_head(shapes, weights)


def _pretrained_head(shapes: Mapping[str, Any], weights: Weights) -> tuple[HeadDescription | None, str]:
    architectures = read_object(weights.folder / MODEL_CONFIG).get("architectures")
    if not shapes:
        return None, ""
    if str(architectures).rstrip("']").endswith("ForMaskedLM"):
        return HeadDescription(name="masked_lm", outputs=0), ""
    raise CompatibilityError(
        f"{weights.folder} has a head with {', '.join(sorted(shapes)[:4])}, whose form no head here has.",
        remedy="Save its backbone alone: `model.base_model.save_pretrained`.",
    )
