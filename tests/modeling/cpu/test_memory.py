"""How much memory is free."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest

from adapterstilts.modeling.cpu import groups
from adapterstilts.modeling.cpu.memory import free_memory, spare_memory


def test_a_container_has_the_memory_that_it_is_allowed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert 0 < free_memory() <= psutil.virtual_memory().total
    monkeypatch.setattr(groups, "_CGROUP", tmp_path)
    (tmp_path / "memory.max").write_text("1000000\n")
    (tmp_path / "memory.current").write_text("400000\n")
    assert free_memory() == 600_000
    assert spare_memory(300_000) and not spare_memory(400_000)  # a quarter stays
    (tmp_path / "memory.max").write_text("max\n")
    assert free_memory() > 600_000


def test_what_is_kept_of_files_is_free_and_a_jobs_own_limit_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A container that has read large weights would have no memory left, and a job of Slurm that of the whole node."""
    job = tmp_path / "groups/system.slice/job_7/step_batch"
    job.mkdir(parents=True)
    monkeypatch.setattr(groups, "_CGROUP", tmp_path / "groups")
    monkeypatch.setattr(groups, "_OWN", tmp_path / "own")
    (tmp_path / "own").write_text("0::/system.slice/job_7/step_batch\n")
    (job / "memory.max").write_text("max\n")
    (job.parent / "memory.max").write_text("1000000\n")
    (job.parent / "memory.current").write_text("900000\n")
    assert free_memory() == 100_000
    (job.parent / "memory.stat").write_text("anon 100000\ninactive_file 700000\nactive_file 100000\n")
    assert free_memory() == 800_000 and spare_memory(500_000) and not spare_memory(600_000)
    (tmp_path / "own").write_text("12:pids:/\n0::/../elsewhere\n")
    assert free_memory() > 1_000_000


def test_groups_of_the_first_version_count_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of a job of Slurm on a system that is some years old, and of a container whose own path is not there."""
    monkeypatch.setattr(groups, "_CGROUP", tmp_path / "groups")
    monkeypatch.setattr(groups, "_OWN", tmp_path / "own")
    job = tmp_path / "groups/memory/slurm/uid_1/job_7"
    job.mkdir(parents=True)
    for path in ("slurm/uid_1/job_7/step_0", "docker/1f0c"):
        (tmp_path / "own").write_text(f"4:memory:/{path}\n3:cpuset:/\n2:cpu,cpuacct:/{path}\n0::/{path}\n")
        folder = job if path.startswith("slurm") else tmp_path / "groups/memory"
        (folder / "memory.limit_in_bytes").write_text("1000000\n")
        (folder / "memory.usage_in_bytes").write_text("900000\n")
        (folder / "memory.stat").write_text("inactive_file 0\ntotal_inactive_file 700000\n")
        assert free_memory() == 800_000 and spare_memory(500_000) and not spare_memory(600_000)
