"""`astilts tasks new`: what is found, shown, written and refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from adapterstilts.cli.main import main
from adapterstilts.data.bad_rows import BadRows
from adapterstilts.data.sources.files import FileRows
from adapterstilts.tasks.catalogue import Catalogue
from tests.commands.new_tasks import HEADLINES, fails, new, news, write, write_table

WIDTH = 80


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ASTILTS_TASKS", raising=False)


def test_a_table_with_test_files_in_two_languages(capsys: pytest.CaptureFixture[str]) -> None:
    train = write_table("train.csv", HEADLINES, news(["sport", "art", "sport", "10"] * 5))
    tests = [write_table(f"test-{code}.csv", HEADLINES, news(["art", "sport"])) for code in ("de", "en")]
    said = new("news", "pair_classification", "--train", train, "--test", f"de={tests[0]}", "--test", f"en={tests[1]}")
    assert said == {
        "name": "news",
        "title": "news",
        "kind": "pair_classification",
        "phases": ["intermediate", "target"],
        "languages": ["en", "de"],
        "metric": "accuracy",
        "options": {"labels": ["10", "art", "sport"]},
        "sources": {
            "files": {
                "format": "csv",
                "columns": {"text_a": "headline", "text_b": "text", "label": "topic"},
                "splits": {"train": "train.csv", "test": "test-{language}.csv"},
            }
        },
    }
    shown = capsys.readouterr().out
    assert max(map(len, shown.splitlines())) <= WIDTH
    for part in ("Headline number 0", "label  from topic (by its name)", "labels    10, art, sport",
                 "train 20, test en 2, test de 2", "wrote     mine/news/task.yaml",
                 "astilts transfer --from none --to news --tasks mine --data-dir data"):  # fmt: skip
        assert part in shown
    task = Catalogue.load(["mine"]).recipe("news")
    rows = FileRows(Path("data")).load(task, "test", "de", BadRows(skip=False))
    assert rows[0] == {"id": "0", "text_a": "Headline number 0", "text_b": "Text 0, which is longer", "label": "art",
                       "language": "de"}  # fmt: skip


def test_bad_rows_are_named_or_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    train = write_table("train.csv", HEADLINES, news(["a", "b"] * 5))
    test = write_table("test.csv", HEADLINES, [*news(["a", "c"]), ["only", "two"]])
    words = ["news", "--kind", "pair_classification", "--out", "mine", "--train", train, "--test", f"en={test}"]
    code, message = fails(capsys, *words)
    assert code == 1 and not Path("mine").exists()
    assert "data/test.csv: line 4: it has 2 columns instead of 3" in message and "--skip-bad-rows" in message
    write_table("test.csv", HEADLINES, news(["a", "c"]))
    assert "test.csv: line 3: row '1': the label 'c' is not one of a, b. Mend the file" in fails(capsys, *words)[1]
    main(["tasks", "new", *words, "--skip-bad-rows"])
    shown = capsys.readouterr().out
    assert "train 10, test en 1" in shown and "left out  1: the label 'c' is not one of a, b" in shown


def test_a_table_of_one_text_and_a_label_says_all_that_there_is_to_say(capsys: pytest.CaptureFixture[str]) -> None:
    train = write_table("train.csv", ["text", "label"], [[f"Text {n}", "ab"[n % 2]] for n in range(10)])
    said = new("news", "pair_classification", "--train", train)
    assert said["options"] == {"labels": ["a", "b"], "one_text": True} and said["metric"] == "accuracy"
    assert said["sources"]["files"]["columns"] == {"text_a": "text", "label": "label"}
    shown = capsys.readouterr().out
    assert "text_b from nothing (no text is left)" in shown and "one_text  true" in shown
    rows = FileRows(Path("data")).load(Catalogue.load(["mine"]).recipe("news"), "train", "en", BadRows(skip=False))
    assert rows[1] == {"id": "1", "text_a": "Text 1", "label": "b", "language": "en"}


def test_several_labels_in_one_text_are_split_at_what_stands_between_them(capsys: pytest.CaptureFixture[str]) -> None:
    cells = ["war; art", "art", "", "war", "art ;sport", "sport"]
    table = [[f"Text {n}", cell, "x"] for n, cell in enumerate(cells)]
    train = write_table("train.csv", ["text", "topics", "more"], table)
    said = new("news", "pair_classification", "--train", train, "--column", "label=topics", "--column", "text_b=")
    assert said["options"] == {"labels": ["art", "sport", "war"], "one_text": True, "multi_label": True}
    assert said["sources"]["files"]["separators"] == {"label": ";"} and said["metric"] == "multi_label"
    shown = capsys.readouterr().out
    assert "several labels, split at ';'" in shown and max(map(len, shown.splitlines())) <= WIDTH
    rows = FileRows(Path("data")).load(Catalogue.load(["mine"]).recipe("news"), "train", "en", BadRows(skip=False))
    assert rows["label"][:] == [["war", "art"], ["art"], [], ["war"], ["art", "sport"], ["sport"]]


def test_numbers_that_are_not_whole_make_a_regression_unless_it_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [[f"One {n}", f"Two {n}", f"{n / 7:.2f}"] for n in range(20)]
    train = write_table("train.csv", ["sentence1", "sentence2", "similarity"], rows)
    said = new("likeness", "pair_classification", "--train", train)
    assert (said["options"], said["metric"]) == ({"regression": True}, "regression")
    shown = capsys.readouterr().out
    assert "label  from similarity (by its name)" in shown and "regression=true" in shown
    classes = ["--train", train, "--force", "--option", "regression=false"]
    assert len(new("likeness", "pair_classification", *classes)["options"]["labels"]) == 20


def test_labels_that_cannot_be_learnt_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["news", "--kind", "pair_classification", "--out", "mine", "--train"]
    train = write_table("train.csv", ["text", "label"], [[f"Text {n}", "a"] for n in range(9)])
    assert "labels: 'a' is the only one, and telling rows apart takes two" in fails(capsys, *words, train)[1]
    train = write_table("train.csv", ["text", "label"], [[f"Text {n}", f"{n}"] for n in range(1200)])
    code, message = fails(capsys, *words, train)
    assert code == 2 and "there are 1,200, and more than 1,000" in message and "most_labels=1200" in message
    train = write_table("train.csv", ["text", "label"], [[f"Text {n}", "2.50"] for n in range(9)])
    code, message = fails(capsys, *words, train, "--option", "regression=true")
    assert code == 1 and "the training data of news: all rows have the number 2.5" in message
    train = write_table("train.csv", ["text", "label"], [*([f"Text {n}", "ab"[n % 2]] for n in range(9)), [" ", "a"]])
    assert "data/train.csv: line 11: its texts are empty" in fails(capsys, *words, train)[1]


def test_a_label_that_only_the_test_has_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    train = write_table("train.csv", ["text", "label"], [[f"Text {n}", ["a|b", "a", "b"][n % 3]] for n in range(9)])
    test = write_table("test.csv", ["text", "label"], [["Text", "a"], ["Text", "b|c"]])
    words = ["news", "--kind", "pair_classification", "--train", train, "--test", f"en={test}"]
    assert "data/test.csv: line 3: row '1': the label 'c' is not one of a, b" in fails(capsys, *words)[1]


REFUSED = {
    "squad --kind span_qa --train data/train.csv": (2, "'squad' is already a task of the package"),
    "all --kind span_qa --train data/train.csv": (2, "is not 'all' or 'none'"),
    "news --kind span_qu --train data/train.csv": (2, "Unknown task kind 'span_qu'. Did you mean 'span_qa'"),
    "news --kind span_qa --train data/train.csv": (2, "looks like 'answers'; it has headline, text, topic"),
    "news --kind pair_classification --train data/absent.csv": (2, "--train data/absent.csv is not a file"),
    "news --kind pair_classification --train data/empty.csv": (1, "data/empty.csv is empty"),
    "news --kind pair_classification --train data/notes.doc": (2, "its name does not tell which format it has"),
    "news --kind pair_classification --train data/broken.jsonl": (
        1, "data/broken.jsonl cannot be read as jsonl: column 2: not JSON"),
    "news --kind pair_classification --train data/train.csv --format csvv": (2, "Unknown file format 'csvv'"),
    "news --kind pair_classification --train data/train.csv --test data/train.csv": (2, "not of the form NAME=VALUE"),
    "news --kind pair_classification --train data/train.csv --test xx=data/train.csv": (2, "Unknown language 'xx'"),
    "news --kind pair_classification --train data/train.csv --test de=data/absent": (2, "data/absent is not a file"),
    "news --kind pair_classification --train data/train.csv --validation data/train.csv": (
        2, "--validation: data/train.csv has the very rows that are trained on"),
    "news --kind pair_classification --train data/train.csv --column text_a=x": (2, "Unknown column of the file 'x'"),
    "news --kind pair_classification --train data/train.csv --option label=x": (2, "Did you mean 'labels'"),
    "news --kind pair_classification --train data/train.csv --metric squd": (2, "Unknown metric 'squd'"),
    "news --kind pair_classification --train data/train.csv --data-dir mine": (2, "does not lie below --data-dir mine"),
    "news --kind tagging --train data/tags.conll --column tags=x": (2, "--column has no meaning for the format conll"),
}  # fmt: skip


@pytest.mark.parametrize("words", REFUSED)
def test_refusals_say_what_to_do(words: str, capsys: pytest.CaptureFixture[str]) -> None:
    write_table("train.csv", HEADLINES, news(["a", "b"] * 5))
    write("empty.csv", "")
    write("notes.doc", "text")
    write("broken.jsonl", "{a: 1}\n")
    write("tags.conll", "Ann B-PER\n")
    Path("mine").mkdir()
    code, message = REFUSED[words]
    found = fails(capsys, *words.split(), "--out", "mine")
    assert found[0] == code and message in found[1], found
    assert not list(Path("mine").iterdir())


def test_a_recipe_is_not_written_over_unless_it_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    train = write_table("train.csv", HEADLINES, news(["a", "b"] * 5))
    words = ["news", "--kind", "pair_classification", "--train", train, "--out", "mine"]
    main(["tasks", "new", *words])
    code, message = fails(capsys, *words)
    assert code == 2 and "mine/news/task.yaml is there already" in message
    main(["tasks", "new", *words, "--force", "--title", "Again"])
    assert Catalogue.load(["mine"]).recipe("news").title == "Again"


def test_a_folder_that_cannot_be_written_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    train = write_table("train.csv", HEADLINES, news(["a", "b"] * 5))
    Path("mine").mkdir()
    Path("mine/news").write_text("a file")
    code, message = fails(capsys, "news", "--kind", "pair_classification", "--train", train, "--out", "mine")
    assert code == 2 and "mine/news/task.yaml cannot be written (" in message and "Give a place" in message


def test_long_names_values_and_lists_keep_to_the_width(capsys: pytest.CaptureFixture[str]) -> None:
    header = ["text", "label", *(f"a_column_with_a_long_name_{n}" for n in range(20))]
    rows = [[f"{'Word ' * 60}{n}", f"label number {n % 50}", *(["x" * 200] * 20)] for n in range(120)]
    train = write_table("a_folder_with_a_rather_long_name/another_one/train.csv", header, rows)
    new("long", "pair_classification", "--train", train)
    shown = capsys.readouterr().out
    # A path is not broken.
    assert all(len(line) <= WIDTH or "/another_one" in line for line in shown.splitlines())
    assert "train-intermediate long \\\n    --tasks mine --data-dir" in shown


def test_retrieval_is_made_of_a_file_with_its_columns(capsys: pytest.CaptureFixture[str]) -> None:
    empty = {"context": "", "positive_context": ""}
    queries = [
        {"id": f"q{n}", "side": "query", "text": f"text {n}", "positive": f"answer {n}", "gold": [f"c{n}"], **empty}
        for n in range(9)
    ]
    candidates = [
        {"id": f"c{n}", "side": "candidate", "text": f"answer {n}", "positive": "", "gold": [], **empty}
        for n in range(9)
    ]
    lines = [json.dumps(row) for row in (*queries, *candidates)]
    Path("pairs.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    words = ["tasks", "new", "search", "--kind", "retrieval", "--train", "pairs.jsonl"]
    with pytest.raises(SystemExit):
        main(words)
    assert "options of retrieval: mode: Field required. Say it with --option NAME=VALUE." in capsys.readouterr().err
    main([*words, "--option", "mode=rank"])
    recipe = Catalogue.load(["."]).recipe("search")
    assert recipe.kind == "retrieval" and recipe.metric == "map@20" and recipe.options == {"mode": "rank"}


def test_encoding_delimiter_and_sheet_are_said_and_files_may_be_in_parts(capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(2):
        lines = "".join(f"Käufer {number} {n}|{'ab'[n % 2]}\n" for n in range(6))
        path = Path("data") / f"train-{number}.csv"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(f"text|topic\n{lines}".encode("cp1252"))
    said = new("parts", "pair_classification", "--train", "data/train-*.csv", "--encoding", "cp1252",
               "--delimiter", "|")["sources"]["files"]  # fmt: skip
    assert said["splits"] == {"train": ["train-0.csv", "train-1.csv"]} and said["sharded"]
    assert said["options"] == {"delimiter": "|", "encoding": "cp1252"}
    assert "train" in capsys.readouterr().out
    code, message = fails(capsys, "x", "--kind", "pair_classification", "--train", "data/train-0.csv", "--sheet", "a")
    assert code == 2 and "--sheet a: data/train-0.csv is no Excel workbook" in message
