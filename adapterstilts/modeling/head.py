"""What all task heads are: their base, their registry, and how one vector is made of a sequence."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn

from adapterstilts.registry import Registry

IGNORED = -100
"""What stands where there is no label."""


class Head(nn.Module):
    """Base of all heads.

    Attributes:
        pretrained: Whether the weights come with the backbone; then they are trained only where the backbone is.
        layer: The hidden state that the head reads; None for the last.
    """

    pretrained = False
    layer: int | str | None = None

    def __init__(self, config: Any, outputs: int, **options: Any) -> None:
        super().__init__()

    def items(self, batch: Mapping[str, torch.Tensor]) -> int:
        """How many things the loss of a batch is a mean over: its rows, or its labelled tokens."""
        return len(batch["input_ids"])


HEADS: Registry[Callable[..., Head]] = Registry("head", modules=("modeling.heads", "modeling.text_heads"))
"""Name to a class or function that builds a head from the backbone's configuration, the number of outputs and the
head's options."""


def pool(hidden: torch.Tensor, attention_mask: torch.Tensor, pooling: str) -> torch.Tensor:
    """Vectors `(batch, width)` in fp32: the mean over real tokens, special ones included, or the `first` or `last`."""
    if pooling == "first":
        return hidden[:, 0].float()
    if pooling == "last":
        return hidden[torch.arange(len(hidden), device=hidden.device), attention_mask.sum(1) - 1].float()
    weights = attention_mask[..., None].float()
    return (hidden.float() * weights).sum(1) / weights.sum(1)
