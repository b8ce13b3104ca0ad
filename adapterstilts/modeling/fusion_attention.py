"""What AdapterFusion looks at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch

Seen = list[tuple[int, torch.Tensor, float]]
"""Of one batch, for each place in a layer: the layer, attention `(sources,)` summed over tokens, and their number."""


class FusionAttention:
    """Mean attention of AdapterFusion over the tokens that were seen, by layer and source."""

    def __init__(self) -> None:
        self._seen: list[Seen] = []

    def add(self, attention: Mapping[int, Sequence[torch.Tensor]], attention_mask: torch.Tensor) -> None:
        """Counts one batch.

        Args:
            attention: Layer to one tensor `(batch, seq, sources)` for each place in it.
            attention_mask: `(batch, seq)`.
        """
        mask = attention_mask.cpu().float()
        tokens = float(mask.sum())
        self._seen.append(
            [
                (layer, (values.cpu().float() * mask[..., None]).sum((0, 1)), tokens)
                for layer, places in attention.items()
                for values in places
            ]
        )

    def pop(self) -> list[Seen]:
        """What was counted, batch by batch; counting begins anew."""
        seen, self._seen = self._seen, []
        return seen

    def put(self, batches: Sequence[Seen]) -> None:
        """Counts what was counted elsewhere."""
        self._seen += batches

    def take(self, sources: Sequence[str]) -> dict[str, dict[str, float]]:
        """Layer number (from 0, as text) to source to its share; counting begins anew."""
        sums: dict[int, torch.Tensor] = {}
        counted: dict[int, float] = {}
        for batch in self.pop():
            for layer, values, tokens in batch:
                sums[layer] = sums.get(layer, 0) + values
                counted[layer] = counted.get(layer, 0.0) + tokens
        return {
            str(layer): dict(zip(sources, (total / counted[layer]).tolist(), strict=True))
            for layer, total in sorted(sums.items())
        }
