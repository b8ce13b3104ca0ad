"""Heads that read one vector of a text or pair: a label, several labels, a number, or one score among several."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from adapterstilts.modeling.architecture import default_pooling, dropout
from adapterstilts.modeling.head import HEADS, IGNORED, Head, pool


class PooledTokenHead(Head):
    """Scores from one vector of a sequence, with the form of `transformers`' RoBERTa classification heads.

    A head that is built on it says in its `forward` what the scores are trained for.

    Args:
        pooling: How the vector is made, as in `pool`; by default what suits the backbone's architecture.
    """

    def __init__(self, config: Any, outputs: int, *, pooling: str | None = None) -> None:
        super().__init__(config, outputs)
        self.pooling = pooling or default_pooling(config)
        self.dense = nn.Linear(config.hidden_size, config.hidden_size)
        self.dropout = nn.Dropout(dropout(config))
        self.out_proj = nn.Linear(config.hidden_size, outputs)

    def scores(self, hidden: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """`(sequences, outputs)` in fp32."""
        # As sequences of one vector, which `as_alone` knows from other matrices.
        vectors = self.dropout(pool(hidden, attention_mask, self.pooling))[:, None]
        return self.out_proj(self.dropout(torch.tanh(self.dense(vectors)))).squeeze(1).float()


@HEADS.register("classification")
class ClassificationHead(PooledTokenHead):
    """A score for each label."""

    def forward(
        self, hidden: torch.Tensor, attention_mask: torch.Tensor, *, label: torch.Tensor | None = None, **_: Any
    ) -> dict[str, torch.Tensor]:
        """`logits` `(batch, outputs)` in fp32; `loss` for `label` `(batch,)`."""
        logits = self.scores(hidden, attention_mask)
        return {"logits": logits} | ({} if label is None else {"loss": functional.cross_entropy(logits, label)})


@HEADS.register("multi_label")
class MultiLabelHead(PooledTokenHead):
    """A score for each label by itself, above 0 for labels that are more likely than not."""

    def forward(
        self, hidden: torch.Tensor, attention_mask: torch.Tensor, *, label_set: torch.Tensor | None = None, **_: Any
    ) -> dict[str, torch.Tensor]:
        """Scores labels.

        Args:
            hidden: `(batch, seq, hidden)`.
            attention_mask: `(batch, seq)`.
            label_set: `(batch, most labels)`: numbers of each row's labels, -100 where there are no more.

        Returns:
            `logits` `(batch, outputs)` in fp32, and `loss`, the mean binary cross entropy over rows and labels.
        """
        logits = self.scores(hidden, attention_mask)
        if label_set is None:
            return {"logits": logits}
        # One place more, for what stands where there are no more labels.
        places = label_set.masked_fill(label_set == IGNORED, logits.shape[-1])
        wanted = functional.pad(torch.zeros_like(logits), (0, 1)).scatter(1, places, 1.0)[:, :-1]
        return {"logits": logits, "loss": functional.binary_cross_entropy_with_logits(logits, wanted)}


@HEADS.register("regression")
class RegressionHead(PooledTokenHead):
    """One number, trained for its squared distance to the target."""

    def forward(
        self, hidden: torch.Tensor, attention_mask: torch.Tensor, *, target: torch.Tensor | None = None, **_: Any
    ) -> dict[str, torch.Tensor]:
        """`logits` `(batch, 1)` in fp32; `loss`, the mean squared error, for `target` `(batch,)`."""
        logits = self.scores(hidden, attention_mask)
        if target is None:
            return {"logits": logits}
        return {"logits": logits, "loss": functional.mse_loss(logits.squeeze(-1), target.to(logits.dtype))}


@HEADS.register("choice")
class ChoiceHead(PooledTokenHead):
    """One score for each sequence, compared with those of the same feature."""

    def items(self, batch: Mapping[str, torch.Tensor]) -> int:
        """The number of rows, each of several sequences."""
        return len(batch["sequences"])

    def forward(
        self,
        hidden: torch.Tensor,
        attention_mask: torch.Tensor,
        *,
        sequences: torch.Tensor,
        label: torch.Tensor | None = None,
        **_: Any,
    ) -> dict[str, torch.Tensor]:
        """`logits` `(batch, most choices)`, -inf where a row has no such choice; `loss` for `label` `(batch,)`."""
        scores = self.scores(hidden, attention_mask).squeeze(-1)
        places = torch.arange(int(sequences.max()), device=scores.device) < sequences[:, None]
        logits = scores.new_full(places.shape, -torch.inf).masked_scatter(places, scores)
        return {"logits": logits} | ({} if label is None else {"loss": functional.cross_entropy(logits, label)})
