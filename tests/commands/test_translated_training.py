"""Training on translations and scoring them: on the embedded suite's parallel rows, and on files."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import adapterstilts
from adapterstilts.commands.options import IntermediateOptions, read_options
from adapterstilts.commands.results import to_json
from adapterstilts.commands.train_intermediate import plan_intermediate
from adapterstilts.data.bad_rows import BadRows
from adapterstilts.data.sources.open import open_source
from adapterstilts.data.splits import training_rows
from adapterstilts.data.translation.layout import Direction, file_of, write_translations
from adapterstilts.data.translation.reading import TranslationFiles
from adapterstilts.errors import AstiltsError, DataError, UsageError
from adapterstilts.mini.generators.span_qa import span_qa
from adapterstilts.reporting.runs import runs_report
from adapterstilts.reporting.train_intermediate import training_summary
from adapterstilts.reporting.transfer import transfer_tables
from adapterstilts.runs.lineage import labelled_behind
from adapterstilts.runs.store import Run, RunStore
from adapterstilts.runs.training_data import TrainingData
from tests.conftest import QUICK, without_training
from tests.package_tasks import recipe

EN_DE = Direction("en", "de")


@pytest.fixture(scope="module")
def mini(tiny_backbone: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Options for the suite's data on a random backbone, with a plain intermediate run in the store."""
    store = tmp_path_factory.mktemp("store")
    options = {
        **QUICK, "profile": "mini", "backbone": str(tiny_backbone), "store": store, "max_train_examples": 16,
    }  # fmt: skip
    adapterstilts.train_intermediate("squad", **options)
    return options


def spec_of(folder: Path | None) -> dict[str, Any]:
    assert folder is not None
    return json.loads((folder / "spec.json").read_text())


def without_data(spec: dict[str, Any]) -> dict[str, Any]:
    return {**spec, "tasks": [{**task, "data": None} for task in spec["tasks"]]}


@pytest.mark.slow
def test_translated_intermediate_task_differs_in_its_data_alone(mini: dict[str, Any]) -> None:
    plain = adapterstilts.train_intermediate("squad", **mini)
    both = adapterstilts.train_intermediate("squad", languages=("en", "de"), **mini)
    only = adapterstilts.train_intermediate("squad", languages=("zh", "de"), **mini)
    assert (plain.languages, both.languages, only.languages) == (["en"], ["en", "de"], ["de", "zh"])
    specs = [spec_of(result.folder) for result in (plain, both, only)]
    assert without_data(specs[0]) == without_data(specs[1]) == without_data(specs[2])
    data = [spec["tasks"][0]["data"] for spec in specs]
    for one in data[1:]:
        added = {"translations", "translated_only"}
        assert {name: value for name, value in one.items() if name not in added} == data[0]
        assert set(one["fingerprints"]["validation"]) == {"en"}
    assert set(data[1]["translations"]) == {"de"} and "translated_only" not in data[1]
    assert set(data[2]["translations"]) == {"de", "zh"} and data[2]["translated_only"]
    assert "translations" not in data[0]
    counts = [Run(result.folder).metrics["train_examples"] for result in (plain, both, only)]
    assert counts == [16, 32, 32]
    assert "(English)" in training_summary(only)
    assert only.folder.name.startswith("train-intermediate-squad-de-zh")


@pytest.mark.slow
def test_rows_of_translate_train_say_what_they_are(mini: dict[str, Any]) -> None:
    shown = {"languages": ("en", "de", "zh"), "max_eval_examples": 12}
    (plain,) = adapterstilts.transfer("none", "xnli", **shown, **mini).rows
    source = next(run for run in RunStore(mini["store"]).runs() if run.spec.label == "squad").short_key
    result = adapterstilts.transfer(f"squad@{source}", "xnli", train_languages=("en", "de"), **shown, **mini)
    none, squad = result.rows
    assert without_data(spec_of(none.trained)) == without_data(spec_of(plain.trained))
    assert none.train_languages == squad.train_languages == ["en", "de"] and plain.train_languages == ["en"]
    assert not none.translate_test and none.languages["de"]["examples"] == 12
    data = [spec_of(row.trained)["tasks"][0]["data"] for row in (plain, none)]
    assert data[1] == {**data[0], "translations": data[1]["translations"]} and set(data[1]["translations"]) == {"de"}
    text = transfer_tables(result)
    assert f" squad@{source} (stack), translate-train en+de " in text and "mean without en" in text
    assert "trained in English and on translations of its English rows into German" in text
    assert json.loads(to_json(result))["rows"][0]["train_languages"] == ["en", "de"]
    assert "zero-shot mean" in transfer_tables(adapterstilts.TransferResult([plain]))


