"""Sharing a run: which one, where, and what is refused before anything is written."""

from __future__ import annotations

import re
import shlex
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml

import adapterstilts
from adapterstilts.cli import main
from adapterstilts.errors import SharingError, StoreError, UsageError
from adapterstilts.reporting.sharing import push_text
from adapterstilts.sharing.card import CardFacts, model_card
from adapterstilts.sharing.licences import Licence
from adapterstilts.sharing.manifest import Evaluated, read_manifest
from tests.new_files import csv_task
from tests.runs.test_specs import evaluate_spec


def test_a_push_to_a_registry_is_said_and_can_be_repeated(trained: dict[str, Any], tmp_path: Path) -> None:
    place = str(tmp_path / "registry")
    first, second = (adapterstilts.push("squad", to=place, store=trained["store"]) for _ in range(2))
    assert first.changed and not second.changed
    text = push_text(first)
    assert text.startswith(f"Uploaded to {place}#squad-seq_bn-") and f"{first.bytes:>13,} bytes" in text
    assert push_text(second).startswith("Nothing to do")
    assert all(len(line) <= 80 for line in text.splitlines() if place not in line)


def test_the_card_has_what_the_hub_reads(shared_folder: Path) -> None:
    card = (shared_folder / "README.md").read_text(encoding="utf-8")
    _, front, text = card.split("---\n", 2)
    values = yaml.safe_load(front)
    assert values["library_name"] == "adapter-transformers" and values["pipeline_tag"] == "question-answering"
    assert {"adapterstilts", "stilts", "task:squad", "method:seq_bn", "adapter-transformers"} <= set(values["tags"])
    assert values["license"] == "apache-2.0" and values["language"] == ["en"]
    (result,) = values["model-index"][0]["results"]
    assert result["dataset"]["split"] == "validation" and {one["type"] for one in result["metrics"]} == {
        "exact_match",
        "f1",
    }
    # All rows are scored with the model that some of them have selected.
    found = re.search(r"validation rows of `squad` \((\d+) rows\), 16 of which selected the checkpoint: ", text)
    assert found and int(found[1]) > 16
    for heading in ("## Scores", "## Training", "## Use", "## Limits", "## Citation"):
        assert heading in text


def test_a_language_of_a_script_is_told_as_the_hub_takes_it(shared_folder: Path) -> None:
    """`language` has to be codes of two or three letters, or nothing is uploaded; whole tags are `language_bcp47`."""
    codes = ("en", "zh-Hant", "arb-Latn", "quy", "de-en")
    scores = Evaluated(spec=evaluate_spec(), languages={code: {"f1": 50.0} for code in codes})
    manifest = read_manifest(shared_folder, where="it").model_copy(update={"evaluations": (scores,)})
    facts = CardFacts(title="A model", recipes=(), licence=Licence({"mit": ("squad",)}, ()), loading="", limits=())
    values = yaml.safe_load(model_card(manifest, facts).split("---\n", 2)[1])
    assert values["language"] == ["en", "zh", "arb", "quy", "de"]
    assert values["language_bcp47"] == ["zh-Hant", "arb-Latn"]


def command_of(card: str, suite: dict[str, Any]) -> list[str]:
    """The words of the card's `transfer`, with a target, for a quick plan in a store of its own."""
    (line,) = [line for line in card.splitlines() if line.startswith("astilts transfer ")]
    quick = {"--profile": "mini", "--store": str(suite["store"]), "--max-train-examples": "24"}
    return [
        *shlex.split(line.replace("TARGET", "mlqa"))[1:],
        "--plan",
        *(word for pair in quick.items() for word in pair),
    ]


