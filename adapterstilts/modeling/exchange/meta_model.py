"""The model that a description is of, on torch's meta device: which tensors its run keeps, and their shapes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from adapterstilts.modeling.backbone import Backbone
from adapterstilts.modeling.blocks import ModelDescription, ModelOutline
from adapterstilts.modeling.methods import trains_backbone
from adapterstilts.modeling.transfer_model import TransferModel
from adapterstilts.modeling.trial import explained
from adapterstilts.modeling.weightless import weightless


def model_on_meta(description: ModelDescription, backbone: Backbone) -> TransferModel:
    """Builds the model without its numbers, with all that its run keeps trainable or marked as changed.

    Raises:
        CompatibilityError: The backbone is another one, or a method does not work on it.
    """
    ModelOutline("The model", description).check_backbone(backbone, backbone.config())
    with torch.device("meta"), explained(backbone, description.method):
        model = TransferModel(weightless(backbone), method=description.method, precision="fp32", own_backbone=True)
        for block in description.blocks:
            model.add_block(block)
            if block.kind == "merged":
                model.merge_last()
        for task, head in description.heads.items():
            model.add_head(task, head.spec())
            model.train_head(task)
        model.settle()
        model.train_backbone()
        if description.own_backbone and not trains_backbone(description.method):  # trained by an earlier phase
            model.method = description.method.model_copy(update={"unfreeze_backbone": True})
            model.train_backbone()
    return model


def kept_tensors(model: TransferModel) -> Mapping[str, torch.Tensor]:
    """What a run keeps of the model, by name."""
    return dict(model.stored())


def encoder_names(backbone: Backbone) -> tuple[set[str], str]:
    """Names of the tensors of the encoder alone, and what models with a head call it."""
    with torch.device("meta"):
        encoder: Any = backbone.random_encoder()
    return set(encoder.state_dict()), encoder.base_model_prefix
