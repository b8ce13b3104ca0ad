"""Attention masks on a GPU that are made without asking it whether a batch has any padding."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import torch

# Where `transformers` leaves out the mask of a batch without padding, for which it waits for the GPU in each forward
# pass; not where it believes that a compiler looks on.
_MODULES = ("transformers.modeling_attn_mask_utils", "transformers.masking_utils")
_ASKED = "is_torchdynamo_compiling"
_ALWAYS = ContextVar("masks are always made", default=False)


class _Always:
    """Stands for the question whether a compiler looks on."""

    def __init__(self, asked: Callable[[], bool]) -> None:
        self.asked = asked

    def __call__(self) -> bool:
        return self.asked() or _ALWAYS.get()  # in this order, of which a compiler reads the first part alone


@contextmanager
def masks_always(device: torch.device) -> Iterator[None]:
    """While it lasts, batches on a GPU have a mask, whether or not any of their rows is padded.

    So nothing waits for it, the same kernels compute a row whatever others there are, and steps can be recorded.
    """
    if device.type != "cuda":
        yield
        return
    for name in _MODULES:
        module = sys.modules.get(name)
        if module is not None and not isinstance(asked := getattr(module, _ASKED), _Always):
            setattr(module, _ASKED, _Always(asked))
    before = _ALWAYS.set(True)
    try:
        yield
    finally:
        _ALWAYS.reset(before)
