"""Task heads: small modules over the encoder's hidden states, equal in form to those of `transformers`.

Every head's forward takes `hidden` `(sequences, seq, width)` and `attention_mask` `(sequences, seq)`, returns `logits`,
and, when it is given labels, `loss`: a mean over as many things as `items` counts in the batch.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from adapterstilts.modeling.architecture import dropout, initializer_range
from adapterstilts.modeling.head import HEADS, IGNORED, Head, pool
from adapterstilts.modeling.text_heads import PooledTokenHead
from adapterstilts.tasks.kind import HeadSpec

__all__ = ["HEADS", "Head", "Heads", "PooledTokenHead", "build_head", "pool"]

_MASKED_BLOCK = 64


@HEADS.register("span")
class SpanHead(Head):
    """Start and end scores for each token, as in `transformers`' question answering heads."""

    def __init__(self, config: Any, outputs: int) -> None:
        super().__init__(config, outputs)
        self.qa_outputs = nn.Linear(config.hidden_size, outputs)

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


@HEADS.register("token")
class TokenHead(Head):
    """A score for each tag at each token, as in `transformers`' token classification heads."""

    def __init__(self, config: Any, outputs: int) -> None:
        super().__init__(config, outputs)
        self.dropout = nn.Dropout(dropout(config))
        self.classifier = nn.Linear(config.hidden_size, outputs)

    def items(self, batch: Mapping[str, torch.Tensor]) -> int:
        """The number of labelled tokens."""
        return int((batch["labels"] != IGNORED).sum())

    def forward(
        self, hidden: torch.Tensor, attention_mask: torch.Tensor, *, labels: torch.Tensor | None = None, **_: Any
    ) -> dict[str, torch.Tensor]:
        """`logits` `(batch, seq, outputs)` in fp32; `loss` for `labels` `(batch, seq)`, -100 where there is none."""
        logits = self.classifier(self.dropout(hidden)).float()
        if labels is None:
            return {"logits": logits}
        total = functional.cross_entropy(logits.flatten(0, 1), labels.flatten(), reduction="sum")
        return {"logits": logits, "loss": total / (labels != IGNORED).sum().clamp_min(1)}


@HEADS.register("pooled")
class PooledHead(Head):
    """A vector for each sequence, from any hidden state, without weights."""

    def __init__(self, config: Any, outputs: int, *, layer: int | str, pooling: str) -> None:
        super().__init__(config, outputs)
        self.layer = layer
        self.pooling = pooling

    def forward(self, hidden: torch.Tensor, attention_mask: torch.Tensor, **_: Any) -> dict[str, torch.Tensor]:
        """`logits` `(batch, width)`: the vectors, in fp32 and not normalised."""
        return {"logits": pool(hidden, attention_mask, self.pooling)}


@HEADS.register("vectors")
class VectorsHead(Head):
    """The vectors of all sequences of a feature, from the last hidden state, without weights."""

    def __init__(self, config: Any, outputs: int, *, pooling: str) -> None:
        super().__init__(config, outputs)
        self.pooling = pooling

    def forward(
        self, hidden: torch.Tensor, attention_mask: torch.Tensor, *, sequences: torch.Tensor | None = None, **_: Any
    ) -> dict[str, torch.Tensor]:
        """`logits` `(batch, most sequences * width)`: the vectors one after the other, in fp32, 0 where there is none.

        Args:
            hidden: `(sequences, seq, width)`.
            attention_mask: `(sequences, seq)`.
            sequences: `(batch,)`: how many each feature has; None where each has one.
        """
        vectors = pool(hidden, attention_mask, self.pooling)
        if sequences is None:
            return {"logits": vectors}
        each = vectors.split(sequences.tolist())
        return {"logits": nn.utils.rnn.pad_sequence(list(each), batch_first=True).flatten(1)}


