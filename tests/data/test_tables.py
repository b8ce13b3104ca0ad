"""Rows that are made from all records of a data set on the Hub: what other readers give for the same content."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from adapterstilts.data.bad_rows import BadRows
from adapterstilts.data.formats import FORMATS
from adapterstilts.data.formats.sentences import sentence_breaks
from adapterstilts.data.records import RECORDS
from adapterstilts.data.records.tables import TABLES, Table
from adapterstilts.errors import DataError
from tests.data.release_examples import retrieval

PARAGRAPHS = {
    "en": [
        ("Ann came. Bob left.", [("q1", "Who left?", "Bob"), ("q2", "Who came?", "Ann")]),
        ("It rained. It rained. Eve sang.", [("q3", "What fell?", "rained")]),
        ("Ann came. Bob left.", [("q4", "Who was there first?", "Ann")]),
    ],
    "zh": [
        ("安来了。鲍勃走了。", [("q1", "谁走了？", "鲍勃"), ("q2", "谁来了？", "安")]),
        ("下雨了。伊夫唱歌了。", [("q3", "下了什么？", "雨")]),
        ("安来了。鲍勃走了。", [("q4", "谁先到的？", "安")]),
    ],
}


def pair(source: str, german: str, target: str, english: str) -> dict[str, str]:
    """A record of google/xtreme, bucc18."""
    texts = {"source_sentence": german, "target_sentence": english}
    return {**texts, "source_lang": source, "target_lang": target}


def table(records: list[dict[str, Any]], where: str = "somewhere") -> Table:
    return Table(where=where, records=iter([(f"row {number}", record) for number, record in enumerate(records)]))


def hub_records(paragraphs: list[Any]) -> list[dict[str, Any]]:
    """The records of a data set with SQuAD's columns."""
    return [
        {
            "id": id_,
            "context": context,
            "question": question,
            "answers": {"text": [answer], "answer_start": [context.index(answer)]},
        }
        for context, questions in paragraphs
        for id_, question, answer in questions
    ]


def release_file(paragraphs: list[Any], path: Path) -> Path:
    """The same content as XQuAD-R's JSON, its sentences where `sentence_breaks` finds them."""
    given = [
        {
            "context": context,
            "sentence_breaks": sentence_breaks(context),
            "qas": [
                {"id": id_, "question": question, "answers": [{"text": text, "answer_start": context.index(text)}]}
                for id_, question, text in questions
            ],
        }
        for context, questions in paragraphs
    ]
    path.write_text(json.dumps({"data": [{"paragraphs": given}]}), encoding="utf-8")
    return path


def test_answer_sentences_are_what_the_release_reader_gives(tmp_path: Path) -> None:
    paths = {code: release_file(found, tmp_path / f"{code}.json") for code, found in PARAGRAPHS.items()}
    for language in PARAGRAPHS:
        expected = FORMATS.get("lareqa")((paths[language], *paths.values()), language, BadRows(skip=False))
        # As the Hub source gives them: the language that is asked for comes first.
        codes = dict.fromkeys([language, *PARAGRAPHS])
        tables = {code: table(hub_records(PARAGRAPHS[code])) for code in codes}
        found = TABLES.get("answer_sentences")(tables, language, BadRows(skip=False))
        rows = [row for _, row in found]
        assert rows == [row for _, row in expected] and len(rows) == 4 + {"en": 7, "zh": 6}[language]
    (first, *_) = rows
    assert first["id"] == "q1_zh" and first["gold"] == ["zh_1_1", "en_1_1"]


def test_answer_sentences_of_real_paragraphs(shared: Path, tmp_path: Path) -> None:
    """Expected: the paragraphs of XQuAD's own files, through the release reader."""
    content, paths = {}, {}
    for code in ("en", "zh"):
        document = json.loads((shared / f"data/xquad/xquad.{code}.json").read_text(encoding="utf-8"))
        content[code] = [paragraph for article in document["data"] for paragraph in article["paragraphs"]]
        for paragraph in content[code]:
            paragraph["sentence_breaks"] = sentence_breaks(paragraph["context"])
        paths[code] = tmp_path / f"{code}.json"
        paths[code].write_text(json.dumps(document), encoding="utf-8")
    expected = FORMATS.get("lareqa")((paths["zh"], paths["en"]), "zh", BadRows(skip=False))

    def records(code: str) -> list[dict[str, Any]]:
        return [
            {
                "id": question["id"],
                "context": paragraph["context"],
                "question": question["question"],
                "answers": {name: [one[name] for one in question["answers"]] for name in ("text", "answer_start")},
            }
            for paragraph in content[code]
            for question in paragraph["qas"]
        ]

    tables = {code: table(records(code)) for code in ("zh", "en")}
    found = [row for _, row in TABLES.get("answer_sentences")(tables, "zh", BadRows(skip=False))]
    assert found == [row for _, row in expected]
    assert sum(row["side"] == "query" for row in found) == 1190
    assert all(len({id_[:2] for id_ in row["gold"]}) == 2 for row in found if row["side"] == "query")


