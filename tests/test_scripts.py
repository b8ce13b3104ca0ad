"""Scripts that measure, in a size of seconds: that they run, and that what they write adds up."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from adapterstilts.mini.generators.span_qa import span_qa
from tests.conftest import write_squad

SCRIPTS = Path(__file__).resolve().parents[1] / "scripts"


@pytest.mark.slow
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


# Reads what a run_qa.py is given, and computes for a second, and the longer the more questions there are.
RUN_QA = """
import json, sys, time
flags = dict(zip(sys.argv[2::2], sys.argv[3::2]))
rows = json.load(open(flags["--train_file"]))["data"]
assert all(row["context"][row["answers"]["answer_start"][0]:].startswith(row["answers"]["text"][0]) for row in rows)
until = 1 + len(rows) * (0.1 if "--group_by_length" in sys.argv else 0.2)
while time.process_time() < until:
    pass
"""


@pytest.mark.slow
def test_bench_frozen_once_computes_lower_layers_once(tiny_backbone: Path, tmp_path: Path) -> None:
    flags = {"backbone": tiny_backbone, "methods": "head", "rows": 16, "epochs": 2, "rounds": 1, "languages": "en,de",
             "out": tmp_path / "out.json"}  # fmt: skip
    words = [word for name, value in flags.items() for word in (f"--{name}", str(value))]
    subprocess.run([sys.executable, SCRIPTS / "bench_frozen_once", *words], check=True)
    (result,) = json.loads((tmp_path / "out.json").read_text())["results"]
    assert result["to_whole"].keys() == {"once", "again"} and all(
        len(one) == 1 for one in result["cpu_seconds"].values()
    )
    assert result["states_bytes"] % (32 * 4) == 0 and result["states_bytes"] > 16 * 32 * 4


@pytest.mark.slow
def test_bench_run_qa_counts_what_further_rows_take(tiny_backbone: Path, tmp_path: Path) -> None:
    (tmp_path / "run_qa.py").write_text(RUN_QA)
    write_squad(tmp_path / "train.json", span_qa(split="train", language="en", size=16))
    flags = {"backbone": tiny_backbone, "squad": tmp_path / "train.json", "rows": "2,8", "methods": "full", "rounds": 1,
             "threads": 1, "max-length": 126, "out": tmp_path / "out.json"}  # fmt: skip
    words = [word for name, value in flags.items() for word in (f"--{name}", str(value))]
    subprocess.run([sys.executable, SCRIPTS / "bench_run_qa", tmp_path / "run_qa.py", *words], check=True)
    (result,) = json.loads((tmp_path / "out.json").read_text())["results"]
    ways, tokens = result["ways"], result["tokens"]
    assert 6 * 20 < tokens < 6 * 126
    # Whole processes would be at 1.4 times the pace.
    assert ways["defaults"]["tokens_per_cpu_second"] == pytest.approx(tokens / (6 * 0.2), rel=0.25)
    assert ways["tuned"]["to_defaults"] == pytest.approx(2, rel=0.25)
    assert min(ways["own"]["cpu_seconds"].values()) > 1  # of so few questions the difference is noise


@pytest.mark.slow
def test_bench_languages_asks_the_same_of_both(tmp_path: Path) -> None:
    words = ["--tasks", "udpos", "--rows", "10", "--rounds", "1", "--out", tmp_path / "out.json"]
    subprocess.run([sys.executable, SCRIPTS / "bench_languages", *words], check=True)
    (result,) = json.loads((tmp_path / "out.json").read_text())["results"]
    assert (result["languages"], result["rows"]) == (5, 50)
    assert result["ratio"] > 1 and result["cpu_ratio"] > 1  # all that the pass computes, and more
