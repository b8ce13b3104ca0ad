"""Which of torch's functions a model calls in another form on a CPU."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from adapterstilts.modeling.architecture import drops
from adapterstilts.modeling.compiled import is_compiled
from adapterstilts.modeling.cpu.dropout import attention, dropout
from adapterstilts.modeling.cpu.linear import linear, orders_weights

_DROPOUT: dict[Callable[..., Any], Callable[..., Any]] = {
    nn.functional.dropout: dropout,
    nn.functional.scaled_dot_product_attention: attention,
}
_LINEAR: dict[Callable[..., Any], Callable[..., Any]] = {nn.functional.linear: linear}

_TORCHS = ContextVar("torch's own kernels", default=False)


@contextmanager
def torchs_kernels() -> Iterator[None]:
    """While it lasts, models of this thread are computed as torch does."""
    before = _TORCHS.set(True)
    try:
        yield
    finally:
        _TORCHS.reset(before)


def cpu_kernels(backbone: nn.Module, device: torch.device) -> AbstractContextManager[Any]:
    """While it lasts, dropout in training and layers in bf16 are this package's, whatever library asks for them.

    Args:
        backbone: With its configuration as `config`; a compiled one keeps torch's.
        device: Only a CPU has others.
    """
    if device.type != "cpu" or _TORCHS.get() or is_compiled(backbone):
        return nullcontext()
    others = {
        **(_DROPOUT if backbone.training and drops(backbone.config) else {}),
        **(_LINEAR if orders_weights() else {}),
    }
    return _Others(others) if others else nullcontext()


class _Others(TorchFunctionMode):
    def __init__(self, others: Mapping[Callable[..., Any], Callable[..., Any]]) -> None:
        super().__init__()
        self._others = others

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        return self._others.get(func, func)(*args, **kwargs or {})
