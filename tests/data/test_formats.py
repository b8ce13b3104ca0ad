from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from adapterstilts.data.bad_rows import BadRows
from adapterstilts.data.formats import FORMATS, read_lines
from adapterstilts.data.sources.files import FileRows
from adapterstilts.errors import DataError
from tests.package_tasks import recipe

GOOD = {"id": "1", "question": "Who?", "answers": [{"text": "Anna", "answer_start": 0}]}


def document(*questions: Any, context: Any = "Anna came.") -> Any:
    return {"data": [{"title": "t", "paragraphs": [{"context": context, "qas": list(questions)}]}]}


def write(path: Path, content: Any) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return path


# name: (content, what the message says, whether the row can be skipped)
MALFORMED: dict[str, tuple[Any, str, bool]] = {
    "not_json": (b'{"data": [', r"line 1, column 11: not JSON", False),
    "empty": (b" \n", r"is empty", False),
    "a_mark_alone": (b"\xef\xbb\xbf", r"is empty", False),
    "not_utf8": (
        json.dumps(document({**GOOD, "question": "Who is B?"})).encode().replace(b"B?", b"\xff?"),
        r"question 0 of paragraph 0 of article 0: the text after 'Who is ' is not valid UTF-8",
        True,
    ),
    "lone_surrogate": (document(GOOD, context="Anna \ud800"), r"the text after 'Anna ' is not valid UTF-8", True),
    "no_data": ({"version": "1.1"}, r"no list under 'data'", False),
    "a_list": ([], r"no list under 'data'", False),
    "no_paragraphs": ({"data": [{}]}, r"article 0: 'paragraphs' is missing", True),
    "odd_paragraph": ({"data": [{"paragraphs": [3]}]}, r"paragraph 0 of article 0: it is not an object", True),
    "no_context": (document(GOOD, context=None), r"paragraph 0 of article 0: the context is missing", True),
    "blank_context": (document(GOOD, context=" "), r"the context is missing or empty", True),
    "no_qas": ({"data": [{"paragraphs": [{"context": "x"}]}]}, r"'qas' is missing", True),
    "odd_question": (document("Who?"), r"question 0 of paragraph 0 of article 0: 'question' is missing", True),
    "blank_question": (document({**GOOD, "question": "  "}), r"the question is empty", True),
    "no_id": (document({**GOOD, "id": None}), r"'id' is missing", True),
    "no_answers": (document({"id": "1", "question": "Who?"}), r"'answers' is missing", True),
    "unmarked": (
        document({**GOOD, "id": "0"}, {**GOOD, "answers": []}),
        r"question '1' .*: the question has no answer, and this task has answerable questions only",
        True,
    ),
    "marked_answerable": (
        document({**GOOD, "answers": [], "is_impossible": "False"}),
        r"there is no answer and the question is not marked impossible",
        True,
    ),
    "contradiction": (
        document({**GOOD, "is_impossible": True}),
        r"the question is marked impossible, and has the answer 'Anna'",
        True,
    ),
    "odd_mark": (document({**GOOD, "is_impossible": "maybe"}), r"'is_impossible' is 'maybe' instead of true", True),
    "odd_answers": (document({**GOOD, "answers": "Anna"}), r"'answers' is neither a list nor an object", True),
    "two_lists": (
        document({**GOOD, "answers": {"text": ["Anna"], "answer_start": []}}),
        r"'answers' has 1 texts and 0 offsets",
        True,
    ),
    "no_text": (document({**GOOD, "answers": [{"answer_start": 0}]}), r"lacks 'text'", True),
    "text_start": (
        document({**GOOD, "answers": [{"text": "Anna", "answer_start": "one"}]}),
        r"question 0 of paragraph 0 of article 0: 'answer_start' is 'one' instead of a number of characters",
        True,
    ),
    "blank_answer": (document({**GOOD, "answers": [{"text": " ", "answer_start": 4}]}), r"an answer is empty", True),
    "wrong_offset": (
        document({**GOOD, "answers": [{"text": "Anna", "answer_start": 1}]}),
        r"the answer 'Anna' is not at offset 1, where the context has 'nna '",
        True,
    ),
    "negative_offset": (document({**GOOD, "answers": [{"text": "Anna", "answer_start": -1}]}), r"offset -1", True),
    "second_answer": (
        document({**GOOD, "answers": [*GOOD["answers"], {"text": "came", "answer_start": 0}]}),
        r"'came' is not at offset 0",
        True,
    ),
    "impossible": (
        document({**GOOD, "id": "0"}, {**GOOD, "answers": [], "is_impossible": True}),
        r"row '1': the question has no answer, and this task has answerable questions only",
        True,
    ),
    "same_id": (document(GOOD, GOOD), r"question '1' of paragraph 0 of article 0: the id is used twice", True),
}


def load(folder: Path, content: Any, bad: BadRows) -> list[dict[str, Any]]:
    """What a task reads from a data folder with this file."""
    (folder / "squad").mkdir()
    write(folder / "squad/train-v1.1.json", content)
    return FileRows(folder).load(recipe("squad"), "train", "en", bad).to_list()


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_file_is_an_error_that_names_the_place(tmp_path: Path, name: str) -> None:
    content, message, _ = MALFORMED[name]
    with pytest.raises(DataError, match=message) as error:
        load(tmp_path, content, BadRows(skip=False))
    assert str(tmp_path / "squad/train-v1.1.json") in str(error.value)


