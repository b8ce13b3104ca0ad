"""The simulation of how often intervals are right: in small, and what its committed results say."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "coverage"


def cells(path: Path, what: str) -> list[dict[str, Any]]:
    return [one for one in json.loads(path.read_text(encoding="utf-8"))["cells"] if one["what"] == what]


@pytest.mark.slow
def test_the_simulation_runs_in_small_and_finds_what_is_wrong_with_other_intervals(tmp_path: Path) -> None:
    out = tmp_path / "coverage.json"
    words = [sys.executable, str(SCRIPT), "--small", "--simulations", "300", "--processes", "1", "--out", str(out)]
    environment = {**os.environ, "PYTHONPATH": str(SCRIPT.parents[1])}
    done = subprocess.run(words, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    assert "| seeds | interval | percentile bootstrap |" in done.stdout
    setting = json.loads(out.read_text(encoding="utf-8"))["setting"]
    assert setting["simulations"] == 300 and {"date", "versions", "machine", "cores"} < set(setting)
    # In 300 simulations a coverage of 95% is found to within 4 points.
    for one in cells(out, "resampled"):
        assert one["paragraphs"] > 91 and (one["questions"] < 91) == (one["paragraph"] > 0)
    for one in cells(out, "repeated"):
        if one["seeds"] >= 3:
            assert one["interval"] > 90
        elif one["ratio"] > 0:
            assert one["interval"] < 50 < one["this_model"]
        if one["seeds"] == 3 and one["ratio"] > 0:
            assert one["percentile"] < 85


RESULTS = SCRIPT.parent / "results" / "coverage.json"


@pytest.mark.parametrize("scores", ["binary", "continuous"])
def test_the_committed_results_are_those_of_intervals_to_rely_on(scores: str) -> None:
    grouped = [one for one in cells(RESULTS, "resampled") if one["scores"] == scores]
    assert {one["paragraph"] for one in grouped} == {0.0, 0.2, 0.3, 0.4}
    assert all(94 <= one["paragraphs"] <= 96 for one in grouped)
    assert all(76 <= one["questions"] <= 89 for one in grouped if one["paragraph"] > 0)
    repeated = [one for one in cells(RESULTS, "repeated") if one["scores"] == scores]
    assert {one["seeds"] for one in repeated} == {1, 2, 3, 5, 10}
    # Three standard errors of 3,000 simulations are about one point.
    assert all(93 - 1 <= one["interval"] <= 97 + 1 for one in repeated if one["seeds"] >= 3)
