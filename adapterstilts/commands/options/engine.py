"""Options of commands whose work is made of several stages."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from adapterstilts.commands.options.values import SchedulerOptions
from adapterstilts.declared import Flag, Group
from adapterstilts.settings import Strict


class ClusterOptions(Strict):
    """What stages get of a cluster."""

    address: Annotated[
        str | None, Flag(Group.CLUSTER, metavar="HOST:PORT", unset="what Ray finds, or this machine")
    ] = Field(None, description="Address of a running Ray cluster.")
    cpus: Annotated[int | None, Flag(Group.CLUSTER, unit="cores", unset="1 on Ray, the partition's on Slurm")] = Field(
        None, ge=1, le=4096, description="Cores of each stage."
    )
    gpus: Annotated[int | None, Flag(Group.CLUSTER, unit="gpus", unset="1 on Ray where it has any, none on Slurm")] = (
        Field(None, ge=0, le=1024, description="GPUs that are reserved for each stage, which computes on one.")
    )
    memory: Annotated[str | None, Flag(Group.CLUSTER, metavar="SIZE", unset="the cluster's")] = Field(
        None,
        pattern=r"^[1-9]\d*[KMGT]$",
        description="Memory that is reserved for each stage, such as 16G.",
    )
    partition: Annotated[str | None, Flag(Group.CLUSTER, metavar="NAME", unset="the cluster's")] = Field(
        None, description="Partition of Slurm."
    )
    time_limit: Annotated[str | None, Flag(Group.CLUSTER, metavar="[D-]HH:MM:SS", unset="the partition's")] = Field(
        None,
        pattern=r"^(\d+-)?\d+(:\d\d){0,2}$",
        description="Time of a Slurm job. Before it is over the stage is saved and the job queued again.",
    )
    slurm_option: Annotated[
        SchedulerOptions | None, Flag(Group.CLUSTER, metavar="KEY[=VALUE]", repeated=True, unset="none")
    ] = Field(None, description="Any other option of sbatch, such as account=NAME.")


class EngineOptions(ClusterOptions):
    """How the stages of a command are made; what they give does not depend on it."""

    engine: Annotated[Literal["local", "ray", "slurm"], Flag(Group.RUN)] = Field(
        "local", description="Where stages are made: on this machine, on a Ray cluster, or as jobs of Slurm."
    )
    jobs: Annotated[
        int | None, Flag(Group.RUN, unset="1 on this machine, as many as there is room for on a cluster")
    ] = Field(
        None,
        ge=1,
        le=1024,
        description="Make so many stages at a time, on this machine each in a process with its share of the cores and, "
        "where there are several, a GPU of its own; on Slurm so many of each array.",
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
