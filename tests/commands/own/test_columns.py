"""What flags and columns say of one's own data, and what their task is called."""

from __future__ import annotations

import pytest

from adapterstilts.commands.options import TransferOptions, read_options
from adapterstilts.commands.own.columns import described, given_columns, kind_by_columns, kind_by_flags, task_name
from adapterstilts.data.records.guessing import ColumnGuess
from adapterstilts.errors import AstiltsError


def test_the_most_telling_flag_says_the_kind() -> None:
    options = read_options(TransferOptions, {"label": "right", "choices": "a,b", "question": "q"})
    assert kind_by_flags(options) == ("multiple_choice", "by --choices")
    assert kind_by_flags(read_options(TransferOptions, {})) is None
    assert kind_by_columns([{"tokens": [], "tags": []}]) == ("tagging", "by its columns")
    assert kind_by_columns([{"x": 1}])[0] == "pair_classification"
    # Most contexts have the letter of a choice in them.
    choices = [
        {"context": "A B C D", "question": "q", "choices": ["x", "y"], "answer": letter} for letter in "ABCDABCD"
    ]
    assert kind_by_columns(choices) == ("multiple_choice", "by its columns")
    asked = [{"context": f"Ann met Bob {n}.", "question": "Whom?", "answer": f"Bob {n}"} for n in range(8)]
    assert kind_by_columns(asked) == ("span_qa", "by its answers, which are in their contexts")


def test_texts_are_those_of_the_kind() -> None:
    one = read_options(TransferOptions, {"text": "body", "label": "team"})
    assert given_columns("pair_classification", one) == {"text_a": "body", "text_b": (), "label": "team"}
    with pytest.raises(AstiltsError, match="--label has no meaning for tagging"):
        given_columns("tagging", read_options(TransferOptions, {"label": "team"}))


@pytest.mark.parametrize(
    ("named", "taken", "name"),
    [("tickets.csv.gz", (), "tickets"), ("train-*.parquet", (), "train"), ("mnli.csv", ("mnli",), "own_mnli"),
     ("all.csv", (), "own_all"), ("a.csv", ("a", "own_a"), "x_a"), ("a.csv", ("a", "own_a", "x_a"), "own_x_a"),
     ("***.csv", (), "own"), (f"{'n' * 150}.csv", (), "n" * 100),
     (f"{'n' * 150}.csv", ("n" * 100,), f"own_{'n' * 96}")],
)  # fmt: skip
def test_a_name_is_the_files_unless_another_task_has_it(named: str, taken: tuple[str, ...], name: str) -> None:
    assert task_name(named, taken, folder="x") == name


def test_many_labels_are_cut_short() -> None:
    lines = described([ColumnGuess("label", "team", "as you said")], {"labels": [f"l{n}" for n in range(20)]})
    assert lines == ["  label from team (as you said)",
                     "  20 labels, in this order: l0, l1, l2, l3, l4, l5, l6, l7, …"]  # fmt: skip


def test_labels_that_a_reader_takes_for_one_are_named() -> None:
    labels = ["Account", "Billing", "Billing ", "billing", "New  York", "new york", "Other"]
    assert described([], {"labels": labels})[1:] == [
        "  labels that differ in case or spaces alone are learnt as different ones: "
        "'Billing' and 'Billing ' and 'billing'; 'New  York' and 'new york'"
    ]
    assert len(described([], {"labels": ["O", "B-PER", "I-PER"]})) == 1
