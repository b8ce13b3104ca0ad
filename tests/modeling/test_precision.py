"""The memory of a stage is free when it ends, at no cost for what was there before."""

from __future__ import annotations

import gc
import weakref

import torch

from adapterstilts.modeling.precision import device_memory


class Cycle:
    """As a Trainer, it refers to itself."""

    def __init__(self) -> None:
        self.itself = self


def test_what_a_stage_made_is_collected_and_what_was_there_is_not_looked_through() -> None:
    gc.unfreeze()
    before = Cycle()
    gone = weakref.ref(before)
    del before
    with device_memory(torch.device("cpu"), name="mini", tokens=8):
        assert gc.get_freeze_count() > 0
        made = weakref.ref(Cycle())
        assert made() is not None
    assert made() is None and gone() is not None and gc.get_freeze_count() == 0
    gc.collect()
    assert gone() is None


def test_a_process_that_has_set_objects_aside_keeps_them_so() -> None:
    gc.freeze()
    with device_memory(torch.device("cpu"), name="mini", tokens=8):
        made = weakref.ref(Cycle())
    assert made() is None and gc.get_freeze_count() > 0
