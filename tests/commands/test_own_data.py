"""Files of one's own in the place of a task: what is told of them by looking, by flags, and what is refused."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

import adapterstilts
from adapterstilts.cli.main import main
from adapterstilts.commands.options import TransferOptions, read_options
from adapterstilts.commands.own_data import is_own, own_task, own_tasks
from adapterstilts.errors import AstiltsError, UsageError
from adapterstilts.tasks.catalogue import Catalogue
from tests.conftest import QUICK

TEAMS = ("billing", "support", "sales")


def table(path: Path, rows: Sequence[Sequence[Any]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)
    return path


def tickets(path: Path, count: int = 48, *, labelled: bool = True) -> Path:
    head = ["nr", "subject", "body", *(["team"] if labelled else [])]
    rows = [[n, f"Subject {n}", f"The body of {n % 7}", *([TEAMS[n % 3]] if labelled else [])] for n in range(count)]
    return table(path, [head, *rows])


@pytest.fixture
def options(tiny_backbone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.chdir(tmp_path)
    settings = {name: value for name, value in QUICK.items() if name != "max_length"}
    return {**settings, "profile": "mini", "backbone": str(tiny_backbone), "store": tmp_path / "store"}


def found(path: str, **given: Any) -> tuple[Any, list[str]]:
    """The recipe of a file, and what was said of it."""
    said: list[str] = []
    _, own = own_tasks([path], read_options(TransferOptions, given), Catalogue(), note=said.append)
    return own.tasks[0].recipe, said


def test_a_table_of_tickets_is_a_target(options: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    """Trained in English, scored in other languages, and in one where nobody has labelled anything."""
    tickets(Path("tickets.csv"))
    for code in ("en", "ru"):
        tickets(Path(f"tickets_{code}.csv"), 12)
    tickets(Path("new_sw.csv"), 9, labelled=False)
    words = ["--from", "none", "--to", "tickets.csv", "--text", "subject,body", "--label", "team"]
    words += ["--test", "en=tickets_en.csv,ru=tickets_ru.csv,sw=new_sw.csv", "--max-length", "48"]
    flags = [f"--{name.replace('_', '-')}={value}" for name, value in options.items()]
    main(["transfer", *words, *flags])
    output = capsys.readouterr()
    assert "tickets.csv: pair_classification (by --text); read as csv" in output.err
    assert "text_a from subject (as you said)" in output.err and "3 labels, in this order:" in output.err
    assert output.out.startswith("tickets.csv, test split") and " ru " in output.out
    (evaluation,) = options["store"].glob("evaluate-tickets-*")
    predictions = (evaluation / "predictions/tickets/test-sw.tsv").read_text().splitlines()
    assert len(predictions) == 9 and set(predictions) <= set(TEAMS)


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
    rows = [["story", "q", "one", "two", "answer"], *(["s", f"q {n}", "a", "b", n % 2] for n in range(8))]
    table(Path("quiz.csv"), rows)
    columns = {"choices": "one,two", "label": "answer", "context": "story", "question": "q"}
    recipe, _ = found("quiz.csv", kind="multiple_choice", **columns)
    assert recipe.source("files").columns["choices"] == ("one", "two")


def test_names_that_are_files_are_told_from_tasks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("squad").mkdir()
    catalogue = Catalogue()
    assert not is_own("squad", catalogue) and is_own("squad.json", catalogue) and is_own("data/x", catalogue)
    tickets(Path("mnli.csv"))
    tickets(Path("new.csv"), 12)
    read = read_options(TransferOptions, {"test": "en=new.csv"})
    assert own_task("mnli.csv", read, catalogue).recipe.name == "own_mnli"


def test_it_can_be_written_down_and_is_the_same_task(options: dict[str, Any]) -> None:
    """The run of the file is found again under the name that was saved."""
    tickets(Path("tickets.csv"))
    said = {"text": "subject,body", "label": "team", "max_length": 48}
    first = adapterstilts.train_intermediate("tickets.csv", save_task="tickets", **said, **options)
    assert Path("tasks/tickets/task.yaml").is_file()
    again = adapterstilts.train_intermediate("tickets", tasks="tasks", data_dir=".", max_length=48, **options)
    assert again.key == first.key
    with pytest.raises(UsageError, match="is there already"):
        adapterstilts.train_intermediate("tickets.csv", save_task="tickets", **said, **options)


def test_other_seeds_of_the_intermediate_task_read_their_own_source(options: dict[str, Any]) -> None:
    tickets(Path("tickets.csv"))
    tickets(Path("new.csv"), 12)
    said = {"text": "subject,body", "label": "team", "max_length": 48, "test": "en=new.csv"}
    small = {**options, "max_train_examples": 24}
    method = "seq_bn[reduction_factor=8]"
    adapterstilts.train_intermediate("mnli", method=method, **small)
    result = adapterstilts.transfer("mnli", "tickets.csv", seeds=2, method=method, **said, **small)
    assert [len(row.seeds) for row in result.rows] == [2, 2]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"label": "teem"}, r"Unknown column of the file 'teem'.*'team'"),
        ({"label": "team", "text": "subject,body,nr"}, "--text has 3 columns, where pair_classification has 2"),
        ({"label": "team", "context": "body"}, "--label has no meaning|No column of the file looks like"),
        ({"label": "team", "validation": "1.5"}, "is no share between 0 and 1"),
        ({"label": "team", "validation": "none.csv"}, "--validation none.csv is not a file"),
        ({"label": "team", "test": "ru=none.csv"}, "--test ru none.csv is not a file"),
        ({"label": "team", "test": "xx=tickets.csv"}, "Unknown language 'xx'|'xx'"),
        ({"label": "team", "test": None}, "there are no rows to score it on"),
        ({"label": "team", "save_task": "../x"}, "tickets.csv: name: a name has letters, digits"),
        ({"label": "team", "text": "subject", "kind": "span_qa"}, "--text has no meaning|--label has no meaning"),
        ({"kind": "tagging"}, "Say which one it is with --tokens NAME|--tags NAME"),
        ({"label": "team", "kind": "poetry"}, "Unknown task kind 'poetry'"),
    ],
)
def test_what_does_not_fit_is_refused_with_what_there_is(
    given: dict[str, Any], message: str, options: dict[str, Any]
) -> None:
    tickets(Path("tickets.csv"))
    tickets(Path("new.csv"), 12)
    with pytest.raises(AstiltsError, match=message):
        adapterstilts.transfer("none", "tickets.csv", **{"test": "en=new.csv", **given}, **options)


def test_flags_about_a_file_need_one(options: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="--label is about a file of one's own, and no file is given"):
        adapterstilts.transfer("none", "mlqa", label="team", **options)
    with pytest.raises(UsageError, match="nowhere.csv is neither a task nor a file"):
        adapterstilts.transfer("none", "nowhere.csv", **options)


def test_a_folder_of_the_datasets_library_and_a_share_of_rows_that_belong_together(options: dict[str, Any]) -> None:
    from datasets import Dataset, DatasetDict

    rows = [{"text": f"text {n}", "label": TEAMS[n % 3], "customer": f"c{n % 10}"} for n in range(60)]
    DatasetDict({"train": Dataset.from_list(rows), "test": Dataset.from_list(rows[:12])}).save_to_disk("saved")
    recipe, _ = found("./saved")
    assert recipe.name == "saved" and {"train", "test"} <= recipe.source("files").splits.keys()
    recipe, said = found("./saved", validation="0.3", group="customer")
    held_out = recipe.source("files").hold_out
    assert held_out and (held_out.share, held_out.by) == (0.3, ("customer",)) and "arrow" in said[0]
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


def test_a_model_of_a_file_can_be_shared_though_no_recipe_says_what_it_is(
    options: dict[str, Any], tmp_path: Path
) -> None:
    tickets(Path("tickets.csv"))
    run = adapterstilts.train_intermediate("tickets.csv", label="team", text="subject,body", max_length=48, **options)
    pushed = adapterstilts.push("tickets", to=str(tmp_path / "registry"), store=options["store"])
    assert pushed.changed and pushed.licence == "not stated" and run.key[:12] in pushed.name
    card = adapterstilts.push("tickets", to=str(tmp_path / "registry"), dry_run=True, store=options["store"]).card
    assert "trained on an intermediate task: tickets in English" in card