@pytest.mark.parametrize("name", [name for name, (_, _, skippable) in MALFORMED.items() if skippable])
def test_bad_rows_can_be_counted_and_left_out(tmp_path: Path, name: str) -> None:
    content = MALFORMED[name][0]
    good = document({**GOOD, "id": "good"})["data"][0]
    if isinstance(content, bytes):
        content = content.removesuffix(b"]}") + b", " + json.dumps(good).encode() + b"]}"
    else:
        content = {"data": [*content["data"], good]}
    bad = BadRows(skip=True)
    rows = load(tmp_path, content, bad)
    assert rows[-1]["id"] == "good" and bad.counts.total() == 1


def test_an_answer_without_question_is_left_out_of_cmrc_trial_data_alone(tmp_path: Path) -> None:
    content, folder = document(GOOD, {**GOOD, "id": "2", "question": " "}), tmp_path / "cmrc2018/squad-style-data"
    folder.mkdir(parents=True)
    for name in ("train", "trial", "dev"):
        write(folder / f"cmrc2018_{name}.json", content)
    source, task, bad = FileRows(tmp_path), recipe("cmrc2018"), BadRows(skip=False)
    assert [row["question"] for row in source.load(task, "validation", "zh", bad).to_list()] == [GOOD["question"]]
    assert bad.omitted == {"the question is empty": 1} and not bad.counts
    for split in ("train", "test"):
        with pytest.raises(DataError, match=r"question 1 of paragraph 0 of article 0: the question is empty"):
            source.load(task, split, "zh", BadRows(skip=False))


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"absent.json cannot be read .No such file.*--data-dir"):
        list(FORMATS.get("squad_json")((tmp_path / "absent.json",), "en", BadRows(skip=False)))


@pytest.mark.parametrize("name", ["squad/train-v1.1.json", "squad/train-v1.1.json.gz"])
def test_what_gzip_has_compressed_is_read_under_either_name(tmp_path: Path, name: str) -> None:
    (tmp_path / "squad").mkdir()
    content = json.dumps(document(GOOD)).encode()
    write(tmp_path / name, gzip.compress(content))
    source = FileRows(tmp_path)
    (row,) = source.load(recipe("squad"), "train", "en", BadRows(skip=False)).to_list()
    assert row["question"] == "Who?" and source.missing(recipe("squad"), "train", "en") is None
    assert len(source.fingerprint(recipe("squad"), "train", "en")) > 64
    write(tmp_path / name, gzip.compress(content)[:-12])
    with pytest.raises(DataError, match=r"train-v1.1.json.* is compressed by gzip and damaged \(.*Download it again"):
        source.load(recipe("squad"), "train", "en", BadRows(skip=False))


def test_lines_of_compressed_files(tmp_path: Path) -> None:
    path = write(tmp_path / "x.jsonl", gzip.compress(b"\xef\xbb\xbf{}\r\n\n{}\n"))
    assert list(read_lines(path)) == [(1, "{}"), (2, ""), (3, "{}")]


def test_rows_have_the_canonical_columns(tmp_path: Path) -> None:
    impossible = {"id": 2, "question": "Why?", "answers": [], "is_impossible": True}
    path = write(tmp_path / "x.json", b"\xef\xbb\xbf" + json.dumps(document(GOOD, impossible)).encode())
    assert [row for _, row in FORMATS.get("squad_json")((path,), "de", BadRows(skip=False))] == [
        {
            "id": "1",
            "context": "Anna came.",
            "question": "Who?",
            "answers": {"text": ["Anna"], "answer_start": [0]},
        },
        {
            "id": "2",
            "context": "Anna came.",
            "question": "Why?",
            "answers": {"text": [], "answer_start": []},
        },
    ]


def test_tydiqa_numbers_become_ids(tmp_path: Path) -> None:
    path = write(tmp_path / "x.json", document({**GOOD, "id": "0"}, {**GOOD, "id": "0"}, {**GOOD, "id": "7"}))
    rows = FORMATS.get("tydiqa_json")((path,), "en", BadRows(skip=False))
    assert [row["id"] for _, row in rows] == ["0", "0#2", "7"]


@pytest.mark.parametrize(
    ("name", "reader", "count"),
    [
        ("squad/train-v1.1.json", "squad_json", 10_003),
        ("squad/dev-v1.1.json", "squad_json", 1_008),
        ("squad_v2/dev-v2.0.json", "squad_json", 1_385),
        ("xquad/xquad.zh.json", "squad_json", 1_190),
        ("mlqa/MLQA_V1/dev/dev-context-de-question-de.json", "squad_json", 512),
        ("tydiqa/tydiqa-goldp-v1.1-train/tydiqa.goldp.en.train.json", "tydiqa_json", 3_000),
        ("tydiqa/tydiqa-goldp-v1.1-dev/tydiqa.goldp.sw.dev.json", "tydiqa_json", 800),
    ],
)
def test_real_releases_are_read_whole(shared: Path, name: str, reader: str, count: int) -> None:
    rows = [row for _, row in FORMATS.get(reader)((shared / "data" / name,), "en", BadRows(skip=False))]
    assert len(rows) == len({row["id"] for row in rows}) == count
