"""Settings: frozen, validated where they enter, with suggestions for keys that nobody knows."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from os import PathLike
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from adapterstilts.declared import Flag, Group
from adapterstilts.errors import UsageError, unknown
from adapterstilts.parsed import shortened

M = TypeVar("M", bound=BaseModel)
MOST = 10**9
"""The largest number of steps, examples or bytes that an option can ask for."""
LONGEST = 10**6
"""The largest number of tokens, labels or neighbours."""
ONE_IS_A_LIST = BeforeValidator(lambda given: (given,) if isinstance(given, str | int | float | PathLike) else given)
"""For fields with several values: one may be given without a list around it."""
Pooling = Literal["first", "mean", "last"]
"""How one vector of a text is read: at its first or last token, or as the mean over all."""
POINTS = 10
"""At how many points of a training checkpoints are averaged where no interval is set (Schmidt et al. 2023)."""


_IN_PLACE = {"max_steps": "epochs", "warmup_steps": "warmup_ratio"}
# Of settings that stand in place of another one, which that is.


def laid_over(usual: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Settings with those of a more specific place over them: what says the same otherwise is gone.

    Of two in one place, it is the one that stands in place of the other that counts.
    """
    ways = [*_IN_PLACE.items(), *((other, one) for one, other in _IN_PLACE.items())]
    gone = {other for one, other in ways if given.get(one) is not None}
    idle = {other for one, other in _IN_PLACE.items() if given.get(one) is not None}
    kept = {name: value for name, value in usual.items() if name not in gone}
    return {**kept, **{name: value for name, value in given.items() if name not in idle}}


