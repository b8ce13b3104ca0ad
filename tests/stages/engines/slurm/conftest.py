"""A real Slurm, where there can be one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.slurm_cluster import lacking, running_slurm


@pytest.fixture(scope="session")
def slurm_config(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    if why := lacking():
        pytest.skip(why)
    with running_slurm(tmp_path_factory.mktemp("slurm")) as config:
        yield config


@pytest.fixture
def slurm(slurm_config: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Slurm's commands are answered."""
    monkeypatch.setenv("SLURM_CONF", str(slurm_config))
    return slurm_config
