"""Formats and columns of files that nobody described."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from adapterstilts.data.formats.guessing import GuessedFormat, guess_format
from adapterstilts.data.records.guessing import guess_columns
from adapterstilts.errors import UsageError
from adapterstilts.tasks.masked_lm import MaskedLM
from adapterstilts.tasks.multiple_choice import MultipleChoice
from adapterstilts.tasks.pair_classification import PairClassification
from adapterstilts.tasks.retrieval import Retrieval
from adapterstilts.tasks.tagging import Tagging

PAIR, TAGGING, TEXT, CHOICE = (kind.features() for kind in (PairClassification, Tagging, MaskedLM, MultipleChoice))
NO_HEADER = {"columns": ["column_1", "column_2", "column_3"]}

# name of the file: (content, canonical columns, format, options)
FILES: dict[str, tuple[str, Any, str, dict[str, Any]]] = {
    "a.csv": ("text,label\nA,1\nB,2\n", PAIR, "csv", {}),
    "b.csv": ("text;label\n\"A; B\";1\n", PAIR, "csv", {"delimiter": ";"}),
    "c.csv": ("A text,B text,1\nC text,D text,0\n", PAIR, "csv", NO_HEADER),
    "d.csv": ("yes,A,x\nno,B,y\nyes,C,z\n", PAIR, "csv", NO_HEADER),
    "pandas.csv": (",text,label\n0,A text,x\n1,B text,y\n", PAIR, "csv", {}),
    "comma.csv": ("text,label,\nA text,x,\nB text,y,\n", PAIR, "csv", {}),
    "twice.csv": ("text,text,label\nA,B,x\nC,D,y\n", PAIR, "csv", {}),
    "alike.csv": ("yes,yes,x\nyes,no,y\nno,yes,z\n", PAIR, "csv", NO_HEADER),
    "nothing.csv": (",,\n,A text,x\n", PAIR, "csv", NO_HEADER),
    "e.tsv": ("a\tb\tlabel\nHe said \"no\"\tB\t1\n", PAIR, "tsv", {}),
    "f.tsv": ("a\tb\tlabel\n\"He said \"\"no\"\"\"\tB\t1\n", PAIR, "csv", {"delimiter": "\t"}),
    "g.tsv": ("a\tb\tlabel\n\"No\" he said\tB\t1\n", PAIR, "tsv", {}),
    "h.tsv": ("A long text\tAnother\tx\nA third\tA fourth\tx\n", PAIR, "tsv", NO_HEADER),
    "i.tsv": ("Ann\tB-PER\ncame\tO\n\nBob\tB-PER\n", TAGGING, "conll", {}),
    "j.tsv": ("tokens\ttags\nAnn came\tB-PER O\n", TAGGING, "tsv", {}),
    "k.conll": ("Ann B-PER\n", TAGGING, "conll", {}),
    "l.conllu": ("1\tAnn\t_\tPROPN\n", TAGGING, "conllu", {}),
    "m.txt": ("A line.\nAnother.\n", TEXT, "text", {}),
    "n.jsonl": ('{"a": 1}\n', PAIR, "jsonl", {}),
    "o.json": ('{"a": 1}\n{"a": 2}\n', PAIR, "jsonl", {}),
    "p.json": ('[{"a": 1},\n {"a": 2}]\n', PAIR, "json", {}),
    "q.json": ('{"version": "1.1",\n "data": []}\n', PAIR, "squad_json", {}),
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_formats(name: str, tmp_path: Path) -> None:
    content, columns, format_, options = FILES[name]
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    assert guess_format(path, columns) == GuessedFormat(format_, options)


def test_a_format_can_be_said(tmp_path: Path) -> None:
    path = tmp_path / "data"
    path.write_text("A text\t0.5\nB text\t1\n")
    with pytest.raises(UsageError, match=r"its name does not tell which format it has\. Say it with --format"):
        guess_format(path, PAIR)
    assert guess_format(path, PAIR, name="tsv") == GuessedFormat("tsv", {"columns": ["column_1", "column_2"]})


def table(**columns: list[Any]) -> list[dict[str, Any]]:
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


WORDS = ["one", "two", "three", "four", "five", "six"]
COLUMNS: dict[str, tuple[Any, list[dict[str, Any]], dict[str, Any]]] = {
    "same": (PAIR, table(text_a=WORDS, text_b=WORDS, label=["x", "y"] * 3),
             {"text_a": "text_a", "text_b": "text_b", "label": "label"}),
    "named": (PAIR, table(gold_label=["x", "y"] * 3, Hypothesis=WORDS, Premise=WORDS),
              {"text_a": "Premise", "text_b": "Hypothesis", "label": "gold_label"}),
    "content": (PAIR, table(column_1=["x", "y"] * 3, column_2=WORDS, column_3=[*"123456"], column_4=WORDS),
                {"text_a": "column_2", "text_b": "column_4", "label": "column_1"}),
    "an_answer_is_no_label": (PAIR, table(question=WORDS, answer=WORDS, verdict=["x", "y"] * 3),
                              {"text_a": "question", "text_b": "answer", "label": "verdict"}),
    "one_text": (PAIR, table(tweet=WORDS, topic=["x", "y"] * 3),
                 {"text_a": "tweet", "text_b": (), "label": "topic"}),
    "ids": (PAIR, table(idx=[*range(6)], guid=[0] * 6, text=WORDS, label=["x", "y"] * 3),
            {"id": "idx", "text_a": "text", "text_b": (), "label": "label"}),
    "repeated_ids": (PAIR, table(idx=[0] * 6, text=WORDS, label=["x", "y"] * 3),
                     {"text_a": "text", "text_b": (), "label": "label"}),
    "numbered": (CHOICE, table(premise=WORDS, choice2=WORDS, choice10=WORDS, choice1=WORDS, label=[0, 1] * 3),
                 {"context": "premise", "question": (), "choices": ("choice1", "choice2", "choice10"),
                  "label": "label"}),
    "lettered": (CHOICE, table(question=WORDS, answerB=WORDS, answerA=WORDS, correct=["A", "B"] * 3),
                 {"context": (), "question": "question", "choices": ("answerA", "answerB"), "label": "correct"}),
    "lists": (CHOICE, table(ctx=WORDS, endings=[["a", "b"]] * 6, label=["0", "1"] * 3),
              {"context": "ctx", "question": (), "choices": "endings", "label": "label"}),
    "words": (TAGGING, table(words=[["a"]] * 6, ner_tags=[["O"]] * 6), {"tokens": "words", "tags": "ner_tags"}),
}  # fmt: skip


@pytest.mark.parametrize("what", COLUMNS)
def test_columns(what: str) -> None:
    features, records, expected = COLUMNS[what]
    found = guess_columns(records, features, {})
    assert {guess.column: guess.theirs for guess in found} == expected
    assert all(guess.why for guess in found)


def test_columns_can_be_said() -> None:
    records = table(text=WORDS, other=WORDS, label=["x", "y"] * 3)
    found = guess_columns(records, PAIR, {"text_a": "other", "text_b": ("label", "text"), "label": "label"})
    assert [guess.theirs for guess in found] == ["other", ("label", "text"), "label"]
    with pytest.raises(UsageError, match="Unknown column of the file 'txt'; it has .*. Did you mean 'text'"):
        guess_columns(records, PAIR, {"text_a": "txt"})
    with pytest.raises(UsageError, match="Unknown canonical column 'text_c'"):
        guess_columns(records, PAIR, {"text_c": "text"})


@pytest.mark.parametrize(
    ("features", "records", "missing"),
    [
        (PAIR, table(text=WORDS, number=[*range(6)]), "label"),
        (PAIR, table(number=[*range(6)], label=["x", "y"] * 3), "text_a"),
        (CHOICE, table(question=WORDS, label=[0, 1] * 3), "choices"),
        (Retrieval.features(), table(text=WORDS), "side"),
    ],
)
def test_what_is_not_found_is_asked_for(features: Any, records: list[dict[str, Any]], missing: str) -> None:
    listed = ", ".join(records[0])
    with pytest.raises(
        UsageError, match=f"looks like '{missing}'; it has {listed}. Say which .* --column {missing}=NAME"
    ):
        guess_columns(records, features, {})
