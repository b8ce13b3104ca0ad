"""Options of the commands about what is in a run store."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field

from adapterstilts.commands.options.values import LOCAL, Names, PathText
from adapterstilts.declared import Flag, Group
from adapterstilts.settings import Strict


class NamedRun(Strict):
    """Which run."""

    key: Annotated[str, Flag(metavar="KEY")] = Field(description="First digits of a run's key, or its folder.")


class CheckedRuns(Strict):
    """Which runs `runs verify` reads."""

    keys: Annotated[Names, Flag(metavar="[KEY]...")] = Field((), description="Runs, by key or folder.")
    all_: Annotated[bool, Flag(Group.RUN)] = Field(False, description="All of the store, and its tokenised data.")


class CleanOptions(Strict):
    """Options of `runs clean`."""

    unfinished: Annotated[bool, Flag(Group.RUN)] = Field(
        False, description="Also stages that were begun and nobody works on, with their checkpoints."
    )
    damaged: Annotated[bool, Flag(Group.RUN)] = Field(False, description="Also what was found damaged and set aside.")
    cache: Annotated[bool, Flag(Group.RUN)] = Field(
        False, description="Also tokenised data and all else that is made again when it is needed."
    )
    dry_run: Annotated[bool, Flag(Group.RUN)] = Field(
        False, description="Say what would be deleted, and delete nothing."
    )


class RemoveOptions(Strict):
    """Options of `runs remove`."""

    with_dependents: Annotated[bool, Flag(Group.RUN)] = Field(
        False, description="Remove all runs too that are made from it."
    )


class ArchiveOptions(Strict):
    """Options of `runs export`."""

    to: Annotated[Path, LOCAL, Flag(Group.RUN, metavar="FILE")] = Field(description="File to make.")


class PublishedRuns(Strict):
    """Which runs `runs publish` copies, and where."""

    keys: Annotated[Names, Flag(metavar="[KEY]...")] = Field((), description="Runs, by key or folder.")
    all_: Annotated[bool, Flag(Group.RUN)] = Field(False, description="All runs of the store.")
    to: Annotated[PathText, Flag(Group.RUN, metavar="DIR|URL")] = Field(
        min_length=1,
        description="Folder, or URL such as s3://BUCKET/FOLDER, that is or becomes a store to read.",
    )


class ArchivedRuns(Strict):
    """What `runs import` reads."""

    file: Annotated[PathText, Flag(metavar="FILE")] = Field(description="File that `runs export` has made.")
