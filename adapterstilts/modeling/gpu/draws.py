"""Random numbers that a step draws and that are put back, so that it might as well not have been computed."""

from __future__ import annotations

import pickle
import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch


@contextmanager
def not_drawn(device: torch.device) -> Iterator[list[str]]:
    """Puts back all random numbers at its end, and has in a list then whose were drawn on the host.

    Args:
        device: A GPU, whose random numbers are put back, too; the host has them all where it computes itself.
    """
    places: dict[str, Any] = {
        "Python": (random.getstate, random.setstate),
        "NumPy": (np.random.get_state, np.random.set_state),
        "torch": (lambda: torch.get_rng_state().numpy(), lambda state: torch.set_rng_state(torch.from_numpy(state))),
    }
    before = {name: get() for name, (get, _) in places.items()}
    there = torch.cuda.get_rng_state(device) if device.type == "cuda" else None
    drawn: list[str] = []
    try:
        yield drawn
    finally:
        for name, (get, put) in places.items():
            if pickle.dumps(get()) != pickle.dumps(before[name]):
                drawn.append(name)
                put(before[name])
        if there is not None:
            torch.cuda.set_rng_state(there, device)
