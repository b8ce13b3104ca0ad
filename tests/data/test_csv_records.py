"""Separated values read in blocks: what reading the whole gives."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from adapterstilts.data.bad_rows import BadRows
from adapterstilts.data.formats import FORMATS, blocks
from adapterstilts.data.formats.csv_records import Dialect, csv_fields
from adapterstilts.errors import DataError, UsageError

PIECES = ['"', '""', '","', "a", "ü", "中", ",", ";", "\n", "\r\n", "\r", " ", "\udcff", "\ufeff", "'"]


def whole(path: Path, delimiter: str, bad: BadRows) -> Iterator[tuple[str, list[str]]]:
    """The records of a file, by expressions that look at all of its text at once."""
    field = re.compile(rf'(?:"([^"]*(?:""[^"]*)*)"|((?!")[^{delimiter}\r\n]*))({delimiter}|\r?\n|\r?\Z)')
    quoted_field = re.compile(r'"[^"]*(?:""[^"]*)*"')
    data = path.read_bytes().removeprefix(b"\xef\xbb\xbf")
    if not data.strip():
        raise DataError(f"{path} is empty.", remedy="Fill it, or download it again.")
    text = data.decode("utf-8", "surrogateescape").rstrip("\r\n")
    at, line = 0, 1
    while at <= len(text):
        begin, fields, end = at, [], delimiter
        while end == delimiter and (found := field.match(text, at)):
            quoted, plain, end = found.groups()
            fields.append(plain if quoted is None else quoted.replace('""', '"'))
            at = found.end()
        if found:
            yield f"line {line}", fields
        else:
            reason = "a carriage return stands in a field without quotation marks"
            if text[at] == '"':
                reason = "text follows the quotation mark that closes a field"
                if not quoted_field.match(text, at):
                    raise DataError(
                        f"{path}: line {line}: a quoted field of the record that begins here is never closed.",
                        remedy="The file may be cut off: download it again.",
                    )
            bad.report(path, f"line {line}", reason)
            at = (text.find("\n", at) + 1) or len(text)
        if at >= len(text):
            return
        line += text.count("\n", begin, at)


def outcome(records: Iterator[Any], bad: BadRows) -> tuple[list[Any], str | None, dict[str, int]]:
    found = []
    try:
        found.extend(one for one in records)
    except DataError as error:
        return found, str(error), dict(bad.counts)
    return found, None, dict(bad.counts)


@settings(max_examples=250, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=30), st.sampled_from(",;"), st.integers(1, 9), st.booleans())
def test_blocks_change_nothing(pieces: list[str], delimiter: str, size: int, skip: bool) -> None:
    assume("\n" in "".join(pieces) or "\r" not in "".join(pieces).rstrip("\r\n"))  # which is refused as a whole
    with TemporaryDirectory() as folder:
        path = Path(folder) / "x.csv"
        path.write_bytes("".join(pieces).encode("utf-8", "surrogateescape"))
        expected, found = BadRows(skip=skip), BadRows(skip=skip)
        assert outcome(csv_fields(path, Dialect(delimiter), found, size=size), found) == outcome(
            whole(path, delimiter, expected), expected
        )


def read(path: Path, text: str, **options: Any) -> list[dict[str, Any]]:
    path.write_text(text, encoding="utf-8", newline="")
    return [record for _, record in FORMATS.get("csv")((path,), "en", BadRows(skip=False), **options)]


STYLES: dict[str, tuple[str, dict[str, Any], list[dict[str, str]]]] = {
    "backslash": ('a,b\n"say \\"hi, you\\" \\\\",""""\n', {"escape": "backslash"},
                  [{"a": 'say "hi, you" \\', "b": '"'}]),
    "single": ("a,b\n'it''s, so',\"x\"\n", {"quote": "'"}, [{"a": "it's, so", "b": '"x"'}]),
    "none": ('a|b\n"x|y"\n', {"quote": "none", "delimiter": "|"}, [{"a": '"x', "b": 'y"'}]),
    "decimal_comma": ("a;b\n1,5;x\n", {"delimiter": ";"}, [{"a": "1,5", "b": "x"}]),
}  # fmt: skip


@pytest.mark.parametrize("style", STYLES)
def test_quotation_marks_of_other_programs(tmp_path: Path, style: str) -> None:
    text, options, records = STYLES[style]
    assert read(tmp_path / "x.csv", text, **options) == records


def test_what_cannot_separate_is_refused(tmp_path: Path) -> None:
    for delimiter in ("", '"', "\n"):
        with pytest.raises(UsageError, match="cannot separate fields. Name another delimiter"):
            read(tmp_path / "x.csv", "a,b\n", delimiter=delimiter)


def test_a_field_that_is_not_closed_does_not_take_the_file_into_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocks, "LONGEST", 1 << 20)
    with pytest.raises(DataError, match=r"x.csv: line 2: what begins here is longer than 1 MiB.*mark .* not be closed"):
        read(tmp_path / "x.csv", 'a,b\n"x,y\n' + "1,2\n" * 2_000_000)


def test_hidden_last_columns_are_told_without_keeping_the_records(tmp_path: Path) -> None:
    """The first bad record stops the reading, and not what comes after it."""
    with pytest.raises(DataError, match="line 1: text follows the quotation mark"):
        read(tmp_path / "x.csv", '"a"b,c\n"never closed\n', columns=["x", "y", "z"])
    assert read(tmp_path / "x.csv", "a,b\nc,d\n", columns=["x", "y", "z"])[1] == {"x": "c", "y": "d"}
