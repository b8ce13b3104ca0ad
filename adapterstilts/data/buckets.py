"""Few lengths for batches."""

from __future__ import annotations

import math


def bucket(length: int, *, max_length: int, fine: bool = False) -> int:
    """`length` rounded up to the next bucket: steps of 16 up to 128, of 32 up to 256, of 64 beyond.

    Args:
        fine: Half as long steps: in training, where all rows of a batch have about one length, so that more buckets do
            not make more batches.
    """
    step = 16 if length <= 128 else 32 if length <= 256 else 64
    if fine:
        step //= 2
    return min(math.ceil(length / step) * step, max(max_length, length))
