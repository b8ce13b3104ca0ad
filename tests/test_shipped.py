"""What ships with the package: an adapter of each intermediate task for the embedded backbone, and all cards."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

import adapterstilts
from adapterstilts.commands.options import TransferOptions
from adapterstilts.commands.setup import make_planner
from adapterstilts.mini import backbone_path
from adapterstilts.modeling.backbone import locate_backbone
from adapterstilts.reporting.cards import RESULT, card
from adapterstilts.reporting.runs import runs_report
from adapterstilts.reporting.terminal import as_text
from adapterstilts.reporting.transfer import transfer_tables
from adapterstilts.runs.memory import Memory
from adapterstilts.runs.specs import SharedSpec
from adapterstilts.runs.store import RunStore
from adapterstilts.sharing.adopt import Adoption
from adapterstilts.sharing.card import address_card
from adapterstilts.sharing.export import Export
from adapterstilts.sharing.manifest import Manifest
from adapterstilts.sharing.package import Package, open_package
from adapterstilts.sharing.places import shipped
from adapterstilts.stages.training_spec import plan_training
from adapterstilts.tasks.catalogue import Catalogue
from tests.package_tasks import recipe, suite_names, task_names
from tests.sharing.shared_models import rewrite

FOLDER = Path(__file__).resolve().parents[1] / "task_adapters"
# Those of English rows: native ones of other languages are trained when they are asked for.
INTERMEDIATE = [
    name for name in suite_names() if "intermediate" in recipe(name).phases and recipe(name).training_language == "en"
]
MOST_BYTES = 200 * 1024
# Chance, in percent, where the most frequent answer is not what one would call so.
BY_CHANCE = {"squad": 0.0}


def package_of(name: str) -> Package:
    folder = FOLDER / name / "mini"
    assert folder in [one.folder for one in shipped()], f"scripts/build_mini --skip-backbone --only {name}"
    return open_package(folder)


def manifest_of(name: str) -> Manifest:
    manifest = package_of(name).manifest
    assert manifest
    return manifest


def result_of(name: str) -> dict[str, Any]:
    return json.loads((FOLDER / name / "mini" / RESULT).read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", task_names())
def test_cards_are_fresh(name: str) -> None:
    written = (FOLDER / name / "README.md").read_text(encoding="utf-8")
    assert written == card(recipe(name), FOLDER / name), f"astilts tasks card {name} --write"


@pytest.mark.slow(but=2)
@pytest.mark.parametrize("name", INTERMEDIATE)
def test_cards_of_adapters_are_those_of_a_push(name: str, tmp_path: Path) -> None:
    """With commands and code as they are today."""
    backbone, store = locate_backbone("mini"), RunStore(tmp_path / "store")
    with Catalogue().in_use():
        run = Adoption(backbone, backbone.facts(Memory.of_user()), store).adopt(package_of(name))
        Export.of(run, store, Catalogue()).write(tmp_path / "shared", backbone)
    address_card(tmp_path / "shared", f"./task_adapters/{name}/mini")
    written = (FOLDER / name / "mini/README.md").read_text(encoding="utf-8")
    assert written == (tmp_path / "shared/README.md").read_text(encoding="utf-8"), "scripts/build_mini --cards"
    assert "generated rows of the embedded suite" in written and " --profile mini" in written


@pytest.mark.parametrize("name", INTERMEDIATE)
def test_adapters_belong_to_what_the_package_has_now(name: str, tmp_path: Path) -> None:
    manifest, package = manifest_of(name), package_of(name)
    assert manifest.spec.backbone == locate_backbone(str(backbone_path())).fingerprint
    assert sum(file.bytes for file in package.files if file.name.endswith(".safetensors")) <= MOST_BYTES
    planner = make_planner(TransferOptions(profile="mini", store=tmp_path, precision="fp32", device="cpu"))
    assert plan_training(planner, [recipe(name)], "train-intermediate").key == manifest.key == result_of(name)["key"]
    assert not list(package.folder.glob("*.bin")) and not list(package.folder.glob("*.pt"))


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


@pytest.mark.slow(but=2)
@pytest.mark.parametrize("name", INTERMEDIATE)
def test_adapters_give_the_scores_of_their_manifest(name: str, tmp_path: Path) -> None:
    """English and what selected the checkpoint; all languages take longer, and `astilts verify` does them."""
    (one,) = manifest_of(name).evaluations
    assert result_of(name)["test"] == {code: without_count(found) for code, found in one.languages.items()}
    copy = tmp_path / "mini"
    shutil.copytree(package_of(name).folder, copy)

    def english(values: dict[str, Any]) -> dict[str, Any]:
        values["evaluations"][0]["languages"] = {"en": one.languages["en"]}
        values["evaluations"][0]["spec"]["fingerprints"] = {"en": one.spec.fingerprints["en"]}
        return values

    rewrite(copy, "astilts.json", english)
    verified = adapterstilts.verify(str(copy), store=tmp_path / "store", device="cpu")
    assert len(verified.checked) == 2 and max(found.largest for found in verified.checked) < 0.6


def without_count(metrics: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in metrics.items() if name != "examples"}


def test_transfer_starts_from_a_shipped_adapter_without_training_it(tmp_path: Path) -> None:
    options: dict[str, Any] = {"profile": "mini", "languages": ("de",), "baseline": False, "store": tmp_path / "store"}
    result = adapterstilts.transfer("mnli", "tatoeba", **options)
    (row,) = result.rows
    assert row.shared == {row.intermediate: "the package, task_adapters/mnli/mini"}
    assert f"{row.intermediate}: not trained here, but from the package" in transfer_tables(result)
    runs = RunStore(tmp_path / "store").runs()
    assert [run.spec.stage for run in runs] == ["shared", "evaluate"] and isinstance(runs[0].spec, SharedSpec)
    assert row.intermediate in as_text(runs_report(runs)) and "task_adapters/mnli/mini" in as_text(runs_report(runs))
    # By its folder, it is the same one.
    again = adapterstilts.transfer(str(FOLDER / "mnli/mini"), "tatoeba", **options)
    assert again.rows[0].intermediate == row.intermediate
