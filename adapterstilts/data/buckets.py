"""Few lengths for batches."""

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
