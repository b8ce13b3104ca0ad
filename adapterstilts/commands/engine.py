"""From options to the engine that runs a command's graph."""

from __future__ import annotations

from adapterstilts.commands.options import EngineOptions
from adapterstilts.stages.engines import Engine
from adapterstilts.stages.engines.course import Policy
from adapterstilts.stages.engines.local import Local
from adapterstilts.stages.engines.processes import Processes


def chosen_engine(options: EngineOptions) -> Engine:
    """The engine that options ask for."""
    policy = Policy(fail_fast=options.fail_fast, retries=options.retries)
    return Local(policy) if options.jobs == 1 else Processes(options.jobs, policy)
