"""Options that say which labelled rows of other languages a target goes on with."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from adapterstilts.commands.options.values import LanguageCounts, RowFiles
from adapterstilts.declared import Flag, Group
from adapterstilts.settings import Strict


class FewShotOptions(Strict):
    """From zero to few shots (Lauscher et al. 2020)."""

    shots: Annotated[LanguageCounts | None, Flag(Group.FEW_SHOTS, metavar="[CODE=]K[,K...]", repeated=True)] = Field(
        None,
        description="Also go on from each zero-shot model with K labelled rows of a language, such as de=10,50, or of "
        "every language that is scored but English, such as 50. They are drawn from its training rows, or else its "
        "validation rows, and never from those that are scored.",
    )
    train_more: Annotated[RowFiles | None, Flag(Group.FEW_SHOTS, metavar="CODE=FILE,...")] = Field(
        None,
        description="The same with labelled rows of one's own, read as the target's are: all of a file, or K of them "
        "with `shots`.",
    )
    draws: Annotated[int | None, Flag(Group.FEW_SHOTS, unset="3")] = Field(
        None,
        ge=1,
        le=1000,
        description="Repeat it with so many random draws of K rows; of each, fewer rows are among more.",
    )
    shot_epochs: Annotated[float | None, Flag(Group.FEW_SHOTS, unit="passes", unset="the profile's, or else 50")] = (
        Field(
            None, gt=0, le=10_000, description="Passes over the drawn rows, after which the last checkpoint is taken."
        )
    )
    shot_learning_rate: Annotated[float | None, Flag(Group.FEW_SHOTS, unset="that of the target phase")] = Field(
        None, gt=0, le=1, description="Peak of the linear schedule in them."
    )