@pytest.mark.slow(but=2)
@pytest.mark.parametrize("method", ["seq_bn[reduction_factor=8]", "lora", "peft:lora", "full", "head"])
def test_the_command_of_the_card_works_as_it_stands(
    method: str,
    suite: dict[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """On a backbone and with a method that are not the defaults."""
    monkeypatch.chdir(Path(suite["backbone"]).parent)
    adapterstilts.train_intermediate("squad", method=method, **{**suite, "max_steps": 1})
    pushed = adapterstilts.push("squad", to=str(tmp_path / "our registry"), store=suite["store"])
    words = command_of(pushed.card, {"store": tmp_path / "other"})
    assert words[words.index("--from") + 1] == pushed.place and words[words.index("--method") + 1] == method
    main(words)
    assert "evaluate mlqa" in capsys.readouterr().out


def test_the_card_of_a_language_adapter_is_about_that_language(
    suite: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(Path(suite["backbone"]).parent)
    runs = {code: adapterstilts.train_language(code, **{**suite, "max_steps": 1}) for code in ("de", "en")}
    pushed = adapterstilts.push(runs["de"].key[:12], to=str(tmp_path / "registry"), store=suite["store"])
    front, text = yaml.safe_load(pushed.card.split("---\n", 2)[1]), pushed.card.split("---\n", 2)[2]
    (result,) = front["model-index"][0]["results"]
    assert "German validation rows, by which" in result["dataset"]["name"] and "On the German validation rows" in text
    assert "English" not in text.split("## Scores")[1].split("## Training")[0] and "use both in German" in text
    main(command_of(pushed.card, suite))
    assert "evaluate mlqa" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"to": "squad"}, r"is no place.*\./squad for a folder"),
        ({"to": "me/x@main"}, "pushed to a branch"),
        ({"to": "./registry", "private": True}, "--private has no meaning for a registry"),
        ({"to": "./registry", "create_pr": True}, "--create-pr has no meaning for a registry"),
        ({"to": "a/b/c"}, "no name of a repository"),
    ],
)
def test_places_that_mean_nothing_are_refused(given: dict[str, Any], message: str, trained: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=message):
        adapterstilts.push("squad", store=trained["store"], **given)


@pytest.mark.slow
def test_which_run_is_meant(suite: dict[str, Any], tmp_path: Path) -> None:
    place = str(tmp_path / "registry")
    with pytest.raises(UsageError, match="No run 'squad'"):
        adapterstilts.push("squad", to=place, store=suite["store"])
    first = adapterstilts.train_intermediate("squad", **suite)
    adapterstilts.train_intermediate("squad", seed=7, **suite)
    with pytest.raises(UsageError, match=r"2 models of squad.*\n  squad@[0-9a-f]{12} \(train-intermediate, seq_bn"):
        adapterstilts.push("squad", to=place, store=suite["store"])
    result = adapterstilts.transfer(f"squad@{first.key[:12]}", "mlqa", max_eval_examples=16, baseline=False, **suite)
    (row,) = result.rows
    with pytest.raises(UsageError, match="is an evaluation and not a model"):
        adapterstilts.push(row.folder.name, to=place, store=suite["store"])
    assert row.trained
    pushed = adapterstilts.push(row.trained.name, to=place, store=suite["store"])
    # A target over an intermediate task: both parts, and what the target scored in each language.
    assert {"composition.json", "1-squad/adapter.safetensors", "2-mlqa/adapter.safetensors"} <= pushed.files.keys()
    made = adapterstilts.info(pushed.place, store=tmp_path / "store").made
    assert made and made["evaluations"][0]["languages"].keys() == row.languages.keys()
    verified = adapterstilts.verify(pushed.place, store=tmp_path / "store", backbone=suite["backbone"])
    assert verified.agrees and {one.verdict for one in verified.checked} == {"equal"}


def test_a_licence_that_forbids_it_is_heeded(tiny_backbone: Path, tmp_path: Path) -> None:
    options = csv_task(tmp_path, tiny_backbone, derivatives=False)
    run = adapterstilts.train_intermediate("news", **options)
    where: dict[str, Any] = {"store": options["store"], "tasks": options["tasks"], "to": str(tmp_path / "registry")}
    with pytest.raises(SharingError, match="licence of news does not allow"):
        adapterstilts.push(run.key[:12], **where)
    assert adapterstilts.push(run.key[:12], license_allows=True, **where).changed


