"""From options to the engine that runs a command's graph."""

from __future__ import annotations

from importlib.util import find_spec
from shutil import which

from adapterstilts.commands.options import EngineOptions
from adapterstilts.commands.options.engine import ClusterOptions
from adapterstilts.errors import UsageError
from adapterstilts.stages.devices.leading import joined
from adapterstilts.stages.engines import Engine
from adapterstilts.stages.engines.course import Policy
from adapterstilts.stages.engines.local import Local
from adapterstilts.stages.engines.processes import Processes

_BOTH = ("cpus", "gpus", "memory")
# Which options of a cluster an engine reads.
_READ = {"local": (), "ray": (*_BOTH, "address"), "slurm": (*_BOTH, "partition", "time_limit", "slurm_option")}
# How often a stage is made again on Ray because a worker or a node has died.
_DEATHS = 3


def chosen_engine(options: EngineOptions) -> Engine:
    """The engine that options ask for.

    Raises:
        UsageError: It is not installed, does not read an option that was given, or is to make several stages at a time
            with processes that make each stage together.
    """
    _check_read(options)
    _check_launch(options)
    policy = Policy(fail_fast=options.fail_fast, retries=options.retries)
    match options.engine:
        case "ray":
            return _ray(options)
        case "slurm":
            return _slurm(options, policy)
    return Local(policy) if options.jobs in (None, 1) else Processes(options.jobs, policy)


def _check_read(options: EngineOptions) -> None:
    for name in ClusterOptions.model_fields:
        if getattr(options, name) is not None and name not in _READ[options.engine]:
            engines = " or ".join(f"--engine {engine}" for engine, names in _READ.items() if name in names)
            raise UsageError(
                f"--{name.replace('_', '-')} has no meaning with --engine {options.engine}.",
                remedy=f"Leave it out, or give {engines}.",
            )


def _check_launch(options: EngineOptions) -> None:
    """Processes of a launcher are one engine already."""
    launch, given = joined(), "" if options.engine == "local" else f"--engine {options.engine}"
    if options.jobs not in (None, 1):
        given = f"{given} --jobs {options.jobs}".strip()
    if launch and given:
        raise UsageError(
            f"{given}: the {launch.count} processes of the launcher make each stage together.",
            remedy="Leave it out, or start astilts without a launcher: each stage then has a device of its own.",
        )


def _ray(options: EngineOptions) -> Engine:
    from adapterstilts.stages.engines.ray_cluster import RayCluster
    from adapterstilts.stages.engines.ray_nodes import Share

    if find_spec("ray") is None:
        raise UsageError("--engine ray: ray is not installed.", remedy="Run `pip install 'adapterstilts[ray]'`.")
    share = Share(cpus=options.cpus or 1, gpus=options.gpus, memory=options.memory)
    policy = Policy(fail_fast=options.fail_fast, retries=options.retries, deaths=_DEATHS)
    return RayCluster(options.address, share, options.jobs, policy)


def _slurm(options: EngineOptions, policy: Policy) -> Engine:
    from adapterstilts.stages.engines.slurm.driver import Slurm
    from adapterstilts.stages.engines.slurm.submission import Resources

    if which("sbatch") is None:
        raise UsageError(
            "--engine slurm: there is no sbatch here.", remedy="Run the command where jobs are submitted to Slurm."
        )
    resources = Resources(
        partition=options.partition,
        time_limit=options.time_limit,
        memory=options.memory,
        gpus=options.gpus,
        cpus=options.cpus,
        at_a_time=options.jobs,
        others=options.slurm_option or {},
    )
    return Slurm(resources, policy)
