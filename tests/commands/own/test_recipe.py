"""What `astilts tasks new` writes down: paths, labels, positions and options of the kind."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from adapterstilts.data.bad_rows import BadRows
from adapterstilts.data.sources.files import FileRows
from adapterstilts.tasks.catalogue import Catalogue
from tests.commands.new_tasks import HEADLINES, fails, new, news, write, write_table


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ASTILTS_TASKS", raising=False)


def test_files_without_a_pattern_and_in_several_folders() -> None:
    train = write_table("english/train.csv", HEADLINES, news(["a", "b"] * 5))
    tests = [write_table(f"{name}.csv", HEADLINES, news(["a"])) for name in ("english/held out", "andere/{1}")]
    validation = write_table("english/dev.csv", HEADLINES, news(["b"]))
    said = new("news", "pair_classification", "--train", train, "--validation", validation, "--test",
               f"en={tests[0]}", "--test", f"de={tests[1]}")  # fmt: skip
    assert said["sources"]["files"]["splits"] == {
        "train": "english/train.csv",
        "validation": "english/dev.csv",
        "test": {"en": "english/held out.csv", "de": "andere/{{1}}.csv"},
    }
    task, source = Catalogue.load(["mine"]).recipe("news"), FileRows(Path("data"))
    assert source.missing(task, "test", "de") is None
    assert source.missing(task, "test", "es") == "test file of news in 'es'"


def test_choices_that_are_counted_from_one(capsys: pytest.CaptureFixture[str]) -> None:
    records = [{"premise": f"P {n}", "asks-for": "cause", "choice1": "a", "choice2": "b", "label": n % 2 + 1}
               for n in range(8)]  # fmt: skip
    train = write("train.jsonl", "".join(json.dumps(record) + "\n" for record in records))
    said = new("causes", "multiple_choice", "--train", train)
    assert said["phases"] == ["intermediate"] and said["languages"] == ["en"]
    assert said["sources"]["files"]["values"] == {"label": {"1": 0, "2": 1}}
    rows = FileRows(Path("data")).load(Catalogue.load(["mine"]).recipe("causes"), "train", "en", BadRows(skip=False))
    assert rows[1]["choices"] == ["a", "b"] and rows["label"][:] == [0, 1] * 4
    assert "choices  from choice1 + choice2 (by their names)" in capsys.readouterr().out
    records[3]["label"] = "b"
    train = write("wrong.jsonl", "".join(json.dumps(record) + "\n" for record in records))
    code, message = fails(capsys, "wrong", "--kind", "multiple_choice", "--train", train)
    assert code == 2 and "the labels in 'label' ('1', '2', 'b') are not positions of 2 choices" in message


def test_spans_of_a_texts_characters_are_tags(capsys: pytest.CaptureFixture[str]) -> None:
    lines = [
        json.dumps({"id": n, "data": f"Ann met Bob {n}.", "label": [[0, 3, "PER"], [8, 11, "PER"]]}) for n in range(4)
    ]
    train = write("train.jsonl", "\n".join([*lines, json.dumps({"id": 4, "data": "Nobody.", "label": []})]))
    said = new("people", "tagging", "--train", train, "--column", "tokens=data")
    own = said["sources"]["files"]
    assert own["columns"] == {"id": "id", "tokens": "data", "tags": "label"} and own["spans"]
    assert said["options"]["labels"] == ["O", "B-PER", "I-PER"]
    rows = FileRows(Path("data")).load(Catalogue.load(["mine"]).recipe("people"), "train", "en", BadRows(skip=False))
    assert rows[1]["tokens"] == ["Ann", "met", "Bob", "1", "."] and rows[1]["tags"] == ["B-PER", "O", "B-PER", "O", "O"]
    assert rows[4]["tokens"] == ["Nobody", "."] and rows[4]["tags"] == ["O", "O"]
    assert "from label (by its spans)" in capsys.readouterr().out
    write("train.jsonl", "\n".join([*lines, json.dumps({"id": 4, "data": "Nobody.", "label": [[0, 9, "PER"]]})]))
    code, message = fails(capsys, "folk", "--kind", "tagging", "--train", train, "--column", "tokens=data")
    assert code == 1 and "line 5: the span [0, 9, 'PER']: it is not within the text, which has 7 characters" in message


def test_tags_and_answers_need_no_columns() -> None:
    train = write("train.txt", "Ann B-PER\ncame O\n\nBob B-PER\nSmith I-PER\nof O\nYork B-LOC\n" * 3)
    said = new("names", "tagging", "--train", train)
    assert said["metric"] == "tagging" and said["sources"]["files"] == {
        "format": "conll", "splits": {"train": "train.txt"}
    }  # fmt: skip
    assert said["options"] == {
        "labels": ["O", "B-LOC", "I-LOC", "B-PER", "I-PER"], "missing": "O", "scheme": "bio", "main": "f1"
    }  # fmt: skip
    write("pos.conllu", "1\tAnn\t_\tPROPN\t_\t_\t_\t_\t_\t_\n2\tcame\t_\tVERB\t_\t_\t_\t_\t_\t_\n\n"
          "1\tcame\t_\tVERB\t_\t_\t_\t_\t_\t_\n")  # fmt: skip
    assert new("pos", "tagging", "--train", "data/pos.conllu")["options"] == {
        "labels": ["PROPN", "VERB"], "missing": "VERB", "scheme": "none", "main": "accuracy"
    }  # fmt: skip
    question = {"id": "1", "question": "Who?", "answers": [{"text": "Ann", "answer_start": 0}]}
    unanswered = {"id": "2", "question": "Why?", "answers": [], "is_impossible": True}
    for questions, metric, options in (
        ([question], "squad", None), ([question, unanswered], "squad_v2", {"no_answer": True}),
    ):  # fmt: skip
        document = {"data": [{"paragraphs": [{"context": "Ann came.", "qas": questions}]}]}
        said = new(f"of_{metric}", "span_qa", "--train", write(f"{metric}.json", json.dumps(document)))
        assert (said["metric"], said.get("options")) == (metric, options)


def test_what_is_guessed_can_be_said(capsys: pytest.CaptureFixture[str]) -> None:
    train = write_table("train.csv", HEADLINES, news(["a", "b"] * 5))
    said = new("news", "pair_classification", "--train", train, "--column", "text_a=text,headline", "--column",
               "text_b=", "--option", "labels=[b, a, c]", "--title", "Topics of news", "--data-dir", ".")  # fmt: skip
    assert said["title"] == "Topics of news" and said["options"]["labels"] == ["b", "a", "c"]
    assert said["sources"]["files"]["columns"] == {"text_a": ["text", "headline"], "label": "topic"}
    assert said["options"]["one_text"]
    assert said["sources"]["files"]["splits"] == {"train": "data/train.csv"}
    assert "text_a from text + headline (as you said)" in capsys.readouterr().out
