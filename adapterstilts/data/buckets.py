"""Few lengths for batches, and how large these are without gradients."""

from __future__ import annotations

import math


def bucket(length: int, *, max_length: int, coarse: bool = False) -> int:
    """`length` rounded up to the next bucket: steps of 8 up to 128, of 16 up to 256, of 32 beyond.

    Args:
        coarse: Twice as long steps, where the width of a batch bounds how much is generated, which is to stay.
    """
    step = 8 if length <= 128 else 16 if length <= 256 else 32
    if coarse:
        step *= 2
    return min(math.ceil(length / step) * step, max(max_length, length))


# Without gradients nothing is kept for the backward pass, so that more tokens fit: fewer launches on a GPU. On a CPU
# they take longer, since tensors grow out of its cache and of what the C library keeps for the next ones.
_PREDICTION_FACTOR = 2


def prediction_budget(tokens_per_batch: int, *, on_gpu: bool) -> int:
    """Padded tokens of a batch without gradients, where one with them has `tokens_per_batch`."""
    return tokens_per_batch * _PREDICTION_FACTOR if on_gpu else tokens_per_batch
