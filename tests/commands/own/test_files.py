"""What is told of files by looking at them and by flags; files in parts; files that are those of training."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import adapterstilts
from adapterstilts.errors import AstiltsError, UsageError
from tests.commands.own_tables import TEAMS, found, table, tickets


def write_spans(path: Path) -> Path:
    """As Prodigy has them, whose tokens are objects."""
    tokens = [{"text": "Ann", "start": 0, "end": 3, "id": 0}]
    spans = [{"start": 0, "end": 3, "label": "PER"}]
    records = [{"text": f"Ann met {n}.", "tokens": tokens, "spans": spans * (n % 2)} for n in range(12)]
    path.write_text("".join(f"{json.dumps(record)}\n" for record in records))
    return path


def test_columns_and_kind_are_guessed_and_the_guess_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    table(Path("mood.csv"), [["review", "sentiment"], *([f"text {n}", ("good", "bad")[n % 2]] for n in range(20))])
    recipe, said = found("mood.csv")
    assert recipe.kind == "pair_classification" and recipe.options["one_text"]
    assert sorted(recipe.options["labels"]) == ["bad", "good"]
    assert "by default; --kind says another" in said[0] and any("text_a from review" in line for line in said)
    Path("names.conll").write_text("Anna\tB-PER\nsang\tO\n\nRome\tB-LOC\n\n" * 4)
    recipe, said = found("names.conll")
    assert recipe.kind == "tagging" and "by its format" in said[0]
    write_spans(Path("names.jsonl"))
    recipe, said = found("names.jsonl")
    assert recipe.kind == "tagging" and "by its spans" in said[0] and "  tokens from text (by its name)" in said
    lines = [json.dumps({"text": "Ann.", "spans": [[0, 9, "PER"]]})] * 3
    Path("wrong.jsonl").write_text("\n".join(lines))
    with pytest.raises(AstiltsError, match=r"No training row of wrong.jsonl has a label: the span .* \(3\)\."):
        found("wrong.jsonl", skip_bad_rows=True)
    rows = [["story", "q", "one", "two", "answer"], *(["s", f"q {n}", "a", "b", n % 2] for n in range(8))]
    table(Path("quiz.csv"), rows)
    columns = {"choices": "one,two", "label": "answer", "context": "story", "question": "q"}
    recipe, _ = found("quiz.csv", kind="multiple_choice", **columns)
    assert recipe.source("files").columns["choices"] == ("one", "two")


def test_a_folder_of_the_datasets_library_and_a_share_of_rows_that_belong_together(options: dict[str, Any]) -> None:
    from datasets import Dataset, DatasetDict

    rows = [{"text": f"text {n}", "label": TEAMS[n % 3], "customer": f"c{n % 10}"} for n in range(60)]
    DatasetDict({"train": Dataset.from_list(rows), "test": Dataset.from_list(rows[:12])}).save_to_disk("saved")
    recipe, _ = found("./saved")
    assert recipe.name == "saved" and {"train", "test"} <= recipe.source("files").splits.keys()
    recipe, said = found("./saved", validation="0.3", group="customer")
    held_out = recipe.source("files").hold_out
    assert held_out and (held_out.share, held_out.by) == (0.3, ("customer",)) and "arrow" in said[0]
    with pytest.raises(UsageError, match="--group custom is no column of the data; they have text, label, customer"):
        found("./saved", validation="0.3", group="custom", skip_bad_rows=True)
    # A share is taken where there are other rows to select by, too.
    DatasetDict({"train": Dataset.from_list(rows), "validation": Dataset.from_list(rows[:9])}).save_to_disk("split")
    splits = found("./split", validation="0.3", group="customer")[0].source("files").splits
    assert splits["validation"] == splits["train"] != found("./split")[0].source("files").splits["validation"]
    row = adapterstilts.train_intermediate("./saved", validation="0.3", group="customer", max_length=48, **options)
    assert row.validation_examples % 6 == 0 and row.tasks["saved"].train_examples % 6 == 0


def test_an_encoding_and_a_delimiter_are_told_by_the_file(options: dict[str, Any]) -> None:
    lines = ["satz;art", *(f"Käufer {n} schließt ab;{TEAMS[n % 3]}" for n in range(30))]
    Path("de.csv").write_bytes("\n".join(lines).encode("cp1252"))
    recipe, said = found("de.csv")
    assert recipe.source("files").options["delimiter"] == ";" and "encoding 'cp1252'" in said[0]
    with pytest.raises(AstiltsError, match="utf-8|UTF-8"):
        adapterstilts.train_intermediate("de.csv", encoding="utf-8", max_length=48, **options)


def test_a_label_that_only_the_test_has_is_an_error(options: dict[str, Any]) -> None:
    tickets(Path("tickets.csv"))
    table(Path("test.csv"), [["subject", "body", "team"], ["a", "b", "legal"]])
    with pytest.raises(AstiltsError, match="legal"):
        adapterstilts.transfer("none", "tickets.csv", label="team", test="en=test.csv", **options)


def shards(pattern: str, *counts: int) -> None:
    """Tables of tickets that are parts of one."""
    first = 0
    for number, count in enumerate(counts):
        rows = [[n, f"Subject {n}", f"The body of {n % 7}", TEAMS[n % 3]] for n in range(first, first + count)]
        table(Path(pattern.format(number)), [["nr", "subject", "body", "team"], *rows])
        first += count


def test_files_of_a_pattern_are_one_in_the_order_of_their_names(options: dict[str, Any]) -> None:
    shards("part-{}.csv", 20, 16, 12)
    shards("new-{}.csv", 5, 4)
    said = {"label": "team", "text": "subject,body", "max_length": 48}
    recipe, lines = found("part-*.csv", label="team", test="ru=new-*.csv")
    files = recipe.source("files")
    assert files.splits["train"] == ("part-0.csv", "part-1.csv", "part-2.csv") and files.sharded
    assert files.splits["test"] == {"ru": ("new-0.csv", "new-1.csv")} and "in 3 files" in lines[0]
    trained = adapterstilts.train_intermediate("part-*.csv", save_task="parts", **said, **options)
    assert trained.tasks["parts"].train_examples + trained.validation_examples == 48
    again = adapterstilts.train_intermediate("parts", tasks="tasks", data_dir=".", max_length=48, **options)
    assert again.key == trained.key
    row = adapterstilts.transfer("none", "part-*.csv", test="ru=new-*.csv", **said, **options).rows[0]
    assert row.languages["ru"]["examples"] == 9


def test_a_folder_may_have_its_splits_in_parts(options: dict[str, Any]) -> None:
    from datasets import Dataset

    Path("data").mkdir()
    for number in range(2):
        rows = [{"text": f"text {number} {n}", "label": TEAMS[n % 3]} for n in range(12)]
        Dataset.from_list(rows).to_parquet(f"data/train-0000{number}-of-00002.parquet")
    recipe, _ = found("./data")
    assert len(recipe.source("files").splits["train"]) == 2 and recipe.name == "data"


def test_a_part_with_other_columns_is_refused_by_its_name(options: dict[str, Any]) -> None:
    shards("part-{}.csv", 20, 16)
    table(Path("part-2.csv"), [["nr", "subject", "text", "team"], [1, "a", "b", "sales"]])
    with pytest.raises(AstiltsError, match="part-2.csv has other columns than part-0.csv: it lacks body and has text"):
        found("part-*.csv", label="team")
    with pytest.raises(AstiltsError, match=r"No file fits the pattern none-\*.csv"):
        found("none-*.csv")
    table(Path("part-2.csv"), [["nr", "subject", "body", "team"], [1, "a", "b", "sales"], [2, "a", "b"]])
    with pytest.raises(AstiltsError, match=r"part-2.csv: line 3: it has 3 columns instead of 4"):
        adapterstilts.train_intermediate("part-*.csv", label="team", max_length=48, **options)


def test_rows_that_are_trained_on_are_not_scored_nor_selected_by(options: dict[str, Any]) -> None:
    tickets(Path("tickets.csv"))
    Path("same.csv").write_bytes(Path("tickets.csv").read_bytes())
    for given in ({"test": "ru=same.csv"}, {"validation": "same.csv"}):
        with pytest.raises(UsageError, match="same.csv has the very rows that are trained on, those of tickets.csv"):
            found("tickets.csv", label="team", **given)
    tickets(Path("other.csv"), 12)
    with pytest.raises(UsageError, match="--test ru: other.csv has the very rows that checkpoints are selected by"):
        found("tickets.csv", label="team", test="ru=other.csv", validation="other.csv")


def test_a_sheet_is_named(options: dict[str, Any]) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    book.active.title = "notes"
    book.active.append(["nothing", "here"])
    sheet = book.create_sheet("rows")
    for row in [["text", "mood"], *([f"text {n}", ("good", "bad")[n % 2]] for n in range(12))]:
        sheet.append(row)
    book.save("mood.xlsx")
    recipe, _ = found("mood.xlsx", sheet="rows", label="mood")
    assert recipe.source("files").options == {"sheet": "rows"} and set(recipe.options["labels"]) == {"good", "bad"}
    with pytest.raises(AstiltsError, match="Unknown sheet of mood.xlsx 'row'. Did you mean 'rows'"):
        found("mood.xlsx", sheet="row")
    tickets(Path("tickets.csv"))
    with pytest.raises(AstiltsError, match="--sheet rows: tickets.csv is no Excel workbook"):
        found("tickets.csv", sheet="rows")


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], "tickets.csv has no row"),
        ([["a", ""], ["b", ""]], "No training row of tickets.csv has a label"),
        ([["a", "good"], ["b", "good"]], "'good' is the only one, and telling rows apart takes two"),
        ([["a", "good"], [" ", "bad"]], "line 3: its texts are empty.*--skip-bad-rows"),
        ([[f"text {n}", f"label {n}"] for n in range(1200)], "there are 1,200, and more than 1,000 are mostly texts"),
    ],
)
def test_rows_of_which_nothing_can_be_learnt_are_refused(
    rows: list[list[str]], message: str, options: dict[str, Any]
) -> None:
    table(Path("tickets.csv"), [["text", "label"], *rows])
    with pytest.raises(AstiltsError, match=message):
        found("tickets.csv", text="text", label="label")


def test_bad_rows_are_left_out_where_that_is_said_and_numbers_are_told(options: dict[str, Any]) -> None:
    rows = [[f"text {n}" if n != 4 else "", f"{n * 0.37:.2f}"] for n in range(24)]
    table(Path("marks.csv"), [["text", "mark"], *rows])
    recipe, said = found("marks.csv", label="mark", skip_bad_rows=True)
    assert recipe.options["regression"] and any("numbers that are not whole: regression=true" in one for one in said)
    trained = adapterstilts.train_intermediate("marks.csv", label="mark", skip_bad_rows=True, max_length=48, **options)
    assert trained.tasks["marks"].train_examples + trained.validation_examples == 23


def test_a_page_of_the_web_is_no_table(options: dict[str, Any]) -> None:
    Path("tickets.csv").write_text("<!DOCTYPE html><html><body>Sign in</body></html>\n")
    with pytest.raises(AstiltsError, match="tickets.csv is an HTML page"):
        found("tickets.csv", label="team")
    Path("tickets.csv").write_bytes(("text,label\n" + "Käufer,good\n" * 20).encode() + "Käufer,bad\n".encode("cp1252"))
    with pytest.raises(AstiltsError, match="line 22: .*not valid UTF-8; as Windows-1252"):
        found("tickets.csv", label="label")