class Strict(BaseModel):
    """Frozen model that refuses keys it does not know, and numbers that are not finite."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def validate(
    model: type[M], values: dict[str, Any], *, where: str = "", spelled: Callable[[str], str] = lambda name: name
) -> M:
    """Builds `model` from `values`.

    Args:
        where: The file that `values` came from, for the message.
        spelled: What a key is called where it came from.

    Raises:
        UsageError: A key is unknown (near ones are suggested), missing, or has a value of the wrong type.
    """
    try:
        return model.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        loc, problem = first["loc"], first["msg"].removeprefix("Value error, ")
        if first["type"] == "extra_forbidden" and len(loc) == 1:
            suggestion = unknown("key", str(loc[0]), model.model_fields)
            raise UsageError(f"{where}: {suggestion.message}", remedy=suggestion.remedy) from None
        given = "" if first["type"] == "missing" or not loc else f" (given: {shortened(first['input'])})"
        path = ".".join([*(spelled(str(part)) for part in loc[:1]), *map(str, loc[1:])])
        at = "".join(f"{part}: " for part in (where, path) if part)
        raise UsageError(f"{at}{problem}{given}.", remedy=_range(model, loc)) from None


_ENDS = {"gt": "above", "ge": "from", "lt": "below", "le": "to"}
"""What pydantic calls the ends of a range, the lower ones first."""


def _range(model: type[BaseModel], loc: tuple[Any, ...]) -> str | None:
    """The numbers that a field can be, where it has a range."""
    field = model.model_fields.get(str(loc[0])) if len(loc) == 1 else None
    ends = [
        f"{word} {value:,}"
        for name, word in _ENDS.items()
        for one in (field.metadata if field else ())
        if (value := getattr(one, name, None)) is not None
    ]
    return f"Numbers {' '.join(ends)} are allowed." if ends else None


class Encoding(Strict):
    """How text becomes windows of tokens, as specs hold it; what a kind's inputs do not depend on is 0.

    Attributes:
        max_length: Longest input, in tokens, special tokens included.
        stride: Tokens by which each window of a long context starts further than the one before it (the `doc_stride`
            of published scripts; `transformers` calls the overlap so).
        max_query_length: Longest question, in tokens; longer ones are cut.
        separator: What is put between two texts, where the tokenizer puts nothing there.
        causal: Whether the model reads from left to right, so that the last token alone has seen all of the input.
    """

    max_length: int = Field(ge=8, le=LONGEST)
    stride: int = Field(0, ge=0, le=LONGEST)
    max_query_length: int = Field(0, ge=0, le=LONGEST)
    separator: str = ""
    causal: bool = False


class Optimisation(Strict):
    """How a model is trained, whatever its input is."""

    learning_rate: Annotated[float, Flag(Group.HYPERPARAMETERS)] = Field(
        1e-5, gt=0, le=1, description="Peak of the linear schedule."
    )
    epochs: Annotated[float, Flag(Group.HYPERPARAMETERS, unit="passes")] = Field(
        2, gt=0, le=10_000, description="Passes over the training features."
    )
    max_steps: Annotated[int | None, Flag(Group.HYPERPARAMETERS, unit="steps")] = Field(
        None, ge=0, le=MOST, description="Optimiser steps in place of passes; 0 trains nothing."
    )
    batch_size: Annotated[int, Flag(Group.HYPERPARAMETERS, unit="features")] = Field(
        32,
        ge=1,
        le=1_000_000,
        description="Features of an optimiser step, however many micro-batches they are split into.",
    )
    warmup_ratio: Annotated[float, Flag(Group.HYPERPARAMETERS, unit="share")] = Field(
        0.1, ge=0, le=1, description="Share of the steps in which the learning rate rises."
    )
    warmup_steps: Annotated[int | None, Flag(Group.HYPERPARAMETERS, unit="steps")] = Field(
        None, ge=0, le=MOST, description="Steps in which the learning rate rises, in place of a share."
    )
    weight_decay: Annotated[float, Flag(Group.HYPERPARAMETERS)] = Field(
        0.01, ge=0, le=100, description="Weight decay of AdamW."
    )
    max_grad_norm: Annotated[float, Flag(Group.HYPERPARAMETERS)] = Field(
        1.0, gt=0, le=MOST, description="Norm that gradients are clipped to."
    )
    eval_steps: Annotated[int | None, Flag(Group.HYPERPARAMETERS, unit="steps")] = Field(
        None,
        ge=1,
        le=MOST,
        description="Optimiser steps between evaluations on English validation data; an epoch's where none is set.",
    )
    patience: Annotated[int, Flag(Group.HYPERPARAMETERS, unit="evaluations")] = Field(
        30, ge=1, le=MOST, description="Evaluations without improvement after which training stops."
    )
    max_validation_examples: Annotated[int, Flag(Group.HYPERPARAMETERS, unit="examples")] = Field(
        500, ge=1, le=MOST, description="Validation examples that the checkpoint is selected on."
    )
    average_checkpoints: Annotated[bool, Flag(Group.HYPERPARAMETERS)] = Field(
        False,
        description="Take the mean of the weights after every `eval_steps`, or each tenth of the training, instead of "
        "the best checkpoint (Schmidt et al. 2023).",
    )
    frozen_once: Annotated[bool, Flag(Group.HYPERPARAMETERS)] = Field(
        False,
        description="Compute the layers below all that is trained or adapted once for each row, without dropout, and "
        "keep on disk what they give: for methods that leave the first layers out, and for `head`.",
    )
    adamw_8bit: Annotated[bool, Flag(Group.HYPERPARAMETERS)] = Field(
        False,
        description="Keep AdamW's moments in 8 bits, and on the host where a GPU is full (Dettmers et al. 2022): for "
        "full fine-tuning. Needs bitsandbytes.",
    )

    def interval(self, steps: int, epoch: int) -> int:
        """Optimiser steps from one evaluation to the next, or from one checkpoint that is averaged to the next.

        An interval that would leave none is an epoch, and one that would leave a single checkpoint to average a tenth.

        Args:
            steps: Those of the whole training.
            epoch: Those of one pass over the data.
        """
        if self.average_checkpoints:
            given = self.eval_steps if self.eval_steps and self.eval_steps < steps else None
            return given or max(1, math.ceil(steps / POINTS))
        return self.eval_steps if self.eval_steps and self.eval_steps <= steps else epoch


class Settings(Optimisation):
    """All hyperparameters of one training stage, as profiles, recipes and flags give them."""

    max_length: Annotated[int, Flag(Group.HYPERPARAMETERS, unit="tokens")] = Field(
        384, ge=8, le=LONGEST, description="Longest input, special tokens included."
    )
    stride: Annotated[int, Flag(Group.HYPERPARAMETERS, unit="tokens")] = Field(
        128,
        ge=1,
        le=LONGEST,
        description="Tokens by which each window of a long context starts further than the one before it.",
    )
    max_query_length: Annotated[int, Flag(Group.HYPERPARAMETERS, unit="tokens")] = Field(
        64, ge=1, le=LONGEST, description="Longest question; longer ones are cut."
    )

    def encoding(self, fields: Collection[str], **facts: Any) -> Encoding:
        """The part that prediction has to share with training.

        Args:
            fields: Those that decide the inputs of the kind of task.
            facts: The values of those that the backbone decides.
        """
        values = {name: getattr(self, name) for name in type(self).model_fields} | facts
        return Encoding(**{name: values[name] for name in Encoding.model_fields if name in fields and name in values})

    def optimisation(self) -> Optimisation:
        """The part that all tasks of a stage share."""
        return Optimisation(**{name: getattr(self, name) for name in Optimisation.model_fields})