@pytest.mark.slow
def test_sources_that_were_trained_on_translations_are_told_apart(mini: dict[str, Any]) -> None:
    translated = adapterstilts.train_intermediate("squad", languages=("de",), **mini)
    # By its name alone, a task is the one in English.
    english = adapterstilts.train_intermediate("squad", **mini)
    plain = adapterstilts.transfer("squad", "xquad", languages=("en", "de"), max_eval_examples=8, **mini)
    assert (
        list(plain.rows[1].intermediate_runs.values()) == [english.key] and plain.rows[1].intermediate_languages == {}
    )
    name = f"squad@{translated.key[:12]}"
    result = adapterstilts.transfer(name, "xquad", languages=("en", "de"), max_eval_examples=8, **mini)
    assert result.rows[1].intermediate_languages == {name: ["de"]} and result.rows[0].intermediate_languages == {}
    assert f"  {name}: trained on translations of its English rows into German." in transfer_tables(result)


def test_runs_on_labelled_rows_made_in_another_language_are_not_zero_shot_in_it(mini: dict[str, Any]) -> None:
    """German questions with German answers have been seen, whatever the table's languages are called elsewhere."""
    native = adapterstilts.train_intermediate("germanquad", **mini)
    name, shown = f"germanquad@{native.key[:12]}", {"max_eval_examples": 8, "baseline": False}
    (row,) = adapterstilts.transfer(name, "tatoeba", languages=("de", "zh"), **without_training(mini), **shown).rows
    assert [str(one) for one in row.intermediate_shots[name]] == ["the labelled German rows of germanquad"]
    text = transfer_tables(adapterstilts.TransferResult([row]))
    assert "zero-shot mean" not in text and "mean without en" in text
    assert f"{name}: trained on the labelled German rows of germanquad, so that in German it is not zero-shot." in text
    run, store = Run(row.folder), RunStore(mini["store"])
    assert [str(one) for one in labelled_behind(run, store)] == ["the labelled German rows of germanquad"]
    listed = next(runs_report([Run(native.folder), run]).sheets()).rows[1]
    assert any("others" in str(cell) for cell in listed) and not any("zero-shot" in str(cell) for cell in listed)
    # In languages of which no label was seen it is.
    other = replace(row, languages={"zh": row.languages["zh"]})
    assert "zero-shot mean" in transfer_tables(adapterstilts.TransferResult([other]))


@pytest.mark.slow
def test_scores_on_rows_that_selected_the_checkpoint_are_called_that(mini: dict[str, Any]) -> None:
    """Translations of the English validation rows have their labels, so that they select too."""
    shown = {"max_eval_examples": 4, **mini}
    (row,) = adapterstilts.transfer("none", "xnli", languages=("en", "de"), split="validation", **shown).rows
    assert row.split == "validation" and row.selected_on_scored_rows == ["en", "de"]
    text = transfer_tables(adapterstilts.TransferResult([row]))
    assert (
        "checkpoint selected on the scored rows themselves, or on the English rows that they are translations of"
        in text
    )
    (alone,) = adapterstilts.transfer("none", "xnli", languages=("de",), split="validation", **shown).rows
    (tested,) = adapterstilts.transfer("none", "xnli", languages=("en", "de"), **shown).rows
    assert alone.selected_on_scored_rows == ["de"] and tested.selected_on_scored_rows == []
    assert "checkpoint selected on" not in transfer_tables(adapterstilts.TransferResult([tested]))
    held_out = adapterstilts.transfer(
        "none", "xnli", languages=("de",), split="validation", validation_from="train", **shown
    )
    assert held_out.rows[0].selected_on_scored_rows == []
    # XCOPA's validation rows are translations of those by which COPA's checkpoints are selected.
    (copa,) = adapterstilts.transfer("none", "xcopa", languages=("sw", "zh"), split="validation", **shown).rows
    assert copa.selected_on_scored_rows == ["sw", "zh"]


