"""How many cores are this process's."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from adapterstilts.modeling.backbone import locate_backbone
from adapterstilts.modeling.cpu import groups
from adapterstilts.modeling.cpu.cores import cores


def test_a_container_with_part_of_the_time_has_fewer_cores(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_backbone: Path
) -> None:
    """torch and the scheduler's mask know of all cores of the machine alone."""
    backbone = locate_backbone(str(tiny_backbone))
    alone, threads = cores(), torch.get_num_threads()
    monkeypatch.setattr(groups, "_CGROUP", tmp_path)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    try:
        torch.set_num_threads(6)
        (tmp_path / "cpu.max").write_text("max 100000\n")
        backbone.encoder(torch.float32)
        assert cores() == alone and torch.get_num_threads() == 6
        (tmp_path / "cpu.max").write_text("410000 100000\n")
        backbone.encoder(torch.float32)
        assert cores() == min(alone, 5) and torch.get_num_threads() == 5
        (tmp_path / "cpu.max").write_text("50000 100000\n")
        monkeypatch.setenv("OMP_NUM_THREADS", "5")
        backbone.encoder(torch.float32)
        assert cores() == 1 and torch.get_num_threads() == 5
        (tmp_path / "cpu.max").unlink()
        (tmp_path / "own").write_text("2:cpu,cpuacct:/job\n1:memory:/job\n0::/\n")
        monkeypatch.setattr(groups, "_OWN", tmp_path / "own")
        (tmp_path / "cpu/job").mkdir(parents=True)
        for folder, quota in (("cpu", "-1"), ("cpu/job", "150000")):  # of the first version
            (tmp_path / folder / "cpu.cfs_quota_us").write_text(quota)
            (tmp_path / folder / "cpu.cfs_period_us").write_text("100000")
        assert cores() == min(alone, 2)
    finally:
        torch.set_num_threads(threads)
