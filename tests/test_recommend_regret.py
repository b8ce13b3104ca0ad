"""The script that judges recommendations: its measures on orders whose worth is known."""

from __future__ import annotations

import json
import sys
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from math import log2
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import adapterstilts

SCRIPT = Path(__file__).resolve().parents[1] / "scripts" / "recommend_regret"
SCORES = {"none": 10.0, "a": 50.0, "b": 40.0, "c": 20.0, "d": 10.0}


@pytest.fixture(scope="module")
def script() -> ModuleType:
    loader = SourceFileLoader("recommend_regret", str(SCRIPT))
    spec = spec_from_loader("recommend_regret", loader)
    assert spec
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "dont_write_bytecode", True)
        module = module_from_spec(spec)
        loader.exec_module(module)
    return module


def found(**orders: str) -> dict[str, Any]:
    """A result file with one target, of which the seeds' mean is `SCORES`."""
    grid = {
        f"mlqa {seed}": {"zero_shot": {name: one + add for name, one in SCORES.items()}, "cpu_seconds": seconds}
        for seed, add, seconds in ((42, 1.0, 200.0), (43, -1.0, None))
    }
    ways = {f"mlqa {way}": {"order": list(order), "cpu_seconds": 2.0} for way, order in orders.items()}
    return {"grid": grid, "ways": ways}


def test_regret_is_what_the_first_ones_stay_behind_the_best(script: ModuleType) -> None:
    assert [script.regret(SCORES, "abcd", k) for k in (1, 3)] == [0.0, 0.0]
    assert [script.regret(SCORES, "cdba", k) for k in (1, 2, 3, 4)] == [60.0, 60.0, 20.0, 0.0]


def test_gain_is_discounted_by_the_place(script: ModuleType) -> None:
    assert script.ndcg(SCORES, "abcd") == script.ndcg({"a": 1.0, "b": 1.0}, "ba") == 100.0
    ideal = 1 + 0.75 / log2(3) + 0.25 / 2
    assert script.ndcg(SCORES, "dabc") == pytest.approx(100 * (1 / log2(3) + 0.75 / 2 + 0.25 / log2(5)) / ideal)


def test_the_table_has_every_way_beside_chance_and_no_task(script: ModuleType) -> None:
    shown = script.ways_table(found(logme="abcd", size="dcba"))
    assert "| `logme` | 0.0 | 0.0 | 100.0 | 2.0 |" in shown and "| `size` | 80.0 | 20.0 | " in shown
    (chance,) = [line.split("|") for line in shown.splitlines() if "at random" in line]
    assert float(chance[2]) == pytest.approx(100 * (1 - (50 + 40 + 20 + 10) / 4 / 50), abs=1)
    assert "| no intermediate task | 80.0 | | | 0.0 |" in shown
    assert "| a | **50.0** |" in script.grid_table(found())


_STUDY = """
title: Two tasks for two targets
question: Which?
axes: {from: [squad, udpos], to: [udpos, tatoeba, panx]}
options: {profile: mini, max_train_examples: 16, epochs: 1, max_eval_examples: 8, languages: [en, de]}
intermediate: {epochs: 1}
"""


@pytest.mark.slow
def test_a_study_is_judged_without_its_targets_as_candidates_of_their_own(
    script: ModuleType,
    tiny_backbone: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    study, out = tmp_path / "study.yaml", tmp_path / "found.json"
    study.write_text(_STUDY)
    places = ("--backbone", str(tiny_backbone), "--store", str(tmp_path / "store"), "--out", str(out))
    monkeypatch.setattr(sys, "argv", [str(SCRIPT), "--study", str(study), "--rows", "16", *places])
    script.main()
    assert "| squad | " in capsys.readouterr().out
    found = json.loads(out.read_text())
    # Tatoeba trains no model.
    grid = {name: list(one["zero_shot"]) for name, one in found["grid"].items()}
    assert grid == {"udpos study": ["none", "squad"], "panx study": ["none", "squad", "udpos"]}
    store = {"backbone": str(tiny_backbone), "store": tmp_path / "store"}
    for cell in adapterstilts.study(str(study), **store).cells:
        if cell.axes["to"] != "tatoeba" and cell.axes["from"] != cell.axes["to"]:
            scores = found["grid"][f"{cell.axes['to']} study"]["zero_shot"]
            assert cell.row.zero_shot and scores[cell.axes["from"]] == cell.row.zero_shot["score"]
    orders = {name: one.get("order", one.get("refused")) for name, one in found["ways"].items()}
    assert {name: sorted(order) for name, order in orders.items()} == {
        f"{target} {way}": sorted(set(grid[f"{target} study"]) - {"none"})
        for target in ("udpos", "panx")
        for way in (*script.WAYS.split(), script.SELECT)
    }
