"""Flags about one of several own data, and about all of them."""

from __future__ import annotations

from typing import Any

import pytest

from adapterstilts.commands.options import TransferOptions, read_options
from adapterstilts.commands.own.scopes import scoped
from adapterstilts.errors import UsageError

NAMES = ("a.csv", "b.csv")


def split(**given: Any) -> dict[str, Any]:
    """The only given field of each."""
    (field,) = given
    return {name: getattr(one, field) for name, one in scoped(read_options(TransferOptions, given), NAMES).items()}


@pytest.mark.parametrize(
    ("given", "first", "second"),
    [
        ({"label": "team"}, "team", "team"),
        ({"label": "b.csv:team"}, None, "team"),
        ({"label": "a.csv:x,b.csv:y"}, "x", "y"),
        ({"label": "team,b.csv:art"}, "team", "art"),
        ({"delimiter": ","}, ",", ","),
        ({"delimiter": "a.csv:,"}, ",", None),
        ({"delimiter": "a.csv:,,b.csv:;"}, ",", ";"),
        ({"text": "subject,body"}, ("subject", "body"), ("subject", "body")),
        ({"text": "a.csv:subject,body,b.csv:review"}, ("subject", "body"), ("review",)),
        ({"text": "text,b.csv:one,two"}, ("text",), ("one", "two")),
        ({"test": "a.csv:ru=r.csv,a.csv:sw=s.csv,b.csv:ru=t.csv"}, {"ru": "r.csv", "sw": "s.csv"}, {"ru": "t.csv"}),
        ({"task_option": "main=f1_macro,b.csv:multi_label=true"}, {"main": "f1_macro"},
         {"main": "f1_macro", "multi_label": "true"}),
        ({"save_task": "a.csv:one"}, "one", None),
    ],
)  # fmt: skip
def test_a_value_is_about_the_data_that_it_names(given: dict[str, Any], first: Any, second: Any) -> None:
    assert split(**given) == {"a.csv": first, "b.csv": second}


@pytest.mark.parametrize(
    ("given", "remedy"),
    [({"test": "ru=r.csv"}, "--test a.csv:ru=r.csv"), ({"save_task": "x"}, "--save-task a.csv:x"),
     ({"validation": "v.csv"}, "--validation a.csv:v.csv")],
)  # fmt: skip
def test_what_can_be_about_one_alone_says_about_which(given: dict[str, Any], remedy: str) -> None:
    with pytest.raises(UsageError, match=f"does not say which of a.csv, b.csv it is about.*{remedy}"):
        split(**given)


@pytest.mark.parametrize("label", ["a.csv:x,a.csv:y", "a.csv:x,b.csv:y,c.csv:z"])
def test_a_value_that_would_be_lost_is_refused(label: str) -> None:
    with pytest.raises(UsageError, match="says more than one thing of one of a.csv, b.csv"):
        split(label=label)


def test_of_names_that_begin_alike_the_longest_counts() -> None:
    options = read_options(TransferOptions, {"label": "me/x:config:team"})
    found = scoped(options, ("me/x", "me/x:config"))
    assert (found["me/x"].label, found["me/x:config"].label) == (None, "team")


def test_one_alone_needs_no_name() -> None:
    (one,) = scoped(read_options(TransferOptions, {"test": "ru=r.csv", "label": "team"}), ("a.csv",)).values()
    assert (one.test, one.label) == ({"ru": "r.csv"}, "team")
