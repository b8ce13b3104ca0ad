"""Files of one's own of which no row can be used: refused where the task is made, before a plan is shown."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from adapterstilts.cli.main import main
from adapterstilts.commands.new_task import examine, write_task
from adapterstilts.commands.own.recipe import NewTaskOptions
from adapterstilts.errors import DataError
from adapterstilts.tasks.catalogue import Catalogue
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


def conll(name: str, sentences: list[list[str]], separator: str) -> None:
    Path(name).write_text("\n".join("".join(f"{word}\n" for word in one) for one in sentences).replace("|", separator))


TAGGED = [[f"Ann{n}|B-PER", "lives|O", "in|O", f"Rome{n % 3}|B-LOC", ".|O"] for n in range(24)]
TEXT = [f"Hans wohnt in Bonn {'und in Berlin ' * (n % 2)}." for n in range(9)]


@pytest.mark.parametrize("between", ["\n", "\n\n"])
@pytest.mark.parametrize("name", ["news.txt", "news.conll"])
def test_text_in_the_place_of_tagged_words_is_told_what_it_looks_like(name: str, between: str) -> None:
    conll("ner.conll", TAGGED, "\t")
    Path(name).write_text(between.join(TEXT) + "\n")
    with pytest.raises(DataError, match=rf"{name} looks like text without tags.*astilts predict MODEL --input FILE"):
        found("ner.conll", test=f"de={name}")


def test_a_new_task_says_so_too() -> None:
    conll("ner.conll", TAGGED, "\t")
    Path("de.conll").write_text("\n".join(TEXT) + "\n")
    given = {"name": "ner", "kind": "tagging", "train": "ner.conll", "test": {"de": "de.conll"}, "out": "tasks"}
    options = NewTaskOptions.model_validate(given)
    with pytest.raises(DataError, match=r"de.conll looks like text without tags"):
        write_task(options, examine(options, Catalogue()), Catalogue())


@pytest.mark.parametrize("separator", ["\t", " "])
def test_words_with_tags_of_another_set_are_no_text(separator: str) -> None:
    conll("ner.conll", TAGGED, "\t")
    conll("de.conll", [["Hans|NNP", "wohnt|VBZ", ".|."]] * 4, separator)
    with pytest.raises(DataError, match="row '0': the tag 'NNP' is not one of the 5 tags"):
        found("ner.conll", test="de=de.conll")


def test_words_alone_have_hidden_tags() -> None:
    conll("ner.conll", TAGGED, "\t")
    conll("de.conll", [["Hans", "wohnt", "in", "Bonn", "."]] * 4, "\t")
    assert found("ner.conll", test="de=de.conll")[0].languages == ("de",)
