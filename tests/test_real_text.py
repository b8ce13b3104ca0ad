"""The script that measures on real text: in small on the slices, and the tables that it makes of its results."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

SCRIPT = Path(__file__).resolve().parents[1] / "scripts" / "real_text"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    loader = SourceFileLoader("real_text", str(SCRIPT))
    spec = spec_from_loader("real_text", loader)
    assert spec
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "dont_write_bytecode", True)
        module = module_from_spec(spec)
        loader.exec_module(module)
    return module


def run(*words: object) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, str(SCRIPT), *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


def row(intermediate: str, *scores: float, gain: dict[str, float] | None = None, collapsed: bool = False) -> Any:
    """A row of PAWS-X as the result file has it, with these scores in German, one for each seed."""
    mean = sum(scores) / len(scores)
    seeds = [
        {"seed": 42 + number, "zero_shot": {"accuracy": one}, "validation": {"accuracy": one + 10},
         "one_prediction": ["de"] if collapsed else []}
        for number, one in enumerate(scores)
    ]  # fmt: skip
    return {
        "title": "PAWS-X", "metric_labels": {"accuracy": "accuracy"}, "split": "test", "intermediate": intermediate,
        "english": None, "zero_shot": {"accuracy": mean}, "languages": {"de": {"accuracy": mean, "examples": 1000}},
        "spread": {"zero_shot": {"accuracy": 2.0}} if len(scores) > 1 else {},
        "difference": {"accuracy": gain} if gain else {},
        "seconds": {"intermediate": 1200.0, "target": 60.0, "evaluation": 5.0}, "seeds": seeds,
    }  # fmt: skip


def test_a_table_has_each_seed_and_says_which_gave_one_prediction_alone(script: ModuleType) -> None:
    gain = {"mean": 3.0, "low": 1.04, "high": 4.96, "p": 0.012, "p_holm": 0.024}
    lines = script.target_table(
        [row("none", 56.0, 58.0, collapsed=True), row("mnli@0123456789ab", 59.0, 61.0, gain=gain)]
    )
    assert lines == [
        "PAWS-X, test split (1,000 de), accuracy in percent",
        "",
        "| from | en, validation | zero-shot mean | Δ accuracy | p (Holm) | de | by seed | seconds |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
        "| none | 67.0 | 57.0±2.0 |  |  | 57.0 | 56.0† · 58.0† | 1,200 + 60 + 5 |",
        "| `mnli` | 70.0 | 60.0±2.0 | +3.0 [+1.0, +5.0] | 0.024 | 60.0 | 59.0 · 61.0 | 1,200 + 60 + 5 |",
        "",
        "† none, seed 42: one and the same prediction for every example in de.",
        "† none, seed 43: one and the same prediction for every example in de.",
    ]  # fmt: skip


def test_english_has_its_own_score_where_it_was_scored(script: ModuleType) -> None:
    scored = row("none", 50.0)
    scored["english"] = scored["languages"]["en"] = {"accuracy": 72.5, "examples": 2000}
    table = script.target_table([scored])
    assert table[0].startswith("PAWS-X, test split (1,000 de, 2,000 en)")
    assert table[2].startswith("| from | en | zero-shot mean |") and table[4].startswith("| none | 72.5 | 50.0 |")


def test_hyperparameters_are_given_by_task(script: ModuleType) -> None:
    found = script.hyperparameters(["squad.epochs=0.5", "tatoeba.layer=12"], small=False)
    assert found["squad"]["epochs"] == 0.5 and found["tatoeba"] == {"layer": 12}
    assert found["mnli"] == script.SETTINGS["mnli"] and script.SETTINGS["squad"]["epochs"] != 0.5
    for wrong in ("squad=3", "xnli.epochs=3", "squad.epochs="):
        with pytest.raises(SystemExit, match="TASK.NAME=VALUE"):
            script.hyperparameters([wrong], small=False)


def test_it_says_what_it_needs() -> None:
    lacking = run("--store", "store")
    assert lacking.returncode == 2 and "--backbone, --data-dir and --store are needed" in lacking.stderr


@pytest.mark.slow
def test_the_comparisons_run_in_small_on_real_text_and_go_on_from_the_store(shared: Path, tmp_path: Path) -> None:
    backbone, out = shared / "models/xlmr-small", tmp_path / "store/real_text.json"
    if not backbone.is_dir():
        pytest.skip("the encoder is not beside the project")
    words = ("--small", "--backbone", backbone, "--data-dir", shared / "data", "--store", tmp_path / "store")
    done = run(*words)
    assert done.returncode == 0, done.stderr
    found = json.loads(out.read_text(encoding="utf-8"))
    assert str(tmp_path) not in json.dumps(found) and str(shared) not in json.dumps(found)
    assert found["setting"]["backbone"]["layers"] == 6 and found["setting"]["seeds"] == [42]
    rows = {name: part["rows"] for name, part in found["parts"].items()}
    assert {name: [one["intermediate"].partition("@")[0] for one in own] for name, own in rows.items()} == {
        "pawsx": ["none", "mnli"],
        "tydiqa": ["none", "squad", "mnli"],
        "tatoeba": ["none", "squad", "mnli"],
    }
    assert {name: list(own[0]["languages"]) for name, own in rows.items()} == {
        "pawsx": ["de", "zh"], "tydiqa": ["sw"], "tatoeba": ["de", "sw", "ru", "zh"],
    }  # fmt: skip
    for name, own in rows.items():
        assert not own[0]["difference"] and all(one["difference"] and one["tokens"]["intermediate"] for one in own[1:])
        assert all(("validation" in one["seeds"][0]) == (name != "tatoeba") for one in own)
    for part in found["parts"].values():
        assert part["made"]["versions"]["torch"] and part["made"]["hardware"]["threads"] == 1
    # As if it had been killed before the last part was written: what the store has is not made again.
    left = {**found, "parts": {name: part for name, part in found["parts"].items() if name != "tatoeba"}}
    out.write_text(json.dumps(left), encoding="utf-8")
    again = run(*words)
    assert again.returncode == 0 and again.stdout == done.stdout
    assert "already in the store" in again.stderr and "steps" not in again.stderr
    assert json.loads(out.read_text(encoding="utf-8"))["parts"]["tatoeba"]["rows"] == rows["tatoeba"]
    assert run("--table", "--out", out).stdout == done.stdout
    other = run(*words, "--set", "mnli.epochs=2")
    assert other.returncode == 1 and "results with other settings" in other.stderr
