"""Settings: frozen, validated where they enter, with suggestions for keys that nobody knows."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from adapterstilts.errors import UsageError, unknown

M = TypeVar("M", bound=BaseModel)
Pooling = Literal["first", "mean", "last"]
"""How one vector of a text is read: at its first or last token, or as the mean over all."""


class Strict(BaseModel):
    """Frozen model that refuses keys it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def validate(model: type[M], values: dict[str, Any], *, where: str) -> M:
    """Builds `model` from `values`.

    Args:
        where: The file or flag that `values` came from, for the message.

    Raises:
        UsageError: A key is unknown (near ones are suggested), missing, or has a value of the wrong type.
    """
    try:
        return model.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        path = ".".join(str(part) for part in first["loc"])
        if first["type"] == "extra_forbidden" and len(first["loc"]) == 1:
            suggestion = unknown("key", path, model.model_fields)
            raise UsageError(f"{where}: {suggestion.message}", remedy=suggestion.remedy) from None
        given = "" if first["type"] == "missing" else f" (given: {first['input']!r})"
        at = f"{where}: {path}" if path else where
        raise UsageError(f"{at}: {first['msg'].removeprefix('Value error, ')}{given}.") from None


class Encoding(Strict):
    """How text becomes windows of tokens, as specs hold it; what a kind's inputs do not depend on is 0.

    Attributes:
        max_length: Longest input, in tokens, special tokens included.
        stride: Tokens that neighbouring windows of a long context share.
        max_query_length: Longest question, in tokens; longer ones are cut.
    """

    max_length: int = Field(ge=8)
    stride: int = Field(0, ge=0)
    max_query_length: int = Field(0, ge=0)


class Optimisation(Strict):
    """How a model is trained, whatever its input is.

    Attributes:
        learning_rate: Peak of the linear schedule.
        epochs: Passes over the training features.
        batch_size: Features per optimiser step, however many micro-batches they are split into.
        warmup_ratio: Share of the steps in which the learning rate rises linearly.
        eval_steps: Optimiser steps between two evaluations on English validation data; None: once an epoch.
        patience: Evaluations without improvement after which training stops.
        max_validation_examples: Validation examples used for checkpoint selection.
    """

    learning_rate: float = Field(1e-5, gt=0)
    epochs: float = Field(2, gt=0)
    batch_size: int = Field(32, ge=1)
    warmup_ratio: float = Field(0.1, ge=0, le=1)
    weight_decay: float = Field(0.01, ge=0)
    max_grad_norm: float = Field(1.0, gt=0)
    eval_steps: int | None = Field(None, ge=1)
    patience: int = Field(30, ge=1)
    max_validation_examples: int = Field(500, ge=1)


class Settings(Optimisation):
    """All hyperparameters of one training stage, as profiles, recipes and flags give them.

    Attributes:
        max_length: Longest input, in tokens, special tokens included.
        stride: Tokens that neighbouring windows of a long context share.
        max_query_length: Longest question, in tokens; longer ones are cut.
    """

    max_length: int = Field(384, ge=8)
    stride: int = Field(128, ge=0)
    max_query_length: int = Field(64, ge=1)

    def encoding(self, fields: Collection[str]) -> Encoding:
        """The part that prediction has to share with training.

        Args:
            fields: Those that decide the inputs of the kind of task.
        """
        return Encoding(**{name: getattr(self, name) for name in Encoding.model_fields if name in fields})

    def optimisation(self) -> Optimisation:
        """The part that all tasks of a stage share."""
        return Optimisation(**{name: getattr(self, name) for name in Optimisation.model_fields})
