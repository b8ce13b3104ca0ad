"""Out of the house and back: trained, pushed, forgotten, and used again from the place where it is."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

import adapterstilts
from adapterstilts.errors import CompatibilityError, HubError, SharingError, UsageError
from adapterstilts.modeling.backbone import locate_backbone
from adapterstilts.runs.memory import Memory
from adapterstilts.runs.store import Run, RunStore
from adapterstilts.sharing.adopt import Adoption
from adapterstilts.sharing.export import Export
from adapterstilts.sharing.package import open_package
from adapterstilts.tasks.catalogue import Catalogue
from tests.runs.published import EVALUATED, publish
from tests.runs.test_specs import evaluate_spec
from tests.sharing.conftest import OTHER, TOKEN
from tests.sharing.shared_models import rewrite
from tests.writable_hub import Fault, WritableHub

REPOSITORY = "anna/squad-adapter"
EVERYTHING: dict[str, Any] = {"languages": ("en", "de"), "max_eval_examples": 16}


def test_a_run_is_pushed_forgotten_and_used_from_its_commit(hub: WritableHub, suite: dict[str, Any]) -> None:
    """With the numbers of the local run, also when they are measured by somebody who verifies them."""
    trained = adapterstilts.train_intermediate("squad", **suite)
    local = adapterstilts.transfer("squad", "mlqa", **EVERYTHING, **suite)
    pushed = adapterstilts.push("squad", to=REPOSITORY, store=suite["store"])
    assert pushed.changed and pushed.place.startswith(f"hf://{REPOSITORY}@")
    shutil.rmtree(suite["store"])
    there = adapterstilts.transfer(pushed.place, "mlqa", **EVERYTHING, **suite)
    (_, row), (_, expected) = there.rows, local.rows
    assert row.languages == expected.languages and row.zero_shot == expected.zero_shot
    assert row.intermediate != expected.intermediate and row.shared == {row.intermediate: pushed.place}
    (key,) = row.intermediate_runs.values()
    (folder,) = suite["store"].glob(f"shared-*-{key[:12]}")
    run = Run(folder).check()
    assert run.spec.made.model_dump() and run.provenance["shared"]["place"] == pushed.place
    assert run.spec.content == run.provenance["shared"]["content"] and run.metrics["steps"] == trained.steps
    verified = adapterstilts.verify(pushed.place, store=suite["store"], backbone=suite["backbone"])
    assert verified.agrees and [one.verdict for one in verified.checked] == ["equal"]
    # The newest state, which has to be asked for, is the same; so is the one of a branch.
    again = adapterstilts.transfer(REPOSITORY, "mlqa", **EVERYTHING, **suite)
    assert again.rows[1].intermediate == row.intermediate


def test_the_second_push_changes_nothing_and_a_pull_is_what_was_pushed(
    hub: WritableHub, trained: dict[str, Any], tmp_path: Path
) -> None:
    first = adapterstilts.push("squad", to=REPOSITORY, store=trained["store"])
    second = adapterstilts.push("squad", to=f"hf://{REPOSITORY}", store=trained["store"])
    assert (first.changed, second.changed) == (True, False) and first.place == second.place
    pulled = adapterstilts.pull(REPOSITORY, tmp_path / "pulled", store=tmp_path / "store")
    assert pulled.place == first.place and {*pulled.files} == {path.name for path in (tmp_path / "pulled").iterdir()}
    assert pulled.made and pulled.made["spec"]["seed"] == 42
    found = adapterstilts.search(task="squad", method="seq_bn")
    assert [one.reference for one in found] == [REPOSITORY] and found[0].task == "squad"
    assert adapterstilts.search(task="mnli") == []


def test_models_of_several_tasks_are_found_by_all_of_these(hub: WritableHub) -> None:
    """And by the method, whatever options it had, which the Hub does not know."""
    card = b"---\ntags: [adapterstilts, 'task:mnli', 'task:qqp', 'method:lora']\n---\n"
    hub.add("bert/two").put({"README.md": card})
    hub.add("bert/one").put({"README.md": card.replace(b"'task:qqp', ", b"")})
    (found,) = adapterstilts.search("qqp+mnli", method="lora[r=16]")
    assert found.reference == "bert/two" and found.task == "mnli+qqp" and found.method == "lora"


def test_the_card_on_a_branch_loads_what_is_there(hub: WritableHub, trained: dict[str, Any]) -> None:
    """The main branch has nothing of it."""
    pushed = adapterstilts.push("squad", to=REPOSITORY, revision="second", store=trained["store"])
    (line,) = [line for line in pushed.card.splitlines() if line.startswith("FOLDER = ")]
    names: dict[str, Any] = {}
    exec(f"from huggingface_hub import snapshot_download\n{line}", names)
    assert (Path(names["FOLDER"]) / "adapter.safetensors").is_file()
    assert f"--from hf://{REPOSITORY}@second " in pushed.card


def test_a_dry_run_says_all_and_uploads_nothing(hub: WritableHub, trained: dict[str, Any]) -> None:
    result = adapterstilts.push("squad", to=REPOSITORY, dry_run=True, store=trained["store"])
    assert result.changed is None and {"astilts.json", "adapter.safetensors", "README.md"} <= result.files.keys()
    assert "library_name: adapter-transformers" in result.card and f"snapshot_download('{REPOSITORY}')" in result.card
    with pytest.raises(HubError, match=REPOSITORY):
        adapterstilts.pull(REPOSITORY, Path(trained["store"]).parent / "none", store=trained["store"])


def test_no_token_is_in_anything_that_was_written(
    hub: WritableHub, suite: dict[str, Any], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    adapterstilts.train_intermediate("squad", **suite)
    pushed = adapterstilts.push("squad", to=REPOSITORY, private=True, store=suite["store"])
    adapterstilts.pull(pushed.place, tmp_path / "pulled", store=suite["store"])
    hub.faults.append(Fault("squad-adapter", times=99, status=403))
    with pytest.raises(HubError) as caught:
        adapterstilts.pull("anna/squad-adapter@main", tmp_path / "again", store=suite["store"])
    texts = [str(caught.value), repr(caught.value.__cause__), *capfd.readouterr()]
    texts += [path.read_bytes().decode("latin-1") for path in tmp_path.rglob("*") if path.is_file()]
    assert len(texts) > 20 and not any(secret in text for text in texts for secret in (TOKEN, OTHER))


def test_nothing_of_this_machine_is_in_a_shared_folder(shared_folder: Path, trained: dict[str, Any]) -> None:
    texts = [path.read_bytes().decode("latin-1") for path in shared_folder.rglob("*") if path.is_file()]
    for own in (str(trained["store"]), str(Path(trained["backbone"]).parent), str(Path.cwd()), str(Path.home())):
        assert not any(own in text for text in texts), own
    assert not list(shared_folder.rglob("log.jsonl")) and not list(shared_folder.rglob("*.pt"))


def test_a_folder_and_a_registry_are_places_like_the_hub(
    trained: dict[str, Any], shared_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = {**trained, "store": tmp_path / "store"}
    monkeypatch.chdir(tmp_path)
    adapterstilts.push("squad", to="./registry", store=trained["store"])
    (found,) = adapterstilts.search(registry="./registry", hub=False)
    rows = [
        adapterstilts.transfer(reference, "mlqa", baseline=False, **EVERYTHING, **options, **more).rows[0]
        for reference, more in (
            (str(shared_folder), {}),
            (found.reference, {}),
            ("squad", {"registry": "./registry"}),
        )
    ]
    assert rows[0].languages == rows[1].languages == rows[2].languages
    assert len({row.intermediate for row in rows}) == 1  # the content is the same wherever it is from
    with pytest.raises(UsageError, match="has no intermediate run of squad"):
        adapterstilts.transfer("squad", "mlqa", **EVERYTHING, **{**options, "store": tmp_path / "other"})


def test_what_another_backbone_or_task_needs_is_said_before_anything_runs(
    shared_folder: Path, trained: dict[str, Any], other_backbone: Path, tmp_path: Path
) -> None:
    options = {**trained, "store": tmp_path / "store", "backbone": str(other_backbone)}
    with pytest.raises(CompatibilityError, match="--base-differs"):
        adapterstilts.transfer(str(shared_folder), "mlqa", **options)
    with pytest.raises(SharingError, match="is not a folder"):
        adapterstilts.transfer("./nowhere", "mlqa", **options)
    assert not list((tmp_path / "store").glob("[!.]*"))


def test_what_strangers_trained_is_not_trained_again_unless_that_is_said(
    shared_folder: Path, trained: dict[str, Any], tmp_path: Path
) -> None:
    """Several seeds of the target phase are above the one that was shared."""
    plan = adapterstilts.plan(
        adapterstilts.transfer, str(shared_folder), "mlqa", seeds=3, **{**trained, "store": tmp_path / "store"}
    )
    trainings = [one.stage for one in plan.stages if one.state == "to train"]
    assert trainings.count("train-target") == 6 and "train-intermediate" not in trainings
    said = adapterstilts.plan(
        adapterstilts.transfer,
        str(shared_folder), "mlqa", seeds=3, intermediate_seeds=3, **{**trained, "store": tmp_path / "store"},
    )  # fmt: skip
    assert [one.stage for one in said.stages if one.state == "to train"].count("train-intermediate") == 2


def test_the_backbone_of_a_model_that_was_brought_is_where_it_was_brought_to(
    shared_folder: Path, trained: dict[str, Any], tmp_path: Path
) -> None:
    """Its files name a folder, of which no other machine knows where it is, and the Hub nothing."""
    store = tmp_path / "store"
    for ask in (adapterstilts.verify, adapterstilts.load):
        with pytest.raises(UsageError, match=r"on a backbone in the folder .*, which is not here\. .*--backbone"):
            ask(str(shared_folder), store=store)
    adapterstilts.plan(adapterstilts.transfer, str(shared_folder), "mlqa", **{**trained, "store": store})
    (run,) = RunStore(store).runs()
    assert run.provenance["backbone"] == trained["backbone"] and run.spec.stage == "shared"
    assert adapterstilts.info(run.name, store=store).made and adapterstilts.load(run.name, store=store).task == "squad"


@pytest.mark.slow
def test_every_file_has_the_permissions_that_the_umask_gives(trained: dict[str, Any], tmp_path: Path) -> None:
    """A store, and what is made of it, is for a group where the umask says so."""
    (tmp_path / "new").touch()
    usual = (tmp_path / "new").stat().st_mode
    adapterstilts.export_model("squad", to=tmp_path / "adapter", store=trained["store"])
    full = {**trained, "store": tmp_path / "store", "method": "full", "max_steps": 1}
    adapterstilts.train_intermediate("squad", **full)
    adapterstilts.export_model("squad", to=tmp_path / "checkpoint", store=full["store"])
    places = (trained["store"], tmp_path)
    files = [path for place in places for path in place.rglob("*") if path.is_file()]
    assert {path.name for path in files} >= {"weights.safetensors", "adapter.safetensors", "model.safetensors"}
    assert [path for path in files if path.stat().st_mode != usual] == []


def test_scores_on_fewer_rows_do_not_take_the_place_of_those_on_all(
    shared_folder: Path, trained: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = shutil.copytree(shared_folder, tmp_path / "folder")
    scores = {"en": {"f1": 1.0, "examples": 40}}
    monkeypatch.setitem(EVALUATED, "languages", scores)
    told = [{"spec": evaluate_spec().model_dump(mode="json"), "languages": scores}]
    rewrite(folder, "astilts.json", lambda values: {**values, "evaluations": told})
    backbone, store = locate_backbone(trained["backbone"]), RunStore(tmp_path / "store")
    run = Adoption(backbone, backbone.facts(Memory.of_user()), store).adopt(open_package(folder))
    for day, most, due in (("01", 16, [None, 16]), ("02", None, [16, None])):
        spec = evaluate_spec(inputs=(run.key,), backbone=backbone.fingerprint, max_examples=most)
        publish(store, spec, finished=f"2026-01-{day}")
        assert [one.spec.max_examples for one in Export.of(run, store, Catalogue()).evaluations] == due