@HEADS.register("dual_encoder")
class DualEncoderHead(Head):
    """Vectors of queries and candidates, trained to be alike for those that belong together.

    The loss is the softmax cross entropy of each query over the candidates of the batch, of their cosine times a
    learned factor; candidates equal to a query's own are not counted as wrong.
    """

    def __init__(self, config: Any, outputs: int, *, pooling: str) -> None:
        super().__init__(config, outputs)
        self.pooling = pooling
        self.log_scale = nn.Parameter(torch.tensor(3.0))  # a factor of 20

    def items(self, batch: Mapping[str, torch.Tensor]) -> int:
        """The number of pairs."""
        return len(batch["sequences"])

    def forward(
        self,
        hidden: torch.Tensor,
        attention_mask: torch.Tensor,
        *,
        positive_id: torch.Tensor | None = None,
        **_: Any,
    ) -> dict[str, torch.Tensor]:
        """`logits` `(sequences, width)`: unit vectors; `loss` for `positive_id` `(batch,)`, equal for equal answers."""
        vectors = functional.normalize(pool(hidden, attention_mask, self.pooling), dim=-1)
        if positive_id is None:
            return {"logits": vectors}
        queries, candidates = vectors[0::2], vectors[1::2]
        with torch.autocast(queries.device.type, enabled=False):  # bf16 cannot tell cosines near 1 apart
            likeness = self.log_scale.exp().clamp_max(100.0) * (queries @ candidates.T)
        own = torch.eye(len(queries), dtype=torch.bool, device=likeness.device)
        equal = (positive_id[:, None] == positive_id[None, :]) & ~own
        likeness = likeness.masked_fill(equal, -torch.inf)
        target = torch.arange(len(queries), device=likeness.device)
        return {"logits": vectors, "loss": functional.cross_entropy(likeness, target)}


@HEADS.register("masked_lm")
class MaskedLMHead(Head):
    """The head that the backbone was pretrained with, looked at masked positions only.

    Args:
        decoder: Hidden states `(positions, width)` to scores `(positions, vocabulary)`.
    """

    pretrained = True

    def __init__(self, config: Any, outputs: int, *, decoder: nn.Module) -> None:
        super().__init__(config, outputs)
        self.decoder = decoder

    def items(self, batch: Mapping[str, torch.Tensor]) -> int:
        """The number of masked tokens."""
        return int((batch["masked_labels"] != IGNORED).sum())

    def forward(
        self, hidden: torch.Tensor, attention_mask: torch.Tensor, *, masked_labels: torch.Tensor, **_: Any
    ) -> dict[str, torch.Tensor]:
        """Predicts masked tokens.

        Args:
            hidden: `(batch, seq, hidden)`.
            attention_mask: `(batch, seq)`.
            masked_labels: `(batch, seq)`, -100 where nothing is to be predicted.

        Returns:
            `loss`, the mean over masked tokens, and `logits` `(batch, 3)`: masked tokens, right ones among them, and
            their negative log-likelihood in nats. The scores of a whole vocabulary would not fit into memory.
        """
        known = masked_labels != IGNORED
        places = known.flatten().nonzero().squeeze(-1)
        # A whole number of blocks, since a CPU keeps a kernel for every shape of a product.
        padded = functional.pad(places, (0, -len(places) % _MASKED_BLOCK))
        scores = self.decoder(hidden.flatten(0, 1)[padded])[: len(places)].float()
        gold = masked_labels.flatten()[places]
        nats = functional.cross_entropy(scores, gold, reduction="none")
        sums = torch.zeros(*known.shape, 3, device=nats.device)
        sums[known] = torch.stack([torch.ones_like(nats), (scores.argmax(-1) == gold).float(), nats.detach()], dim=-1)
        return {"logits": sums.sum(1), "loss": nats.sum() / known.sum().clamp_min(1)}


class Heads(nn.ModuleDict):
    """Heads by task, whose names may be those of this class's own methods too: `train`, `type`, `keys`."""

    def __setitem__(self, key: str, module: nn.Module) -> None:
        self._modules[key] = module


def build_head(spec: HeadSpec, *, config: Any, **parts: Any) -> Head:
    """A new head with the backbone's weight initialisation: normal weights, zero biases.

    Args:
        parts: Modules of the backbone that the head is made of; they keep their weights.
    """
    head = HEADS.get(spec.name)(config, spec.outputs, **spec.options, **parts)
    if not head.pretrained:
        for module in head.modules():
            if isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, std=initializer_range(config))
                nn.init.zeros_(module.bias)
    return head
