"""From options to the engine that runs a command's graph."""

from __future__ import annotations

from adapterstilts.commands.options import EngineOptions
from adapterstilts.errors import UsageError
from adapterstilts.stages.devices.leading import joined
from adapterstilts.stages.engines import Engine
from adapterstilts.stages.engines.course import Policy
from adapterstilts.stages.engines.local import Local
from adapterstilts.stages.engines.processes import Processes


def chosen_engine(options: EngineOptions) -> Engine:
    """The engine that options ask for.

    Raises:
        UsageError: Several stages are to be made at a time by processes that make each stage together.
    """
    if (launch := joined()) and options.jobs > 1:
        raise UsageError(
            f"--jobs {options.jobs}: the {launch.count} processes of the launcher make each stage together.",
            remedy="Leave out --jobs, or start astilts without a launcher: each job then has a GPU of its own.",
        )
    policy = Policy(fail_fast=options.fail_fast, retries=options.retries)
    return Local(policy) if options.jobs == 1 else Processes(options.jobs, policy)
