"""Files of one's own in the place of a task: what is told of them by looking, by flags, and what is refused."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pytest

import adapterstilts
from adapterstilts.cli.main import main
from adapterstilts.commands.options import TransferOptions, read_options
from adapterstilts.commands.own.data import is_own, is_table, own_task
from adapterstilts.errors import AstiltsError, UsageError
from adapterstilts.tasks.catalogue import Catalogue
from tests.commands.own_tables import TEAMS, table, tickets


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
    repeated = adapterstilts.train_intermediate("tickets.csv", save_task="tickets", **said, **options)
    assert repeated.key == first.key
    with pytest.raises(UsageError, match="tasks/tickets/task.yaml is there already.*Give another name"):
        adapterstilts.train_intermediate("tickets.csv", save_task="tickets", **{**said, "text": "body"}, **options)


def test_what_reads_it_from_then_on_can_be_pasted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    folder = Path("my tickets")
    folder.mkdir()
    tickets(folder / "tickets.csv")
    own = own_task(f"{folder}/tickets.csv", read_options(TransferOptions, {"text": "subject,body", "label": "team"}),
                   Catalogue())  # fmt: skip
    assert shlex.split(own.read_with) == ["--data-dir", str(folder.resolve())]


@pytest.mark.slow
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


def test_a_model_of_a_file_can_be_shared_though_no_recipe_says_what_it_is(
    options: dict[str, Any], tmp_path: Path
) -> None:
    tickets(Path("tickets.csv"))
    run = adapterstilts.train_intermediate("tickets.csv", label="team", text="subject,body", max_length=48, **options)
    pushed = adapterstilts.push("tickets", to=str(tmp_path / "registry"), store=options["store"])
    assert pushed.changed and pushed.licence == "not stated" and run.key[:12] in pushed.name
    card = adapterstilts.push("tickets", to=str(tmp_path / "registry"), dry_run=True, store=options["store"]).card
    assert "trained on an intermediate task: tickets in English" in card


@pytest.mark.slow
def test_the_licence_of_a_file_is_not_stated_beside_that_of_the_intermediate_task(
    options: dict[str, Any], tmp_path: Path
) -> None:
    tickets(Path("tickets.csv"))
    said = {"label": "team", "text": "subject,body", "validation": "0.3", "max_length": 48}
    small = {name: value for name, value in options.items() if name != "max_train_examples"}
    adapterstilts.train_intermediate("mnli", max_train_examples=8, **small)
    above = adapterstilts.transfer("mnli", "tickets.csv", **said, **options).rows[-1].trained
    place = {"to": str(tmp_path / "registry"), "store": options["store"]}
    with pytest.raises(
        UsageError, match=r"(?s)tickets@\w+ \(train-target, seq_bn.*\(train-target, from mnli@\w+, seq_bn"
    ):
        adapterstilts.push("tickets", **place)
    pushed = adapterstilts.push(str(above), **place)
    assert pushed.licence == "mnli: Apache-2.0; tickets: not stated"


def test_two_files_are_two_targets_and_flags_say_which_they_are_about(options: dict[str, Any]) -> None:
    tickets(Path("tickets.csv"))
    tickets(Path("tickets_ru.csv"), 12)
    table(Path("mood.csv"), [["review", "mood"], *([f"text {n}", ("good", "bad")[n % 2]] for n in range(24))])
    table(Path("mood_ru.csv"), [["review", "mood"], *([f"other {n}", ("good", "bad")[n % 2]] for n in range(9))])
    said = {"label": "tickets.csv:team,mood.csv:mood", "text": "tickets.csv:subject,body,mood.csv:review"}
    test = "tickets.csv:ru=tickets_ru.csv,mood.csv:ru=mood_ru.csv"
    result = adapterstilts.transfer("none", "tickets.csv,mood.csv", max_length=48, test=test, **said, **options)
    assert [(row.task, row.languages["ru"]["examples"]) for row in result.rows] == [("tickets", 12), ("mood", 9)]
    with pytest.raises(UsageError, match="mood.csv: Unknown column of the file 'team'.*alone.*--label tickets.csv:"):
        adapterstilts.transfer("none", "tickets.csv,mood.csv", test=test, label="team", **options)


def test_a_file_can_be_the_intermediate_task_of_another(options: dict[str, Any]) -> None:
    """It means the run that was trained on it, whose other seeds are trained on its rows."""
    table(Path("mood.csv"), [["review", "mood"], *([f"text {n}", ("good", "bad")[n % 2]] for n in range(24))])
    tickets(Path("tickets.csv"))
    tickets(Path("new.csv"), 12)
    small = {**options, "max_length": 48, "method": "seq_bn[reduction_factor=8]"}
    said = {"label": "mood.csv:mood,tickets.csv:team", "test": "tickets.csv:en=new.csv"}
    with pytest.raises(UsageError, match="Train it first: astilts train-intermediate mood.csv "):
        adapterstilts.transfer("mood.csv", "tickets.csv", **said, **small)
    run = adapterstilts.train_intermediate("mood.csv", label="mood", **small)
    result = adapterstilts.transfer("mood.csv", "tickets.csv", seeds=2, **said, **small)
    assert result.rows[1].intermediate == f"mood@{run.key[:12]}" and len(result.rows[1].seeds) == 2


def test_models_are_told_from_tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("model").mkdir()
    assert all(map(is_table, ("a.csv", "data/a.csv", "part-*.parquet")))
    assert not any(map(is_table, ("squad", "squad@0a", "./model", "me/model", "s3://x/y*#z", "hf://me/x", "none")))


def test_a_run_of_another_file_of_the_same_name_is_not_taken(options: dict[str, Any]) -> None:
    for folder, count in (("a", 24), ("b", 30)):
        Path(folder).mkdir()
        tickets(Path(folder, "d.csv"), count)
    run = adapterstilts.train_intermediate("a/d.csv", label="team", seed=7, max_length=48, **options)
    given = {"label": "team", "seeds": 1, "max_length": 48, **options}
    plan = adapterstilts.plan(adapterstilts.transfer, "a/d.csv", "copa", **given)
    assert run.key[:12] in [stage.key for stage in plan.stages]
    with pytest.raises(UsageError, match="no intermediate run of d with method"):
        adapterstilts.plan(adapterstilts.transfer, "b/d.csv", "copa", **given)


@pytest.mark.slow
def test_rows_with_unknown_labels_are_told_of_in_notes_and_table(
    options: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    tickets(Path("tickets.csv"))
    rows = [["subject", "team"], ["One", TEAMS[0]], ["Two", "Vertrieb"], ["Three", "Einkauf"], ["Four", "Vertrieb"]]
    table(Path("de.csv"), rows)
    words = ["--from=none", "--to=tickets.csv", "--text=subject", "--label=team", "--test=de=de.csv", "--skip-bad-rows"]
    flags = [f"--{name.replace('_', '-')}={value}" for name, value in options.items()]
    main(["transfer", *words, *flags])
    output = capsys.readouterr()
    reasons = "3 where the label 'Vertrieb' is not one of billing, sales, support, or the like"
    assert f"left out 3 malformed records: {reasons}" in " ".join(output.err.split())
    shown = " ".join(output.out.split())
    assert "test split, 1 example per language" in shown
    assert f"of the rows to score, it lacks 3 malformed records: {reasons}." in shown
