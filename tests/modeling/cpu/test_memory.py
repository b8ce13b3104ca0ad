"""Memory: what is free, and what a process keeps for its next batch."""

from __future__ import annotations

import platform
import resource
from pathlib import Path

import psutil
import pytest
import torch

from adapterstilts.modeling.cpu import memory
from adapterstilts.modeling.cpu.memory import free_memory, memory_kept, spare_memory

LARGE = 2**27
PAGES = LARGE // resource.getpagesize()


def faults() -> int:
    """That a large tensor takes, as pages that the system hands out."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    torch.ones(LARGE, dtype=torch.uint8)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries are left as they are")
def test_a_tensor_is_made_in_the_memory_of_the_last_one_while_it_is_kept() -> None:
    process = psutil.Process()
    with memory_kept():
        faults()
        kept = process.memory_info().rss
        assert faults() < PAGES / 100
    assert kept - process.memory_info().rss > LARGE * 0.9  # and given back


def test_what_a_user_has_told_the_c_library_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MALLOC_TRIM_THRESHOLD_", "0")
    faults()
    rss = psutil.Process().memory_info().rss
    with memory_kept():
        faults()
        assert psutil.Process().memory_info().rss - rss < LARGE / 2


def test_a_container_has_the_memory_that_it_is_allowed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert 0 < free_memory() <= psutil.virtual_memory().total
    monkeypatch.setattr(memory, "_CGROUP", tmp_path)
    (tmp_path / "memory.max").write_text("1000000\n")
    (tmp_path / "memory.current").write_text("400000\n")
    assert free_memory() == 600_000
    assert spare_memory(300_000) and not spare_memory(400_000)  # a quarter stays
    (tmp_path / "memory.max").write_text("max\n")
    assert free_memory() > 600_000
