"""The engine that options ask for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from adapterstilts.commands.engine import chosen_engine
from adapterstilts.commands.options import EngineOptions, IntermediateOptions, TransferOptions, read_options
from adapterstilts.errors import UsageError
from adapterstilts.stages.engines.course import Policy
from adapterstilts.stages.engines.local import Local
from adapterstilts.stages.engines.processes import Processes
from adapterstilts.stages.engines.ray_cluster import RayCluster
from adapterstilts.stages.engines.ray_nodes import Share
from adapterstilts.stages.engines.slurm.driver import Slurm
from adapterstilts.stages.engines.slurm.submission import Resources


def test_by_default_everything_is_made_here_and_nothing_is_tried_again() -> None:
    assert chosen_engine(EngineOptions()) == Local(Policy(fail_fast=False, retries=0))
    assert chosen_engine(EngineOptions(fail_fast=True, retries=2)) == Local(Policy(fail_fast=True, retries=2))
    several = chosen_engine(EngineOptions(jobs=3, retries=1))
    assert several == Processes(3, Policy(retries=1))
    assert issubclass(TransferOptions, EngineOptions) and issubclass(IntermediateOptions, EngineOptions)


def test_ray_and_slurm_get_what_was_given(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pytest.importorskip("ray")
    options = {"engine": "ray", "address": "head:6379", "cpus": 4, "memory": "8G", "retries": 1}
    ray = RayCluster("head:6379", Share(4, None, "8G"), None, Policy(retries=1, deaths=3))
    assert chosen_engine(read_options(EngineOptions, options)) == ray
    (tmp_path / "sbatch").touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    given: dict[str, Any] = {"engine": "slurm", "jobs": 8, "partition": "gpu", "time_limit": "4:00:00", "gpus": 1}
    slurm = read_options(EngineOptions, {**given, "slurm_option": ["account=me", "nodelist=a,b", "exclusive"]})
    others = {"account": "me", "nodelist": "a,b", "exclusive": ""}
    assert chosen_engine(slurm) == Slurm(Resources("gpu", "4:00:00", None, 1, None, 8, others), Policy())
    monkeypatch.setenv("PATH", str(tmp_path / "nowhere"))
    with pytest.raises(UsageError, match="there is no sbatch here"):
        chosen_engine(slurm)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"partition": "gpu"}, r"--partition has no meaning with --engine local\. .* give --engine slurm\."),
        ({"cpus": 2}, r"--cpus has no meaning with --engine local\. .* give --engine ray or --engine slurm\."),
        ({"engine": "slurm", "address": "x"}, r"--address has no meaning with --engine slurm\."),
        ({"engine": "ray", "time_limit": "60"}, r"--time-limit has no meaning with --engine ray\."),
        ({"memory": "much"}, r"memory: String should match pattern"),
        ({"slurm_option": "=x"}, r"slurm_option: It is not of the form KEY or KEY=VALUE"),
    ],
)
def test_what_an_engine_does_not_read_is_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        chosen_engine(read_options(EngineOptions, given))
