"""Task heads: small modules over the encoder's last hidden state, equal in form to those of `transformers`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from adapterstilts.registry import Registry
from adapterstilts.tasks.kind import HeadSpec

HEADS: Registry[Callable[[int, int], nn.Module]] = Registry("head")
"""Name to `(hidden size, outputs) -> module`; its forward returns `logits`, and `loss` when it is given labels."""


@HEADS.register("span")
class SpanHead(nn.Module):
    """Start and end scores for each token, as in `transformers`' question answering heads."""

    def __init__(self, hidden_size: int, outputs: int) -> None:
        super().__init__()
        self.qa_outputs = nn.Linear(hidden_size, outputs)

    def forward(
        self,
        hidden: torch.Tensor,
        attention_mask: torch.Tensor,
        *,
        start_positions: torch.Tensor | None = None,
        end_positions: torch.Tensor | None = None,
        **_: Any,
    ) -> dict[str, torch.Tensor]:
        """Scores spans.

        Args:
            hidden: `(batch, seq, hidden)`.
            attention_mask: `(batch, seq)`; padding can be neither start nor end, so it does not change the loss.
            start_positions: `(batch,)` token indices.
            end_positions: `(batch,)` token indices.

        Returns:
            `logits` `(batch, seq, 2)` in fp32, and `loss`, the mean cross entropy of start and end.
        """
        logits = self.qa_outputs(hidden).float()
        logits = logits.masked_fill(~attention_mask.bool()[..., None], torch.finfo(logits.dtype).min)
        result = {"logits": logits}
        if start_positions is not None and end_positions is not None:
            start_loss = functional.cross_entropy(logits[..., 0], start_positions)
            end_loss = functional.cross_entropy(logits[..., 1], end_positions)
            result["loss"] = (start_loss + end_loss) / 2
        return result


def build_head(spec: HeadSpec, *, hidden_size: int, initializer_range: float) -> nn.Module:
    """A new head with the backbone's weight initialisation: normal weights, zero biases."""
    head = HEADS.get(spec.name)(hidden_size, spec.outputs)
    for module in head.modules():
        if isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, std=initializer_range)
            nn.init.zeros_(module.bias)
    return head