def test_languages_without_labels_have_no_score_on_the_card(tiny_backbone: Path, tmp_path: Path) -> None:
    """Whichever of them comes first; and where none has labels, there is no table at all."""
    options = csv_task(tmp_path, tiny_backbone)
    del options["data_dir"], options["tasks"]
    rows = [f"a {number},b {number}" for number in range(100, 106)]
    (tmp_path / "de.csv").write_text("\n".join(["text_a,text_b,label", *(f"{row},yes" for row in rows)]))
    (tmp_path / "af.csv").write_text("\n".join(["text_a,text_b", *rows]))
    said: dict[str, Any] = {"text": "text_a,text_b", "label": "label", **options}
    test = {"af": tmp_path / "af.csv", "de": tmp_path / "de.csv"}
    for chosen, scored in ((test, ["de"]), ({"af": test["af"]}, [])):
        result = adapterstilts.transfer("none", str(tmp_path / "news.csv"), test=chosen, **said)
        trained = result.rows[0].trained
        assert trained
        pushed = adapterstilts.push(trained.name, to=str(tmp_path / f"registry-{len(chosen)}"), store=options["store"])
        (card,) = (tmp_path / f"registry-{len(chosen)}").rglob("README.md")
        values = yaml.safe_load(card.read_text(encoding="utf-8").split("---\n")[1])
        results = [one for one in values["model-index"][0]["results"] if one["dataset"]["split"] == "test"]
        assert [one["dataset"]["config"] for one in results] == scored and all(one["metrics"] for one in results)
        made = adapterstilts.info(pushed.place, store=tmp_path / "other").made
        assert made and [list(one["languages"]) for one in made["evaluations"]] == ([scored] if scored else [])
        shutil.rmtree(options["store"])


def test_a_backbone_that_is_gone_can_be_named(suite: dict[str, Any], tmp_path: Path, other_backbone: Path) -> None:
    moved = tmp_path / "backbone"
    shutil.copytree(suite["backbone"], moved)
    adapterstilts.train_intermediate("squad", **{**suite, "backbone": str(moved)})
    away = moved.rename(tmp_path / "elsewhere")
    where = {"to": str(tmp_path / "registry"), "store": suite["store"]}
    with pytest.raises(UsageError, match="Say where it is with --backbone"):
        adapterstilts.push("squad", **where)
    with pytest.raises(UsageError, match="was trained on another backbone"):
        adapterstilts.push("squad", backbone=str(other_backbone), **where)
    assert adapterstilts.push("squad", backbone=str(away), **where).changed


