"""Intermediate-task training (STILTs) with adapters, for zero-shot cross-lingual transfer."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from adapterstilts.api import train_intermediate, train_language, train_separately, transfer, translate
    from adapterstilts.commands.results import TrainResult, TransferResult, TranslationResult
    from adapterstilts.errors import AstiltsError

__version__ = "0.1.0"

# Looked up when first used: importing the package must not import torch.
_EXPORTS = {
    "train_intermediate": "adapterstilts.api",
    "train_language": "adapterstilts.api",
    "train_separately": "adapterstilts.api",
    "transfer": "adapterstilts.api",
    "translate": "adapterstilts.api",
    "TrainResult": "adapterstilts.commands.results",
    "TransferResult": "adapterstilts.commands.results",
    "TranslationResult": "adapterstilts.commands.results",
    "AstiltsError": "adapterstilts.errors",
}
__all__ = [
    "AstiltsError",
    "TrainResult",
    "TransferResult",
    "TranslationResult",
    "train_intermediate",
    "train_language",
    "train_separately",
    "transfer",
    "translate",
]


def __getattr__(name: str) -> Any:
    if name in _EXPORTS:
        return getattr(import_module(_EXPORTS[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
