"""Adapters that scale what a layer gives, its bias too, as part of the layer's weights."""

from __future__ import annotations

from typing import Any

import torch


def finish_merging(backbone: Any, name: str) -> None:
    """Makes layers into which `adapters` has merged an adapter give what they gave with it beside them.

    The library scales the weights alone, where IA3 and DoRA scale a sum that has the bias in it, and takes DoRA's
    product of matrices without its factor of alpha.
    """
    for layer in backbone.modules():
        lora = layer.loras[name] if name in getattr(layer, "loras", ()) else None
        if lora is None:
            continue
        if lora.use_dora:
            scales = lora.m.weight.view(-1) / torch.linalg.norm(lora.dora_w_o + lora.delta_w, dim=1)
            layer.weight.data = scales[:, None] * (lora.dora_w_o + lora.scaling * lora.delta_w)
        elif lora.composition_mode == "scale":
            scales = lora.scaling * lora.delta_w.view(-1)
            scales = layer.pad(scales, lora) if hasattr(layer, "pad") else scales
        else:
            continue
        if layer.bias is not None:
            layer.bias.data = scales * layer.bias.data