def test_training_rows_are_what_the_release_reader_gives(tmp_path: Path) -> None:
    records = hub_records(PARAGRAPHS["en"])
    expected = FORMATS.get("lareqa_squad")(
        (release_file(PARAGRAPHS["en"], tmp_path / "squad.json"),), "en", BadRows(skip=False)
    )
    rows = [RECORDS.get("answer_sentence")(record, "en") for record in records]
    assert rows == [row for _, row in expected] and rows[0]["positive"] == "Bob left."


def test_bucc_has_each_sentence_once() -> None:
    records = [
        pair("de-1", "Ja.", "en-1", "Yes."),
        pair("de-2", "Nein.", "en-2", "No."),
        pair("de-1", "Ja.", "en-3", "Yeah."),
        pair("de-3", "Doch.", "en-1", "Yes."),
    ]
    found = [row for _, row in TABLES.get("bucc_pairs")({"de": table(records)}, "de", BadRows(skip=False))]
    assert found == [
        retrieval("de-1", "Ja.", ["en-1", "en-3"]),
        retrieval("de-2", "Nein.", ["en-2"]),
        retrieval("de-3", "Doch.", ["en-1"]),
        retrieval("en-1", "Yes.", language="en"),
        retrieval("en-2", "No.", language="en"),
        retrieval("en-3", "Yeah.", language="en"),
    ]


# name: (function, tables, error)
MALFORMED: dict[str, tuple[str, dict[str, list[dict[str, Any]]], str]] = {
    "bucc_no_text": ("bucc_pairs", {"de": [pair("de-1", " ", "en-1", "Yes.")]}, "a de: row 0: 'source_sentence' is e"),
    "answer_missing": (
        "answer_sentences",
        {"de": [{**record, "answers": None} for record in hub_records(PARAGRAPHS["en"][:1])]},
        "a de: row 0: 'answers' is missing",
    ),
    "no_translation": (
        "tatoeba_pairs",
        {"de": [{"source_sentence": "Ja.", "target_sentence": "\n"}]},
        "a de: row 0: 'target_sentence' is empty",
    ),
    "id_twice_elsewhere": (
        "answer_sentences",
        {"de": hub_records(PARAGRAPHS["en"]), "zh": hub_records(PARAGRAPHS["zh"][:1] * 2)},
        r"a zh: question 'q1' \(row 2\): the id is used twice",
    ),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_records_are_named_and_can_be_left_out(name: str) -> None:
    function, contents, message = MALFORMED[name]

    def tables() -> dict[str, Table]:
        return {code: table(records, where=f"a {code}") for code, records in contents.items()}

    with pytest.raises(DataError, match=message):
        list(TABLES.get(function)(tables(), "de", BadRows(skip=False)))
    bad = BadRows(skip=True)
    list(TABLES.get(function)(tables(), "de", bad))
    assert bad.counts


def test_tatoeba_gives_what_lasers_files_do(tmp_path: Path) -> None:
    german, english = ["Nein.", "Ja.", "Doch."], ["No.", "Yes.", "It is."]
    pairs = [
        {"source_sentence": f"{one}\n", "target_sentence": other} for one, other in zip(german, english, strict=True)
    ]
    for name, texts in (("de", german), ("en", english)):
        (tmp_path / name).write_text("".join(f"{text}\n" for text in texts), encoding="utf-8")
    files = FORMATS.get("tatoeba")((tmp_path / "de", tmp_path / "en"), "de", BadRows(skip=False))
    found = [row for _, row in TABLES.get("tatoeba_pairs")({"de": table(pairs)}, "de", BadRows(skip=False))]
    assert found == [row for _, row in files]
    assert found[0] == retrieval("en-0", "It is.", ["2"], language="en")


def test_a_bad_pair_leaves_the_others_their_numbers() -> None:
    pairs = [{"source_sentence": one, "target_sentence": other} for one, other in (("", "Yes."), ("Nein.", "No."))]
    bad = BadRows(skip=True)
    found = [row for _, row in TABLES.get("tatoeba_pairs")({"de": table(pairs)}, "de", bad)]
    assert found == [retrieval("en-0", "No.", ["1"], language="en"), retrieval("1", "Nein.", language="de")]
    assert bad.counts == {"'source_sentence' is empty": 1}


def test_every_function_is_tested() -> None:
    assert {entry[0] for entry in MALFORMED.values()} == set(TABLES.names())
