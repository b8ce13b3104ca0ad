"""Slurm's own commands, answered by a real one."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from adapterstilts.stages.engines.slurm import commands
from adapterstilts.stages.engines.slurm.commands import SlurmError


def test_jobs_are_submitted_seen_and_cancelled(slurm: Path, tmp_path: Path) -> None:
    options = ["--job-name=astilts-try", "--array=0,2-3", "--hold", f"--output={tmp_path}/%a"]
    number = commands.submit(options, "#!/bin/sh\nexit 3\n")
    found = commands.queue("astilts-try")
    assert sorted((one.index, one.job, one.state, one.reason) for one in found) == [
        (index, f"{number}_{index}", "PENDING", "JobHeldUser") for index in (0, 2, 3)
    ]
    assert commands.queue("astilts-other") == [] and commands.largest_array() > 100
    commands.cancel([f"{number}_{index}" for index in (0, 2, 3)])
    assert commands.queue("astilts-try") == []


def test_how_a_job_has_ended_is_known_for_a_while(slurm: Path, tmp_path: Path) -> None:
    number = commands.submit(["--job-name=astilts-try", "--array=4", f"--output={tmp_path}/%a"], "#!/bin/sh\nexit 3\n")
    until = time.monotonic() + 60
    while commands.queue("astilts-try"):
        assert time.monotonic() < until
        time.sleep(0.2)
    assert commands.ended_how(f"{number}_4") == "JobState FAILED, Reason NonZeroExitCode, ExitCode 3:0"
    assert commands.ended_how("99999") == ""


def test_what_slurm_refuses_is_said(slurm: Path) -> None:
    with pytest.raises(SlurmError, match=r"sbatch: error: .*invalid partition specified: nowhere"):
        commands.submit(["--partition=nowhere"], "#!/bin/sh\n")
    with pytest.raises(SlurmError, match="scontrol"):
        commands.requeue("99999")


def test_a_command_that_is_not_there_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SlurmError, match="squeue does not answer"):
        commands.queue("astilts-")
