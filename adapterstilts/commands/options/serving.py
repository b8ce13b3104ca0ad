"""Options of the command that answers over HTTP."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from adapterstilts.commands.options.prediction import LoadOptions
from adapterstilts.commands.options.values import PathNames
from adapterstilts.declared import Flag, Group
from adapterstilts.settings import MOST, Strict


class ServedModels(Strict):
    """Which models `serve` is for."""

    references: Annotated[PathNames, Flag(metavar="[NAME=]RUN|REF...", positional=True)] = Field(
        description="Trained models, as `predict` takes them, each perhaps with a name of its own for requests: "
        "topics=news@6f0c1d."
    )


class ServeOptions(LoadOptions):
    """Options of `serve`."""

    host: Annotated[str, Flag(Group.SERVER, metavar="NAME")] = Field(
        "127.0.0.1", description="Address to listen at; 0.0.0.0 for all of the machine's, which lets others in."
    )
    port: Annotated[int, Flag(Group.SERVER, metavar="N")] = Field(
        8000, ge=0, le=65535, description="Port to listen at; 0 for any that is free."
    )
    max_bytes: Annotated[int, Flag(Group.SERVER, unit="bytes")] = Field(
        2**20, ge=1, le=2**40, description="Largest body of a request."
    )
    max_texts: Annotated[int, Flag(Group.SERVER, unit="texts")] = Field(
        1000, ge=1, le=MOST, description="Most texts of a request, and of those that are answered at a time."
    )
    max_characters: Annotated[int, Flag(Group.SERVER, unit="characters")] = Field(
        100_000,
        ge=1,
        le=MOST,
        description="Longest input. Of one that is longer than its model reads, the end is cut off and said.",
    )
    max_waiting: Annotated[int, Flag(Group.SERVER, unit="requests")] = Field(
        256, ge=1, le=1_000_000, description="Requests that may wait; others are told to come again."
    )
    threads: Annotated[int | None, Flag(Group.SERVER, unit="threads", unset="torch's own choice")] = Field(
        None, ge=1, le=4096, description="Threads of the models' arithmetic."
    )
    processes: Annotated[int, Flag(Group.SERVER, unit="processes")] = Field(
        1, ge=1, le=1024, description="Processes that compute, on as many cores; of several, each has one thread."
    )
