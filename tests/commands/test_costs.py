"""What trainings took together."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from adapterstilts.commands.costs import Cost
from adapterstilts.runs.store import Run, RunStore


def test_costs_of_runs_are_added_up_and_count_every_process(trained: dict[str, Any], tmp_path: Path) -> None:
    alone = RunStore(trained["store"]).runs()[0]
    shutil.copytree(alone.folder, tmp_path / "by-two")
    seconds, tokens = alone.provenance["train_seconds"], alone.metrics["tokens_seen"]
    made = {**alone.provenance, "processes": 2, "strategy": "ddp"}
    (tmp_path / "by-two/provenance.json").write_text(json.dumps(made))
    both = Cost.of([alone, Run(tmp_path / "by-two")])
    assert (both.seconds, both.device_seconds) == (pytest.approx(2 * seconds), pytest.approx(3 * seconds))
    assert (both.processes, both.tokens_seen, both.flops) == (2, 2 * tokens, 2 * alone.metrics["flops"])
    assert Cost.of([alone]).processes == 1 and Cost.of([]) == Cost()
