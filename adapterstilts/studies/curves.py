"""Points of curves, no more than can be drawn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def thinned(points: Sequence[Any], most: int) -> list[Any]:
    """At most so many of them at equal distances, the first and the last among them."""
    if len(points) <= most:
        return list(points)
    return [points[round(place * (len(points) - 1) / (most - 1))] for place in range(most)]
