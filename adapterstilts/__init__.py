"""Intermediate-task training (STILTs) with adapters, for zero-shot cross-lingual transfer."""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

# Looked up when first used: importing the package must not import torch. What type checkers read of it is in
# __init__.pyi, which scripts/build_stub writes.
_EXPORTS = {
    "train_intermediate": "adapterstilts.api",
    "train_separately": "adapterstilts.api",
    "train_language": "adapterstilts.api",
    "recommend": "adapterstilts.api",
    "transfer": "adapterstilts.api",
    "compare": "adapterstilts.api",
    "study": "adapterstilts.api",
    "translate": "adapterstilts.api",
    "predict": "adapterstilts.api",
    "load": "adapterstilts.api",
    "serve": "adapterstilts.api",
    "export_model": "adapterstilts.api",
    "methods": "adapterstilts.api",
    "doctor": "adapterstilts.api",
    "push": "adapterstilts.api",
    "pull": "adapterstilts.api",
    "info": "adapterstilts.api",
    "search": "adapterstilts.api",
    "verify": "adapterstilts.api",
    "plan": "adapterstilts.api",
    "BackboneReport": "adapterstilts.commands.doctor",
    "CommandPlan": "adapterstilts.commands.plan",
    "FoundModel": "adapterstilts.commands.search",
    "ExportedModel": "adapterstilts.commands.export_model",
    "Model": "adapterstilts.commands.load",
    "Predictions": "adapterstilts.commands.predict",
    "Recommendation": "adapterstilts.commands.recommend",
    "MethodCost": "adapterstilts.commands.results",
    "PushResult": "adapterstilts.commands.push",
    "SharedModel": "adapterstilts.commands.pull",
    "TrainResult": "adapterstilts.commands.results",
    "TransferResult": "adapterstilts.commands.results",
    "TranslationResult": "adapterstilts.commands.translate",
    "Verification": "adapterstilts.commands.verify",
    "StudyResult": "adapterstilts.studies.results",
    "AstiltsError": "adapterstilts.errors",
}
__all__ = list(_EXPORTS)


def __getattr__(name: str) -> Any:
    if name in _EXPORTS:
        return getattr(import_module(_EXPORTS[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
