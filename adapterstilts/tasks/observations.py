"""What the labels of a training feature say of hidden states: what a linear model on top of them would have to tell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

Observes = Literal["classes", "numbers", "choices", "pairs"]
"""How the labelled vectors of a feature are told apart: each is of a class; each has numbers; one of them is the right
one; they belong together."""


@dataclass(frozen=True)
class Observed:
    """The labelled vectors of one training feature.

    Attributes:
        targets: `(vectors, outputs)`: 1 for the class of a vector and 0 for others, its numbers, or 1 where it is the
            right one; of pairs `(2, 1)`, equal numbers for what belongs together.
        places: The tokens whose hidden states the vectors are; None for a vector of each of its sequences.
    """

    targets: np.ndarray
    places: Sequence[int] | None = None


def one_of(number: int, count: int) -> np.ndarray:
    """`(count,)`: 1 at `number` and 0 elsewhere."""
    found = np.zeros(count)
    found[number] = 1.0
    return found
