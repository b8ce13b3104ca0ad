"""Micro-batches that fit into memory: smaller ones where it runs out, which changes no result."""

from __future__ import annotations

import gc
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from adapterstilts.modeling.precision import OutOfMemoryError, choose_device, device_memory
from adapterstilts.runs.specs import StageSpec
from adapterstilts.stages.failures import let_go
from adapterstilts.stages.setup import Setup

T = TypeVar("T")


def with_fitting_batches(
    do: Callable[[Setup], T], spec: StageSpec, setup: Setup, note: Callable[[str], None]
) -> tuple[T, list[int]]:
    """Does what a stage does, each time that memory runs out again with half the tokens in a micro-batch.

    An optimiser step has the same examples, and its gradient is the sum over however many micro-batches; training goes
    on from its last checkpoint. There is an end where a micro-batch is one row of the longest ones.

    Args:
        do: What is done with a setup.
        note: Told of each new try.

    Returns:
        What it gives, and the tokens of all tries, the last of which has fitted.

    Raises:
        OutOfMemoryError: One row is too much.
    """
    tried = [setup.tokens_per_batch]
    smallest = _one_row(spec)
    while True:
        try:
            with device_memory(choose_device(setup.device), name=setup.backbone.name, tokens=tried[-1]):
                return do(replace(setup, tokens_per_batch=tried[-1])), tried
        except OutOfMemoryError as error:
            if tried[-1] <= smallest:
                raise
            let_go(error)
        gc.collect()  # what these frames have held, before the next try sets aside what is there
        tried.append(max(smallest, tried[-1] // 2))
        note(f"memory ran out with micro-batches of {tried[-2]:,} tokens; tried again with {tried[-1]:,}")


def _one_row(spec: StageSpec) -> int:
    """Tokens of the longest row that a stage can have."""
    if spec.stage == "evaluate":
        return spec.encoding.max_length
    return 1 if spec.stage == "shared" else max(task.encoding.max_length for task in spec.tasks)
