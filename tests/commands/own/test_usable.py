"""Files of one's own of which no row can be used: refused where the task is made, before a plan is shown."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from adapterstilts.cli.main import main
from adapterstilts.errors import DataError
from tests.commands.own_tables import TEAMS, found, table, tickets


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


NAMED = {"text": "subject", "label": "team"}


def test_a_plan_refuses_a_file_without_the_column_as_the_command_does(capsys: pytest.CaptureFixture[str]) -> None:
    tickets(Path("tickets.csv"))
    table(Path("de.csv"), [["betreff", "team"], *([f"Betreff {n}", TEAMS[n % 3]] for n in range(6))])
    flags = [f"--{name}={value}" for name, value in NAMED.items()]
    with pytest.raises(SystemExit):
        main(["transfer", "--from=none", "--to=tickets.csv", *flags, "--test=de=de.csv", "--profile=mini", "--plan"])
    output = capsys.readouterr()
    said = "de.csv: line 2: it has no column 'subject' for 'text_a'; there are: betreff, team. None of its rows can be"
    assert said in output.err and not output.out


@pytest.mark.parametrize("flag", ["test", "validation"])
@pytest.mark.parametrize("skip", [False, True])
def test_where_no_label_is_known_the_first_row_is_named(flag: str, skip: bool) -> None:
    tickets(Path("tickets.csv"))
    table(Path("other.csv"), [["subject", "team"], *([f"Subject {n}", "Vertrieb"] for n in range(6))])
    given = {flag: "de=other.csv" if flag == "test" else "other.csv"}
    with pytest.raises(DataError, match="row '0': the label 'Vertrieb' is not one of .*None of its rows can be used"):
        found("tickets.csv", **NAMED, **given, skip_bad_rows=skip)


def test_a_single_row_that_can_be_used_is_enough_for_a_plan() -> None:
    """What is wrong with the others is said when they are read, or counted with --skip-bad-rows."""
    tickets(Path("tickets.csv"))
    rows = [["subject", "team"], ["One", "Vertrieb"], ["Two", TEAMS[0]]]
    table(Path("de.csv"), rows)
    recipe, _ = found("tickets.csv", **NAMED, test="de=de.csv")
    assert recipe.languages == ("de",)


def test_rows_without_gold_are_told_by_their_texts_too() -> None:
    """Masked language modelling has no gold column, and rows of one's own."""
    Path("texts.jsonl").write_text("".join(json.dumps({"text": f"text {n}"}) + "\n" for n in range(9)))
    Path("de.jsonl").write_text("".join(json.dumps({"satz": f"Satz {n}"}) + "\n" for n in range(9)))
    with pytest.raises(DataError, match=r"de.jsonl: line 1: .*text.* there (is|are): satz"):
        found("texts.jsonl", kind="masked_lm", test="de=de.jsonl")