@pytest.mark.slow
def test_translated_tests_are_the_english_rows_of_the_suite(mini: dict[str, Any]) -> None:
    shown = {"languages": ("en", "de", "zh"), "max_eval_examples": 20}
    result = adapterstilts.transfer("none", ["xnli", "xcopa"], translate_test="mini",
                                    **{**shown, "languages": ("zh",)}, **mini)  # fmt: skip
    assert [row.translate_test for row in result.rows] == [True, True]
    (row,) = adapterstilts.transfer("none", "xnli", translate_test="mini", **shown, **mini).rows
    (plain,) = adapterstilts.transfer("none", "xnli", **shown, **mini).rows
    # The same rows in the same model, whatever they were before: the suite's translations are faithful.
    assert row.predictions("de") == row.predictions("zh") == row.predictions("en") == plain.predictions("en")
    assert row.languages["de"] == row.languages["en"] and row.trained == plain.trained
    specs = [json.loads((one.folder / "spec.json").read_text()) for one in (plain, row)]
    assert {**specs[0], "translate_test": specs[1]["translate_test"]} == specs[1]
    assert set(specs[1]["translate_test"]) == {"de", "zh"} and row.folder != plain.folder
    text = transfer_tables(adapterstilts.TransferResult([row]))
    assert "no intermediate task, translate-test" in text and "no result about translating" in text
    assert row.translations_are_english_rows and not plain.translations_are_english_rows
    assert "translate-test" not in transfer_tables(adapterstilts.TransferResult([plain]))


WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("xquad", {"translate_test": "mini"}, "answers are spans of the English translation"),
    ("udpos", {"translate_test": "mini"}, "--translate-test: udpos cannot be scored in translation: it has a tag"),
    ("pawsx", {"translate_test": "absent"}, "--translate-test absent is not a folder"),
    ("pawsx", {"train_languages": ("dd",)}, "Unknown language 'dd'"),
    ("pawsx", {"train_languages": ("de", "de")}, "'de' is given twice"),
    ("xnli", {"train_languages": ("en", "fr")}, "there is no translation into French: train rows of xnli in 'fr'"),
    ("pawsx", {"translations": "."}, "--translations . has no meaning for training in English alone"),
    ("pawsx", {"translations": "absent", "train_languages": ("de",)}, "--translations absent is not a folder"),
    ("pawsx", {"translations": ".", "train_languages": ("de",)},
     r"into German: PAWSX/translate-train/en-de-translated.tsv is not there. Make it with `astilts translate pawsx "
     r"--from en --to de --split train --out \.` and a --model"),
    ("lareqa", {"train_languages": ("de",)}, "lareqa has no translations to train on"),
    ("tatoeba", {"train_languages": ("de",)}, "--train-languages: tatoeba is evaluated without training"),
    ("pawsx", {"train_languages": ("de",), "language_adapters": True}, "--train-languages and --language-adapters"),
]  # fmt: skip


