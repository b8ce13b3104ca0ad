"""The benchmark's files: what is written is read again, and every fault is named with its place and its remedy."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapterstilts.errors import DataError
from adapterstilts.metrics import METRICS, matching, submission

LABELS = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))


def put(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


ROUND_TRIPS: dict[str, tuple[Callable, Callable, Any]] = {
    "lines": (submission.write_lines, submission.read_lines, st.lists(LABELS, min_size=1)),
    "tags": (submission.write_tags, submission.read_tags, st.lists(st.lists(LABELS, min_size=1), min_size=1)),
    "pairs": (submission.write_pairs, submission.read_pairs, st.lists(st.tuples(LABELS, LABELS), unique=True)),
    "answers": (submission.write_answers, submission.read_answers, st.dictionaries(TEXTS, TEXTS, min_size=1)),
    "rankings": (
        submission.write_rankings, submission.read_rankings, st.dictionaries(TEXTS, st.lists(TEXTS), min_size=1),
    ),
}  # fmt: skip


@pytest.mark.parametrize("form", sorted(ROUND_TRIPS))
def test_what_is_written_is_read_again(form: str, tmp_path: Path) -> None:
    write, read, values = ROUND_TRIPS[form]

    @given(values)
    def check(value: Any) -> None:
        write(value, tmp_path / "file")
        assert read(tmp_path / "file") == value

    check()


@given(st.dictionaries(TEXTS, st.lists(TEXTS), min_size=1))
def test_gold_answers_are_read_again(tmp_path_factory: pytest.TempPathFactory, questions: dict) -> None:
    path = tmp_path_factory.mktemp("gold") / "test-en.json"
    submission.write_gold_answers(questions, path)
    assert submission.read_gold_answers(path) == list(questions.items())


def test_gold_answers_have_what_official_scorers_read(tmp_path: Path) -> None:
    submission.write_gold_answers({"q": ["red", "the red"]}, tmp_path / "test-en.json")
    content = json.loads((tmp_path / "test-en.json").read_text())
    found = [
        (qa["id"], [answer["text"] for answer in qa["answers"]])
        for article in content["data"]
        for paragraph in article["paragraphs"]
        for qa in paragraph["qas"]
    ]
    assert content["version"] == "1.1" and found == [("q", ["red", "the red"])]


def test_files_are_as_the_layout_says(tmp_path: Path) -> None:
    for write, value, content in (
        (submission.write_lines, ["0", "1"], "0\n1\n"),
        (submission.write_tags, [["A", "B"], ["C"]], "A\nB\n\nC\n"),
        (submission.write_pairs, [("de-1", "en-2")], "de-1\ten-2\n"),
    ):
        write(value, tmp_path / "file")
        assert (tmp_path / "file").read_bytes() == content.encode()


@pytest.mark.parametrize("end", ["", "\n", "\r\n", "\n\n"])
def test_line_ends_of_other_systems(tmp_path: Path, end: str) -> None:
    newline = "\r\n" if "\r" in end else "\n"
    tags = put(tmp_path, "tags", newline.join(["A", "B", "", "C"]) + end)
    assert submission.read_tags(tags) == [["A", "B"], ["C"]]
    if end != "\n\n":
        assert submission.read_lines(put(tmp_path, "lines", newline.join(["x", "y"]) + end)) == ["x", "y"]
        assert submission.read_pairs(put(tmp_path, "pairs", newline.join(["a\tb", "c\td"]) + end)) == [
            ("a", "b"), ("c", "d"),
        ]  # fmt: skip


def test_sentences_without_tags_are_there_as_the_benchmark_reads_them(tmp_path: Path) -> None:
    doubled = put(tmp_path, "tags", "\nB-PER\nO\n\n\nO\nB-LOC\n\n\n")
    assert submission.read_tags(doubled) == [[], ["B-PER", "O"], [], ["O", "B-LOC"]]
    mine, gold = matching.match_tags(put(tmp_path, "mine", "\nB-PER\nO\n\n\nO\nO\n"), doubled)
    found = METRICS.get("tagging").score(mine, gold, language="en")
    assert (found["precision"], found["recall"], found["accuracy"]) == (100.0, 50.0, 75.0)


def test_no_pair_can_be_predicted(tmp_path: Path) -> None:
    gold = put(tmp_path, "gold", "a\tb\n")
    assert matching.match_pairs(put(tmp_path, "mine", ""), gold) == ([], [("a", "b")])
    with pytest.raises(DataError, match="gold has no pairs. Take the label file"):
        matching.match_pairs(gold, put(tmp_path, "gold", ""))


SQUAD = {"data": [{"paragraphs": [{"qas": [{"id": "q", "answers": [{"text": "red"}]}]}]}]}

FAULTS: list[tuple[str, str | bytes, str]] = [
    ("read_lines", "", "x is empty. Write one line"),
    ("read_lines", "a\n\nb\n", "x, line 2: no label. Write one label on each line"),
    ("read_lines", "a\nb\tc\n", r"x, line 2: 'b\\tc' has more than one column. Keep the label only"),
    ("read_lines", b"a\nb\xff\n", "x, line 2: byte 0xff is not UTF-8. Save the file as UTF-8"),
    ("read_lines", b"\xef\xbb\xbfa\n", "x begins with a byte-order mark. Save it as UTF-8 without"),
    ("read_tags", "", "x is empty"),
    ("read_tags", "\n\n", "x has no tags. Write one tag on each line"),
    ("read_tags", "A\nword\tB\n", "x, line 2: .* has more than one column"),
    ("read_pairs", "a\tb\nc\n", "x, line 2: 'c' is not a pair of ids. Write the source's id, a tab"),
    ("read_pairs", "a\t\n", "x, line 1: .* is not a pair"),
    ("read_pairs", "0.5\ta\tb\n", "x, line 1: .* is not a pair"),
    ("read_pairs", "a\tb\nc\td\na\tb\n", "x, line 3: the pair a b is also on line 1. Keep one"),
    ("read_answers", "", "x is empty. Write a JSON object"),
    ("read_answers", '{"a": "b",\n "c" "d"}', "x, line 2, column 6: not JSON .*Expecting ':'.*Write the file again"),
    ("read_answers", '{"a": "b"', "x, line 1, column 10: not JSON"),
    (
        "read_answers",
        r'{"a": "two \ud83d"}',
        r'x: .ud83d after \'{"a": "two \' is half of a surrogate pair.*whole charac',
    ),
    ("read_answers", r'{"\udc00": "b"}', "x: .udc00 after .* is half of a surrogate pair"),
    ("read_rankings", r'{"a": ["b", "\uD800c"]}', "x: .ud800 after .* is half of a surrogate pair"),
    ("read_answers", '["a"]', r"x holds \['a'\], not a JSON object"),
    ("read_answers", "{}", "x has no entries"),
    ("read_answers", '{"a": "b", "a": "c"}', "x: 'a' is there twice in one object. Give each id one entry"),
    ("read_answers", '{"a": ["b"]}', r"x: the answer to 'a' is \['b'\], not a string"),
    ("read_rankings", '{"a": "b"}', "x: the entry of 'a' is 'b', not a list of ids"),
    ("read_rankings", '{"a": [1]}', r"x: the entry of 'a' is \[1\], not a list"),
    ("read_gold_answers", '{"a": "b"}', "x is not SQuAD JSON: an object has no 'data'. Labels of question answering"),
    ("read_gold_answers", '{"data": {"a": 1}}', "x is not SQuAD JSON: a list or object is not where it is due"),
    ("read_gold_answers", '{"data": []}', "x has no questions"),
    ("read_gold_answers", "3", "x is not SQuAD JSON: a list or object is not where it is due"),
    ("read_gold_answers", '[{"paragraphs": [{"qas": [{"id": "q"}]}]}]', "x is not SQuAD JSON: an object has no 'ans"),
    ("read_gold_answers", '[{"paragraphs": [{"qas": [{"id": "q", "answers": ""}]}]}]', "a list or object is not where"),
    (
        "read_gold_answers",
        json.dumps(SQUAD).replace('"q"', "7"),
        "x: question 7 has an id or an answer that is not a st",
    ),
]


@pytest.mark.parametrize(("reader", "content", "message"), FAULTS)
def test_faulty_files_are_refused(tmp_path: Path, reader: str, content: str | bytes, message: str) -> None:
    with pytest.raises(DataError, match=message):
        getattr(submission, reader)(put(tmp_path, "x", content))


def test_escapes_of_whole_characters_are_read(tmp_path: Path) -> None:
    path = put(tmp_path, "x", r'{"a": "\ud83d\ude00 \u00e9", "b": "\\ud83d"}')
    assert submission.read_answers(path) == {"a": "😀 é", "b": r"\ud83d"}


def test_unreadable_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="absent cannot be read .No such file.*Check the path"):
        submission.read_lines(tmp_path / "absent")


def squad(*questions: tuple[str, list[str]]) -> str:
    qas = [{"id": id_, "answers": [{"text": text} for text in golds]} for id_, golds in questions]
    return json.dumps([{"paragraphs": [{"context": "", "qas": [qa]} for qa in qas]}])


MISMATCHES: list[tuple[str, str, str, str]] = [
    ("lines", "a\nb\n", "a\n", "mine has 2 lines, .*gold has 1. Write one prediction for each"),
    ("lines", "a\n", "a\nb\n", "mine has 1 lines, .*gold has 2"),
    ("tags", "A\n\nB\nC\n", "A\n\nB\n", "mine, line 3: sentence 2 has 2 tags, in .*gold 1. Give each token one"),
    (
        "tags",
        "A\n\nB\n",
        "A\n\n\nB\n",
        "mine, line 3: there .*gold has a blank line more than .*mine, which the .* without tags .number 2",
    ),
    ("tags", "\nA\n", "A\n", "mine, line 1: there .*mine has a blank line more than .*gold"),
    ("tags", "A\n", "A\n\nB\n", "mine has 1 sentences, .*gold has 2"),
    ("answers", '{"a": ""}', squad(("a", ["x"]), ("b", ["y"])), "mine has no entry for 1 ids of .*gold: 'b'. Predict"),
    ("answers", '{"a": "", "z": ""}', squad(("a", ["x"])), "mine has 1 ids that are not in .*gold: 'z'. Remove them"),
    ("answerable", '{"a": ""}', squad(("a", [])), "gold: question 'a' has no answer. All questions of this task"),
    ("rankings", '{"a": []}', '{"a": ["x"], "b": ["y"]}', "mine has no entry for 1 ids of .*gold: 'b'"),
    ("rankings", '{"a": []}', '{"a": []}', "gold: query 'a' has no right candidate"),
]


@pytest.mark.parametrize(("form", "mine", "gold", "message"), MISMATCHES)
def test_files_that_do_not_belong_together(tmp_path: Path, form: str, mine: str, gold: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        getattr(matching, f"match_{form}")(put(tmp_path, "mine", mine), put(tmp_path, "gold", gold))


def test_many_ids_are_counted_and_some_shown(tmp_path: Path) -> None:
    gold = put(tmp_path, "gold", squad(*((str(number), ["x"]) for number in range(1200))))
    with pytest.raises(DataError, match="no entry for 1,199 ids of .*: '1', '2', '3', ..."):
        matching.match_answers(put(tmp_path, "mine", '{"0": "x"}'), gold)


def test_an_id_that_labels_repeat_counts_each_time(tmp_path: Path) -> None:
    gold = put(tmp_path, "gold", squad(("0", ["red"]), ("1", ["blue"]), ("0", ["green", "red"])))
    mine, questions = matching.match_answers(put(tmp_path, "mine", '{"1": "blue", "0": "red"}'), gold)
    assert mine == ["red", "blue", "red"]
    assert questions == [("0", ["red"]), ("1", ["blue"]), ("0", ["green", "red"])]


def test_rankings_come_in_the_order_of_the_labels(tmp_path: Path) -> None:
    gold = put(tmp_path, "gold", '{"a": ["x"], "b": ["y"]}')
    assert matching.match_rankings(put(tmp_path, "mine", '{"b": ["u"], "a": []}'), gold) == (
        [[], ["u"]], [["x"], ["y"]],
    )  # fmt: skip


def test_names_of_files(tmp_path: Path) -> None:
    for name in ("test-de.tsv", "validation-de-en.json", ".hidden"):
        put(tmp_path, f"task/{name}", "")
    found = submission.task_files(tmp_path / "task")
    assert [(file.split, file.key, file.language) for file in found] == [
        ("test", "de", "de"), ("validation", "de-en", "de"),
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["test.tsv", "test-de.txt", "-de.tsv", "test-.json"])
def test_odd_names_are_refused(tmp_path: Path, name: str) -> None:
    put(tmp_path, f"task/{name}", "")
    with pytest.raises(DataError, match=f"{name} is not a file of the submission layout. Name it <split>-<language>"):
        submission.task_files(tmp_path / "task")


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is empty. Put one file for each language there"):
        submission.task_files(tmp_path)


def test_golden_files_of_every_form_are_read(shared: Path) -> None:
    root = shared / "golden/labels"
    questions = submission.read_gold_answers(root / "tydiqa/test-en.json")
    assert len(questions) == 60 and len(dict(questions)) == 15
    for name, match in (
        ("xnli/test-de.tsv", matching.match_lines), ("udpos/test-zh.tsv", matching.match_tags),
        ("bucc2018/test-de.tsv", matching.match_pairs), ("mlqa/test-zh.json", matching.match_answerable),
        ("mewslix/test-ja.json", matching.match_rankings),
    ):  # fmt: skip
        mine, gold = match(shared / "golden/predictions" / name, root / name)
        assert mine and gold
