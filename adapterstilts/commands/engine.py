"""From options to the engine that runs a command's graph."""

from __future__ import annotations

from adapterstilts.commands.options import EngineOptions
from adapterstilts.stages.engines import Engine
from adapterstilts.stages.engines.course import Policy
from adapterstilts.stages.engines.local import Local


def chosen_engine(options: EngineOptions) -> Engine:
    """The engine that options ask for."""
    return Local(Policy(fail_fast=options.fail_fast, retries=options.retries))