@pytest.mark.parametrize(("target", "given", "message"), WRONG)
def test_what_cannot_work_is_refused_before_training(
    mini: dict[str, Any], target: str, given: dict[str, Any], message: str, monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    before = len(RunStore(mini["store"]).runs())
    with pytest.raises(AstiltsError, match=message):
        adapterstilts.transfer("none", target, **{**mini, **given})
    assert len(RunStore(mini["store"]).runs()) == before


# Files


@pytest.fixture
def translations(releases: Path, tmp_path: Path) -> Path:
    """Translations of the release files' training set into German."""
    ours, theirs = (span_qa(split="train", language=code, size=160) for code in ("en", "de"))
    path = file_of(tmp_path, recipe("squad"), "train", EN_DE)
    write_translations(path, zip(ours, theirs, strict=True), columns=("context", "question"))
    return tmp_path


def test_files_are_trained_on_and_their_content_is_the_key(quick: dict[str, Any], translations: Path) -> None:
    with pytest.raises(UsageError, match="translations into German are needed, and none are given. .*--translations"):
        adapterstilts.train_intermediate("squad", languages=("en", "de"), **quick)
    options = {**quick, "languages": ("en", "de"), "translations": translations, "max_train_examples": 20}
    first = adapterstilts.train_intermediate("squad", **options)
    assert Run(first.folder).metrics["train_examples"] == 40
    moved = translations.parent / "moved"
    shutil.copytree(translations, moved)
    assert adapterstilts.train_intermediate("squad", **{**options, "translations": moved}).key == first.key
    path = file_of(moved, recipe("squad"), "train", EN_DE)
    path.write_text(path.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    assert adapterstilts.train_intermediate("squad", **{**options, "translations": moved}).key != first.key


def test_nothing_that_is_held_out_is_trained_on_in_any_language(releases: Path, translations: Path) -> None:
    """SQuAD's files have no validation split, so whole contexts are held out of the training set."""
    source, task = open_source("files", releases), recipe("squad")
    files = TranslationFiles(translations, flag="--translations")
    data = TrainingData(
        task="squad", source="files", fingerprints={"train": {"en": ""}}, holdout=500, translations={"de": ""}
    )
    train, validation = training_rows(source, task, data, BadRows(skip=False), translations=files)
    languages = {
        code: set(train.filter(lambda row, code=code: row["language"] == code)["id"][:]) for code in ("en", "de")
    }
    held = set(validation["id"][:])
    assert set(validation["language"][:]) == {"en"} and len(held) >= 16
    assert languages["en"] == languages["de"] and not languages["de"] & held
    assert languages["en"] | held == {row["id"] for row in span_qa(split="train", language="en", size=160)}
    group = {row["id"]: row["context"] for row in span_qa(split="train", language="de", size=160)}
    assert not {group[id_] for id_ in held} & set(train["context"][:])
    few = data.model_copy(update={"max_examples": 30})
    train, _ = training_rows(source, task, few, BadRows(skip=False), translations=files)
    halves = train["id"][:30], train["id"][30:]
    assert halves[0] == halves[1] and not set(halves[0]) & held


def test_translations_of_other_rows_stop_before_training(quick: dict[str, Any], translations: Path) -> None:
    options = {**quick, "languages": ("de",), "translations": translations}
    path = file_of(translations, recipe("squad"), "train", EN_DE)
    whole = json.loads(path.read_text(encoding="utf-8"))
    paragraphs = whole["data"][0]["paragraphs"]
    path.write_text(json.dumps({"data": [{"paragraphs": paragraphs[:-9]}]}), encoding="utf-8")
    with pytest.raises(
        DataError, match=r"squad.translate.train.en-de.json has translations of .* have none, for instance"
    ):
        adapterstilts.train_intermediate("squad", **options)
    with pytest.raises(DataError, match="have none, for instance"):
        adapterstilts.transfer("none", "xquad", languages=("en",), train_languages=("de",),
                               **{name: value for name, value in options.items() if name != "languages"})  # fmt: skip
    assert RunStore(quick["store"]).runs() == [] and not list(quick["store"].glob(".work/*"))
    result = adapterstilts.train_intermediate("squad", skip_bad_rows=True, **options)
    left_out = Run(result.folder).provenance["rows_left_out"]
    assert left_out["it has no translation (en-de)"] > 0


def test_masked_language_modelling_has_text_of_its_own(mini: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="--languages has no meaning for mlm"):
        adapterstilts.train_intermediate("mlm", languages=("de",), **mini)
    options = read_options(IntermediateOptions, {**mini, "mlm_languages": ("de", "zh")})
    ((stage,),) = (plan_intermediate(["mlm"], options).graph,)
    task = stage.spec.only
    assert set(task.data.fingerprints["train"]) == {"de", "zh"} == set(task.data.languages)
    # Text has no labels: without English, that of the first language selects the checkpoint.
    assert set(task.data.fingerprints["validation"]) == {"de"} and task.data.validation_language == "de"


@pytest.mark.slow
def test_several_tasks_are_trained_in_the_same_languages(mini: dict[str, Any]) -> None:
    result = adapterstilts.train_intermediate(["copa", "siqa"], languages=("en", "sw"), **mini)
    assert {name: task.train_examples for name, task in result.tasks.items()} == {"copa": 32, "siqa": 32}
