"""What AdapterFusion looks at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch


class FusionAttention:
    """Mean attention of AdapterFusion over the tokens that were seen, by layer and source."""

    def __init__(self) -> None:
        self._sums: dict[int, torch.Tensor] = {}
        self._tokens: dict[int, float] = {}

    def add(self, attention: Mapping[int, Sequence[torch.Tensor]], attention_mask: torch.Tensor) -> None:
        """Counts one batch.

        Args:
            attention: Layer to one tensor `(batch, seq, sources)` for each place in it.
            attention_mask: `(batch, seq)`.
        """
        mask = attention_mask.cpu().float()
        for layer, places in attention.items():
            for values in places:
                self._sums[layer] = self._sums.get(layer, 0) + (values.cpu().float() * mask[..., None]).sum((0, 1))
                self._tokens[layer] = self._tokens.get(layer, 0.0) + float(mask.sum())

    def take(self, sources: Sequence[str]) -> dict[str, dict[str, float]]:
        """Layer number (from 0, as text) to source to its share; counting begins anew."""
        found = {
            str(layer): dict(zip(sources, (total / self._tokens[layer]).tolist(), strict=True))
            for layer, total in sorted(self._sums.items())
        }
        self.__init__()  # type: ignore[misc]
        return found
