"""Options of every command that makes several stages."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from adapterstilts.declared import Flag, Group
from adapterstilts.settings import Strict


class EngineOptions(Strict):
    """How the stages of a command are made; what they give does not depend on it."""

    jobs: Annotated[int, Flag(Group.RUN)] = Field(
        1,
        ge=1,
        le=1024,
        description="Make so many stages at a time, each in a process with its share of the cores and, where there are "
        "several, a GPU of its own.",
    )
    fail_fast: Annotated[bool, Flag(Group.RUN)] = Field(
        False, description="Stop at the first stage that fails; otherwise all are made that do not need it."
    )
    retries: Annotated[int, Flag(Group.RUN)] = Field(
        0,
        ge=0,
        le=1000,
        description="Try a failed stage so often again, from its last checkpoint, unless options or data are wrong.",
    )
