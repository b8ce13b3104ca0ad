"""The engine that options ask for."""

from __future__ import annotations

from adapterstilts.commands.engine import chosen_engine
from adapterstilts.commands.options import EngineOptions, IntermediateOptions, TransferOptions
from adapterstilts.stages.engines.course import Policy
from adapterstilts.stages.engines.local import Local
from adapterstilts.stages.engines.processes import Processes


def test_by_default_everything_is_made_here_and_nothing_is_tried_again() -> None:
    assert chosen_engine(EngineOptions()) == Local(Policy(fail_fast=False, retries=0))
    assert chosen_engine(EngineOptions(fail_fast=True, retries=2)) == Local(Policy(fail_fast=True, retries=2))
    several = chosen_engine(EngineOptions(jobs=3, retries=1))
    assert several == Processes(3, Policy(retries=1))
    assert issubclass(TransferOptions, EngineOptions) and issubclass(IntermediateOptions, EngineOptions)
