"""`astilts translate` with real models of `transformers`: tiny ones, random or trained on a few sentences."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import adapterstilts
from adapterstilts.cli.main import main
from adapterstilts.data.bad_rows import BadRows
from adapterstilts.data.sources.open import open_source
from adapterstilts.data.splits import rows_to_translate
from adapterstilts.errors import AstiltsError, DataError, UsageError
from adapterstilts.reporting.translate import translation_summary
from tests.data.test_translation import marked, parts
from tests.package_tasks import recipe
from tests.translation_models import save_marian, sentences

TSV = "XNLI/translate-train/en-de-translated.tsv"


@pytest.fixture(scope="module")
def marian(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Marian of random weights, from English to German."""
    return save_marian(tmp_path_factory.mktemp("models") / "marian", sentences("en", "de"), positions=48)


@pytest.fixture
def options(marian: Path, tmp_path: Path) -> dict[str, Any]:
    return {"model": str(marian), "profile": "mini", "out": tmp_path / "out", "max_train_examples": 6,
            "max_cut_short": 1}  # fmt: skip


def english(task: str, size: int) -> list[dict[str, Any]]:
    source = open_source("mini", None)
    return rows_to_translate(source, recipe(task), "train", "en", BadRows(skip=False), size=size, holdout=9).to_list()


