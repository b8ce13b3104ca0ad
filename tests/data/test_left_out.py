"""Records that are left out: how many, and for which kinds of reasons."""

from __future__ import annotations

from adapterstilts.data.bad_rows import told_of_left_out


def test_reasons_are_told_by_kind_the_most_frequent_first() -> None:
    assert told_of_left_out({}) == ""
    assert told_of_left_out({"its texts are empty": 1}) == "1 malformed record: 1 where its texts are empty"
    known = "is not one of a, b, c"
    told = told_of_left_out({"its text is empty": 2, f"the label 'zz' {known}": 1_200, f"the label 'y' {known}": 3})
    assert told == (
        f"1,205 malformed records: 1,203 where the label 'zz' {known}, or the like; 2 where its text is empty"
    )


def test_many_kinds_of_reasons_are_cut() -> None:
    told = told_of_left_out({f"{letter} is missing": 9 - at for at, letter in enumerate("abcdefgh")})
    assert told.endswith("; 5 where e is missing; and for 3 other reasons") and told.count(" where ") == 5
