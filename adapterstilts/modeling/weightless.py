"""Models on torch's meta device: all names and shapes of a model, and none of its numbers."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from adapterstilts.modeling.architecture import share_used
from adapterstilts.modeling.backbone import Backbone

if TYPE_CHECKING:
    import torch
    from torch import nn


class WeightlessBackbone(Backbone):
    """A backbone whose encoder and decoder have shapes and no numbers."""

    def encoder(self, dtype: torch.dtype, *, frozen: bool = False) -> nn.Module:
        """The encoder on torch's meta device."""
        import torch

        with torch.device("meta"):
            return self.random_encoder()

    def _masked_lm_model(self) -> tuple[Any, list[str]]:
        import torch
        from transformers import AutoModelForMaskedLM

        with torch.device("meta"):
            return AutoModelForMaskedLM.from_config(self.config()), []


def weightless(backbone: Backbone) -> WeightlessBackbone:
    """The same backbone without numbers; weights in 4 bits are taken for whole ones, which have other shapes."""
    values = {field.name: getattr(backbone, field.name) for field in dataclasses.fields(Backbone)}
    return WeightlessBackbone(**{**values, "quantization": None})


def parameters_used(backbone: Backbone) -> int:
    """How many of a backbone's parameters one token uses: all of them, but of experts those that it is sent to."""
    import torch

    named, config = weightless(backbone).encoder(torch.float32).named_parameters(), backbone.config()
    return round(sum(parameter.numel() * share_used(name, config) for name, parameter in named))