def test_command_writes_xtremes_file_and_how_it_was_made(
    marian: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["translate", "mnli", "--to", "de", "--model", str(marian), "--profile", "mini", "--out", str(tmp_path),
             "--max-train-examples", "6", "--max-cut-short", "1"]  # fmt: skip
    main([*words, "--json"])
    (result,) = json.loads(capsys.readouterr().out)
    assert (result["rows"], result["dropped"], result["kept"]) == (6, {}, 0)
    lines = [line.split("\t") for line in (tmp_path / TSV).read_text(encoding="utf-8").splitlines()]
    source = english("mnli", 6)
    assert [(line[0], line[1], line[4]) for line in lines] == [
        (row["text_a"], row["text_b"], row["label"]) for row in source
    ]
    assert all(line[2] and line[3] for line in lines)
    made = json.loads((tmp_path / TSV).with_suffix(".provenance.json").read_text())
    assert made["model"]["name"] == str(marian) and made["model"]["fingerprint"].startswith("sha256:")
    assert made["model"]["codes"] == {"source": "en", "target": "de"} and made["versions"]["transformers"]
    assert made["texts"] + made["repeated_texts"] >= 12 and made["cut_short"] == result["cut_short"] > 0
    assert not list((tmp_path / ".work").glob("*/"))
    main(words)
    again = capsys.readouterr()
    assert "already translated" in again.err and "MultiNLI, train split, English to German" in again.out


def test_same_texts_are_translated_once_and_alike_in_any_row(options: dict[str, Any]) -> None:
    (result,) = adapterstilts.translate("hellaswag", to="de", **options)
    rows = [json.loads(line) for line in result.path.read_text(encoding="utf-8").splitlines()]
    assert [row["id"] for row in rows] == [row["id"] for row in english("hellaswag", 6)]
    texts: dict[str, str] = {}
    for row in rows:
        for ours, theirs in zip(row["source"]["choices"], row["choices"], strict=True):
            assert texts.setdefault(ours, theirs) == theirs
    assert result.texts >= len(texts)


def test_beams_are_another_translation_that_writes_over_nothing(options: dict[str, Any]) -> None:
    adapterstilts.translate("mnli", to="de", **options)
    before = (options["out"] / TSV).read_bytes()
    with pytest.raises(UsageError, match=r"has other translations.*--out.*--force"):
        adapterstilts.translate("mnli", to="de", beams=2, **options)
    assert (options["out"] / TSV).read_bytes() == before
    (result,) = adapterstilts.translate("mnli", to="de", beams=2, force=True, **options)
    assert (
        result.rows == 6
        and json.loads(result.path.with_suffix(".provenance.json").read_text())["identity"]["beams"] == 2
    )


@pytest.mark.slow
def test_answers_come_through_a_model_that_keeps_the_marks(tmp_path: Path) -> None:
    """It has learned the sentences of eight questions by heart, one of them without its marks."""
    rows = english("squad", 8)
    ids = {row["id"]: number for number, row in enumerate(rows)}
    from adapterstilts.mini.generators import generator

    ours, theirs = (
        {row["id"]: row for row in generator("span_qa")(split="train", language=code, size=8000, facts=3)}
        for code in ("en", "de")
    )
    pairs: dict[str, str] = {}
    for id_ in ids:
        one, other = ours[id_], theirs[id_]
        pairs[one["question"]] = other["question"]
        pairs |= dict(zip(parts(one), parts(other), strict=True))
        pairs[marked(one)] = marked(other)
    spoiled = next(iter(ids))
    pairs[marked(ours[spoiled])] = marked(theirs[spoiled]).replace("[", "")
    texts = [*sentences("en", "de"), *pairs, *pairs.values()]
    model = save_marian(tmp_path / "model", texts, pairs=list(pairs.items()), steps=220)
    (result,) = adapterstilts.translate(
        "squad", to="de", model=str(model), profile="mini", out=tmp_path / "out", max_train_examples=8
    )
    assert result.dropped == {"the marks around the answer are lost": 1} and result.cut_short == 0
    document = json.loads(result.path.read_text(encoding="utf-8"))
    found = {
        asked["id"]: (paragraph["context"], asked["question"], asked["answers"][0])
        for paragraph in document["data"][0]["paragraphs"]
        for asked in paragraph["qas"]
    }
    assert found.keys() == ids.keys() - {spoiled}
    for id_, (context, question, answer) in found.items():
        row = theirs[id_]
        assert (context, question) == (row["context"], row["question"])
        assert (answer["text"], answer["answer_start"]) == (
            row["answers"]["text"][0], row["answers"]["answer_start"][0],
        )  # fmt: skip
    record = json.loads(result.path.with_suffix(".provenance.json").read_text())
    assert record["dropped_rows"] == {spoiled: "the marks around the answer are lost"}


def test_rows_that_no_translation_is_left_of_are_an_error(options: dict[str, Any]) -> None:
    with pytest.raises(DataError, match=r"None of the 6 rows of squad is left .*the marks .* are lost \(6\)"):
        adapterstilts.translate("squad", to="de", **options)
    assert not (options["out"] / "SQuAD").exists()


def test_a_model_that_finishes_no_sentence_is_refused(options: dict[str, Any]) -> None:
    refused = {**options, "max_cut_short": 0.1}
    message = r"(\d+) of \1 translations \(100%\) of mnli, en-de, by .* have no end: .*Use another model"
    with pytest.raises(DataError, match=message):
        adapterstilts.translate("mnli", to="de", **refused)
    assert not (options["out"] / TSV).exists()
    (allowed,) = adapterstilts.translate("mnli", to="de", **options)
    assert allowed.cut_short == allowed.texts > 0 and allowed.kept > 0  # nothing is translated twice
    assert f"{allowed.cut_short:,} (100%) cut short" in translation_summary(allowed)
    with pytest.raises(DataError, match=message):  # also of those that are there
        adapterstilts.translate("mnli", to="de", **refused)


def test_questions_without_answer_need_no_marks(options: dict[str, Any]) -> None:
    (result,) = adapterstilts.translate("squad_v2", to="de", **{**options, "max_train_examples": 12})
    rows = [json.loads(line) for line in result.path.read_text(encoding="utf-8").splitlines()]
    assert rows and all(row["answers"]["text"] == [] for row in rows)
    assert result.rows + sum(result.dropped.values()) == 12


def test_sentences_that_the_model_cannot_read_are_counted(tmp_path: Path, options: dict[str, Any]) -> None:
    short = save_marian(tmp_path / "short", sentences("en", "de"), positions=12)
    with pytest.raises(DataError, match="longer than the model reads"):
        adapterstilts.translate("cosmosqa", to="de", **{**options, "model": str(short)})


def test_test_rows_are_translated_into_english(tmp_path: Path, options: dict[str, Any]) -> None:
    model = save_marian(tmp_path / "back", sentences("en", "de"), languages=("de", "en"), positions=48)
    (result,) = adapterstilts.translate("xnli", to="en", from_=["de"], **{**options, "model": str(model)})
    assert result.path == options["out"] / "XNLI/translate-test/test-de-en-translated.tsv"
    assert (result.split, result.source_language, result.rows) == ("test", "de", 6)


WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("udpos", {}, "udpos cannot be translated: it has a tag for each word"),
    ("mlm", {}, "mlm cannot be translated: it is plain text"),
    ("mnly", {}, "Unknown task 'mnly'. Did you mean 'mnli'"),
    ("mnli", {"to": "dd"}, "Unknown language 'dd'"),
    ("mnli", {"to": ["de", "de"]}, "Language 'de' is given twice"),
    ("mnli", {"to": "en"}, "--from en --to en: one side has to be English, and the other not"),
    ("mnli", {"to": ["de", "en"]}, "one side has to be English"),
    ("mnli", {"to": "zh", "from_": ["de"]}, "one side has to be English"),
    ("mnli", {"to": "zh"}, "translates from en to de, not from English to Chinese"),
    ("mnli", {"to": "de", "beams": 0}, "beams: Input should be greater than or equal to 1"),
    ("mnli", {"to": "de", "model": "./absent"}, r"--model ./absent is not a folder"),
    ("mnli", {"to": "de", "revision": "main"}, "--revision main has no meaning for the folder"),
    ("xcopa", {"to": "de"}, "xcopa is trained on siqa and copa: translate that"),
    ("mnli", {"to": "de", "frm": "en"}, "Unknown option 'frm'"),
]


@pytest.mark.parametrize(("task", "given", "message"), WRONG)
def test_wrong_use_is_told_before_a_model_is_loaded(
    options: dict[str, Any], task: str, given: dict[str, Any], message: str
) -> None:
    with pytest.raises(AstiltsError, match=message):
        adapterstilts.translate(task, **{"to": "de", **options, **given})
    assert not options["out"].exists()


def test_what_is_no_translation_model_is_refused(tiny_backbone: Path, options: dict[str, Any]) -> None:
    with pytest.raises(AstiltsError, match=r"tokenizer XLMRobertaTokenizerFast.*families .*Marian"):
        adapterstilts.translate("mnli", to="de", **{**options, "model": str(tiny_backbone)})
    empty = options["out"].parent
    with pytest.raises(UsageError, match="has no config.json"):
        adapterstilts.translate("mnli", to="de", **{**options, "model": str(empty)})
