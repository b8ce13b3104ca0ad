"""Intermediate-task training (STILTs) with adapters, for zero-shot cross-lingual transfer."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from adapterstilts.api import train_intermediate, train_separately, transfer
    from adapterstilts.errors import AstiltsError
    from adapterstilts.results import TrainResult, TransferResult

__version__ = "0.1.0"

# Looked up when first used: importing the package must not import torch.
_EXPORTS = {
    "train_intermediate": "adapterstilts.api",
    "train_separately": "adapterstilts.api",
    "transfer": "adapterstilts.api",
    "TrainResult": "adapterstilts.results",
    "TransferResult": "adapterstilts.results",
    "AstiltsError": "adapterstilts.errors",
}
__all__ = ["AstiltsError", "TrainResult", "TransferResult", "train_intermediate", "train_separately", "transfer"]


def __getattr__(name: str) -> Any:
    if name in _EXPORTS:
        return getattr(import_module(_EXPORTS[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
