"""What rows are called, and which of them a name means."""

from __future__ import annotations

import pytest

from adapterstilts.commands.table.row_names import RowName, find_row
from adapterstilts.errors import UsageError

NAMES = [
    RowName("none"),
    RowName("squad@0123", 1, "stack"),
    RowName("mnli@4567", 1, "stack"),
    RowName("squad+mnli@89ab", 1, "stack", "multi-task"),
    RowName("none", variant="full"),
    RowName("squad@cdef", 1, "continue", "full"),
    RowName("none", train_languages=("en", "de"), variant="translate-train of the target task"),
    RowName("squad@0123 + mnli@4567", 2, "fuse"),
    RowName("a@1 + b@2 + c@3", 3, "fuse"),
    RowName("ccg@22", 1),
]


def test_names_say_what_is_different_about_a_row() -> None:
    assert [str(name) for name in NAMES] == [
        "no intermediate task",
        "squad@0123 (stack)",
        "mnli@4567 (stack)",
        "multi-task: squad+mnli@89ab (stack)",
        "full: no intermediate task",
        "full: squad@cdef (continue)",
        "translate-train of the target task: no intermediate task, translate-train en+de",
        "squad@0123 + mnli@4567 (fuse)",
        "3 runs (fuse)",
        "ccg@22",
    ]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("no intermediate task", 0), ("none", 0), ("squad", 1), ("squad@0123", 1), ("squad@0123 (stack)", 1),
        ("mnli", 2), ("multi-task", 3), ("89ab", 3), ("full", 4), ("full: squad", 5), ("continue", 5),
        ("translate-train", 6), ("squad + mnli", 7), ("3 runs", 8), ("a + b + c", 8), ("ccg", 9),
    ],
)  # fmt: skip
def test_a_row_is_found_by_its_name_or_what_tells_it_apart(text: str, number: int) -> None:
    assert find_row(text, NAMES, flag="--against") == number


def test_what_means_several_rows_or_none_is_refused_with_their_names() -> None:
    with pytest.raises(UsageError, match=r"--against 'fuse' means several rows:\n  squad.*\n  3 runs \(fuse\)"):
        find_row("fuse", NAMES, flag="--against")
    with pytest.raises(UsageError, match=r"(?s)--against 'qqp' is no row of the table.*\n  full: no intermediate task"):
        find_row("qqp", NAMES, flag="--against")
