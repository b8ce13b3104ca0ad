"""Random numbers that are put back."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch

from adapterstilts.modeling.gpu.draws import not_drawn

DRAWS = {"Python": random.random, "NumPy": lambda: float(np.random.rand()), "torch": lambda: float(torch.rand(()))}


@pytest.mark.parametrize("names", [(), ("Python",), ("NumPy",), ("torch",), tuple(DRAWS)])
def test_what_was_drawn_is_told_and_drawn_again(names: tuple[str, ...]) -> None:
    with not_drawn(torch.device("cpu")) as drawn:
        first = [DRAWS[name]() for name in names]
        torch.ones(2, 2) @ torch.ones(2)  # computes, and draws nothing
    assert drawn == list(names)
    assert [DRAWS[name]() for name in names] == first


def test_it_is_put_back_after_an_error() -> None:
    expected = torch.get_rng_state()
    with pytest.raises(RuntimeError), not_drawn(torch.device("cpu")) as drawn:
        torch.rand(3)
        raise RuntimeError
    assert drawn == ["torch"] and torch.equal(torch.get_rng_state(), expected)
