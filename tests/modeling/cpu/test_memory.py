"""How much memory is free."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest

from adapterstilts.modeling.cpu import memory
from adapterstilts.modeling.cpu.memory import free_memory, spare_memory


def test_a_container_has_the_memory_that_it_is_allowed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert 0 < free_memory() <= psutil.virtual_memory().total
    monkeypatch.setattr(memory, "_CGROUP", tmp_path)
    (tmp_path / "memory.max").write_text("1000000\n")
    (tmp_path / "memory.current").write_text("400000\n")
    assert free_memory() == 600_000
    assert spare_memory(300_000) and not spare_memory(400_000)  # a quarter stays
    (tmp_path / "memory.max").write_text("max\n")
    assert free_memory() > 600_000
