"""Values of parsed JSON: each function takes one shape, and says of every other what is due."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from adapterstilts import parsed

# Of every shape that JSON has.
VALUES = [
    json.loads(text) for text in ('""', '"a"', "0", "-3", "1.0", "true", "null", "[]", '["a"]', "[1]", '{"a": 1}')
]

SHAPES: dict[str, tuple[list[Any], str]] = {
    "text": (["", "a"], "text"),
    "whole_number": ([0, -3], "a whole number"),
    "list": ([[], ["a"], [1]], "a list"),
    "texts": ([[], ["a"]], "a list of texts"),
    "object": ([{"a": 1}], "an object"),
}


def accepted(read: Callable[[Any], Any]) -> list[Any]:
    """The values that it takes, each of which it has to give back."""
    found = []
    for value in VALUES:
        try:
            read_value = read(value)
        except ValueError:
            continue
        assert read_value == value
        found.append(value)
    return found


@pytest.mark.parametrize("shape", SHAPES)
def test_values_and_fields_of_one_shape_are_taken(shape: str) -> None:
    expected, _ = SHAPES[shape]
    as_shape, get_shape = getattr(parsed, f"as_{shape}"), getattr(parsed, f"get_{shape}")
    for read in (lambda value: as_shape(value, "no"), lambda value: get_shape({"name": value}, "name")):
        # 1.0 and true equal whole numbers.
        assert list(map(repr, accepted(read))) == list(map(repr, expected))


@pytest.mark.parametrize("shape", SHAPES)
def test_errors_say_what_is_due_and_where(shape: str) -> None:
    get_shape, due = getattr(parsed, f"get_{shape}"), SHAPES[shape][1]
    for record in ({}, {"name": None}, {"name": 1.5}, [], "name", None):
        with pytest.raises(ValueError, match=f"^'name' is missing or of the wrong type: {due} is due$"):
            get_shape(record, "name")
        with pytest.raises(ValueError, match="^the name is odd$"):
            get_shape(record, "name", "the name is odd")
    with pytest.raises(ValueError, match="^word 3 is odd$"):
        getattr(parsed, f"as_{shape}")(1.5, "word 3 is odd")
