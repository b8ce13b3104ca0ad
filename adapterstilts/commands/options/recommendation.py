"""Options of the command that ranks intermediate runs for a target."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from adapterstilts.commands.options.own import OwnDataOptions
from adapterstilts.commands.options.sharing import SharedModelOptions
from adapterstilts.commands.options.training import TrainingOptions
from adapterstilts.commands.options.values import ALL, LanguageNames, PathNames, PathText
from adapterstilts.declared import Flag, Group
from adapterstilts.settings import MOST, Strict


class RecommendedTarget(Strict):
    """What `recommend` is for."""

    to: Annotated[PathText, Flag(Group.TASKS, metavar="TASK|FILE", positional=True)] = Field(
        description="Target task, or a file of one's own with English training rows."
    )


class RecommendOptions(TrainingOptions, SharedModelOptions, OwnDataOptions):
    """Options of `recommend`."""

    from_: Annotated[PathNames, Flag(Group.TASKS, metavar="TASK[@KEY]|REF,...")] = Field(
        (ALL,),
        description="Candidates, as transfer takes them; all for every finished run of the store, the package's "
        "adapters and those of registries.",
    )
    by: Annotated[
        Literal["logme", "knn", "taskemb", "embedding", "size", "kind"] | None,
        Flag(Group.RANKING, unset="logme; for retrieval, which has no labels, knn"),
    ] = Field(None, description="What candidates are ranked by.")
    examples: Annotated[int, Flag(Group.RANKING, unit="examples")] = Field(
        200,
        ge=2,
        le=MOST,
        description="English training examples of the target, and of each candidate's task, that are read.",
    )
    top: Annotated[int | None, Flag(Group.RANKING, unit="candidates", unset="all")] = Field(
        None, ge=1, le=MOST, description="How many of the best are shown."
    )
    languages: Annotated[LanguageNames | None, Flag(Group.RANKING, metavar="CODE,...", unset="all of the target")] = (
        Field(
            None,
            description="Languages that the target will be scored in: they go into the next command, and no data in "
            "them are read here.",
        )
    )
