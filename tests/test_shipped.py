"""What ships with the package: an adapter of each intermediate task for the embedded backbone, and all cards."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import adapterstilts
from adapterstilts.commands.options import TransferOptions
from adapterstilts.commands.setup import make_planner, shipped_folders
from adapterstilts.mini import backbone_path
from adapterstilts.modeling.backbone import locate_backbone
from adapterstilts.reporting.cards import RESULT, card
from adapterstilts.reporting.runs import runs_table
from adapterstilts.reporting.transfer import transfer_tables
from adapterstilts.runs.store import Run, RunStore
from adapterstilts.stages.evaluation_spec import Scored, plan_evaluation
from adapterstilts.stages.graph import finished
from adapterstilts.stages.reporter import Silent
from adapterstilts.stages.run import run_stage
from adapterstilts.stages.training_spec import plan_training
from tests.package_tasks import recipe, task_names

FOLDER = Path(__file__).resolve().parents[1] / "task_adapters"
INTERMEDIATE = [name for name in task_names() if "intermediate" in recipe(name).phases]
MOST_BYTES = 200 * 1024
# Chance, in percent, where the most frequent answer is not what one would call so.
BY_CHANCE = {"squad": 0.0}


def run_of(name: str) -> Run:
    assert FOLDER / name / "mini" in shipped_folders(), f"scripts/build_mini --skip-backbone --only {name}"
    return Run(FOLDER / name / "mini").check()


def result_of(name: str) -> dict[str, Any]:
    return json.loads((run_of(name).folder / RESULT).read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", task_names())
def test_cards_are_fresh(name: str) -> None:
    written = (FOLDER / name / "README.md").read_text(encoding="utf-8")
    assert written == card(recipe(name), FOLDER / name), f"astilts tasks card {name} --write"


@pytest.mark.parametrize("name", INTERMEDIATE)
def test_adapters_belong_to_what_the_package_has_now(name: str, tmp_path: Path) -> None:
    run = run_of(name)
    assert run.spec.backbone == locate_backbone(str(backbone_path())).fingerprint
    assert sum(path.stat().st_size for path in run.folder.glob("*.safetensors")) <= MOST_BYTES
    planner = make_planner(TransferOptions(profile="mini", store=tmp_path, precision="fp32", device="cpu"))
    assert plan_training(planner, [recipe(name)], "train-intermediate").key == run.key == result_of(name)["key"]
    assert not list(run.folder.glob("*.bin")) and not list(run.folder.glob("*.pt"))


@pytest.mark.parametrize("name", INTERMEDIATE)
def test_adapters_have_learnt_their_task_in_english_and_elsewhere(name: str) -> None:
    result = result_of(name)
    kind = recipe(name).build_kind()
    if kind.name == "masked_lm":
        assert result["test"]["en"]["accuracy"] > 10
        return
    score = "accuracy" if kind.name == "tagging" else None
    found = {
        language: metrics[score] if score else kind.main_score(metrics) for language, metrics in result["test"].items()
    }
    baseline = {language: result["baseline"].get(language, BY_CHANCE.get(name)) for language in found}
    assert found["en"] > baseline["en"] + 10, (found, baseline)
    better = [language for language in found if language != "en" and found[language] > baseline[language] + 3]
    assert len(better) >= 2 or set(found) == {"en"}, (found, baseline)


@pytest.mark.parametrize("name", INTERMEDIATE)
def test_adapters_give_the_scores_of_their_result_file(name: str, tmp_path: Path) -> None:
    run, recorded = run_of(name), result_of(name)["test"]["en"]
    planner = make_planner(TransferOptions(profile="mini", store=tmp_path, precision="fp32", device="cpu"))
    stage = plan_evaluation(planner, recipe(name), finished(run), Scored(languages=("en",)))
    found = run_stage(stage.spec, planner.setup, Silent())
    for metric, value in recorded.items():
        assert found.metrics["languages"]["en"][metric] == pytest.approx(value, abs=0.6), metric


def test_transfer_starts_from_a_shipped_adapter_without_training_it(tmp_path: Path) -> None:
    result = adapterstilts.transfer(
        "mnli", "tatoeba", profile="mini", languages=("de",), baseline=False, store=tmp_path / "store"
    )
    (row,) = result.rows
    assert row.shipped == [row.intermediate] == [f"mnli@{run_of('mnli').short_key}"]
    assert f"{row.intermediate}: as the package has it, in half precision" in transfer_tables(result)
    listed = runs_table(RunStore(tmp_path / "store").runs(), shipped=[run_of("mnli")])
    assert f"{row.intermediate} (shipped)" in listed
    assert [path.name.split("-")[0] for path in (tmp_path / "store").glob("[!.]*")] == ["evaluate"]
