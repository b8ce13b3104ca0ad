"""Scripts that measure, in a size of seconds: that they run, and that what they write adds up."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parents[1] / "scripts"


def test_bench_measures_the_same_features_in_three_ways(tmp_path: Path) -> None:
    out = tmp_path / "bench.json"
    flags = {"phases": "train", "methods": "seq_bn", "lengths": "squad", "hidden-sizes": 64, "layers": 1, "rounds": 1,
             "steps": 59, "threads": 1, "batch-size": 4, "out": out}  # fmt: skip
    words = [word for name, value in flags.items() for word in (f"--{name}", str(value))]
    subprocess.run([sys.executable, SCRIPTS / "bench", *words], check=True, capture_output=True)
    (result,) = json.loads(out.read_text())["results"]
    plans = result["plans"]
    assert {one["precision"] for one in plans.values()} == {"fp32"} and plans["padded"]["to_padded"] == 1
    # A median of 150 tokens, of rows of 384, is about 0.43 of them.
    assert 0.38 < plans["padded"]["share_useful"] < 0.48
    assert min(plans[one]["share_useful"] for one in ("grouped", "buckets")) > 0.8
    assert all(0 < one["share_of_matrix_rate"] < 1 and one["tokens_per_cpu_second"] > 0 for one in plans.values())