def test_a_full_disk_is_said_and_more_room_is_enough(
    trained: dict[str, Any], small_disk: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Outside of a stage too: what is sent is made beside the store first."""
    store = shutil.copytree(trained["store"], small_disk / "store", ignore=shutil.ignore_patterns("features"))
    words = ["push", "squad", "--to", str(tmp_path / "registry"), "--store", str(store)]
    filler = small_disk / "filler"
    with suppress(OSError), filler.open("wb") as file:
        while True:
            file.write(b"x" * 4096)
            file.flush()
    with pytest.raises(SystemExit) as ended:
        main(words)
    said = capsys.readouterr().err
    assert ended.value.code == 1 and "No space left" in said and "unexpected" not in said
    filler.unlink()
    main(words)
    assert len(list(tmp_path.glob("registry/index/*.json"))) == 1


def test_the_same_model_from_another_folder_is_the_same(
    trained: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The card says where it is in the words of who pushed it, and is no other model for that."""
    first = adapterstilts.push("squad", to=str(tmp_path / "registry"), store=trained["store"])
    monkeypatch.chdir(tmp_path)
    for place in ("./registry", f"{tmp_path}/registry/", f"file://{tmp_path}/registry"):
        again = adapterstilts.push("squad", to=place, store=trained["store"])
        assert not again.changed and again.place.endswith(first.place.rpartition("#")[2])
    assert len(list(tmp_path.glob("registry/index/*.json"))) == 1


def test_versions_are_told_apart_where_they_are_named(trained: dict[str, Any], tmp_path: Path) -> None:
    """Once it was scored, it is another version: each has a name by which commands take it."""
    place, store = str(tmp_path / "registry"), tmp_path / "store"
    shutil.copytree(trained["store"], store)
    options = {**trained, "store": store, "languages": ("en",), "max_eval_examples": 4, "baseline": False}
    first = adapterstilts.push("squad", to=place, store=store)
    run = adapterstilts.transfer("squad", "mlqa", **options).rows[0].trained
    assert run and adapterstilts.push(run.name, to=place, store=store).changed
    adapterstilts.transfer("squad", "mlqa", **{**options, "languages": ("de",)})
    scored = adapterstilts.push(run.name, to=place, store=store)
    assert scored.changed and scored.place.rpartition("-")[0] == f"{place}#{scored.name}"
    found = adapterstilts.search(registry=place, hub=False)
    references = {one.reference for one in found}
    assert len(references) == 3 and {first.place, scored.place} <= references
    contents = set()
    for reference in references:
        made = adapterstilts.info(reference, store=store).made
        assert made
        contents.add((made["key"], sum(len(one["languages"]) for one in made["evaluations"])))
    assert {count for _, count in contents} == {0, 1, 2}


def test_a_registry_is_no_model_of_one(trained: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"names its models itself.*Write --to .*/registry\."):
        adapterstilts.push("squad", to=f"{tmp_path}/registry#squad", store=trained["store"])
    assert not (tmp_path / "registry").exists()
    assert adapterstilts.push("squad", to=f"{tmp_path}/in c#/registry", store=trained["store"]).changed


def test_what_a_model_was_begun_with_has_to_be_known(suite: dict[str, Any], tmp_path: Path) -> None:
    """Its licence counts, and so do the labelled rows of other languages that it was trained on."""
    options = {**suite, "languages": ("en",), "max_eval_examples": 4, "baseline": False}
    first = adapterstilts.train_intermediate("squad", **suite)
    target = adapterstilts.transfer("squad", "mlqa", **options).rows[0].trained
    assert target
    shutil.copytree(target, tmp_path / "alone" / target.name)
    where: dict[str, Any] = {"to": str(tmp_path / "registry"), "store": tmp_path / "alone"}
    said = rf"was begun with the run {first.key[:12]}, which .* does not have.*--read-store"
    with pytest.raises(StoreError, match=said):
        adapterstilts.push(target.name, **where)
    with pytest.raises(StoreError, match=said):
        adapterstilts.pull(target.name, tmp_path / "pulled", store=tmp_path / "alone")
    assert adapterstilts.push(target.name, read_store=suite["store"], **where).changed


def test_a_model_of_a_file_that_is_called_as_a_part_of_torch_is_shared(tiny_backbone: Path, tmp_path: Path) -> None:
    """Modules have a method `train`, so that nothing in them can have that name."""
    from adapters import AutoAdapterModel

    options = csv_task(tmp_path, tiny_backbone)
    del options["data_dir"], options["tasks"]
    (tmp_path / "news.csv").rename(tmp_path / "train.csv")
    run = adapterstilts.train_intermediate(tmp_path / "train.csv", text="text_a,text_b", label="label", **options)
    pushed = adapterstilts.push("train", to=str(tmp_path / "registry"), store=options["store"])
    adapterstilts.pull(pushed.place, tmp_path / "pulled", store=tmp_path / "other")
    model = AutoAdapterModel.from_pretrained(str(tiny_backbone))
    model.load_adapter(str(tmp_path / "pulled"), set_active=True, use_safetensors=True)
    assert model.active_head == "train_task" and list(model.adapters_config.adapters) == ["train_task"]
    inputs = [("a 1", "b 1"), ("a 2", "b 2")]
    mine = adapterstilts.load(run.key[:12], store=options["store"])
    again = adapterstilts.load(pushed.place, store=tmp_path / "other", backbone=tiny_backbone)
    assert mine.task == again.task == "train" and mine.predict(inputs) == again.predict(inputs)
