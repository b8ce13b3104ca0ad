from __future__ import annotations

import io
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from adapterstilts.data.bad_rows import BadRows
from adapterstilts.data.input_files import InputFile, InputStream, in_chunks, peeked
from adapterstilts.errors import AstiltsError

COLUMNS = ("text_a", "text_b")


def read(path: Path, **options: Any) -> list[dict[str, Any]]:
    return [record for _, record in InputFile.of(path, COLUMNS, **options).records(BadRows(skip=False))]


@pytest.mark.parametrize(
    ("name", "content", "records"),
    [
        ("a.csv", 'a,b\n1,"x, y"\n', [{"a": "1", "b": "x, y"}]),
        ("a.csv", "a;b\n1;x\n", [{"a": "1", "b": "x"}]),
        ("a.tsv", "a\tb\n1\tx\n", [{"a": "1", "b": "x"}]),
        ("a.jsonl", '{"a": "1"}\n\n{"a": "ä"}\n', [{"a": "1"}, {"a": "ä"}]),
        ("a.json", '[{"a": 1}]', [{"a": 1}]),
        ("a.txt", "Eins\tzwei.\n\nDrei\n", [{"text": "Eins\tzwei."}, {"text": "Drei"}]),
    ],
)
def test_a_file_is_read_by_its_name_and_content(
    name: str, content: str, records: list[dict[str, Any]], tmp_path: Path
) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8")
    assert read(tmp_path / name) == records


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "cp1252"])
@pytest.mark.parametrize("name", ["a.csv", "a.txt", "a.jsonl"])
def test_a_file_may_be_in_any_encoding(name: str, encoding: str, tmp_path: Path) -> None:
    lines = ["text", *(f"Käse, Größe {n}" for n in range(9))]
    rows = {"a.csv": [lines[0], *(f'"{one}"' for one in lines[1:])], "a.txt": lines[1:]}
    rows["a.jsonl"] = [f'{{"text": "{one}"}}' for one in lines[1:]]
    (tmp_path / name).write_bytes("\n".join([*rows[name], ""]).encode(encoding))
    assert read(tmp_path / name) == [{"text": one} for one in lines[1:]]


def test_a_format_can_be_told(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a\tb\n1\tx\n")
    assert read(tmp_path / "a.txt", format="tsv") == [{"a": "1", "b": "x"}]


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        (b"\n<!DOCTYPE html><html>", {}, "HTML page"),
        (b"PK\x03\x04rest", {}, "zip archive"),
        (b"a,b\x00\n", {}, "is no text"),
        (b"a,b\n1,2\n", {"format": "bucc"}, "one file"),
        (b"a,b\n1,2\n", {"format": "cvs"}, "'csv'"),
    ],
)
def test_what_is_no_table_is_said(content: bytes, options: dict[str, Any], message: str, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(AstiltsError, match=message):
        read(tmp_path / "a.csv", **options)


@pytest.mark.parametrize("options", [{}, {"format": "parquet"}])
def test_tables_of_other_programs_are_read(options: dict[str, Any], tmp_path: Path) -> None:
    """Errors said that their format was to be named, and then said it again."""
    parquet.write_table(pa.table({"a": ["x"], "day": [date(2024, 1, 2)]}), tmp_path / "a.parquet")
    assert read(tmp_path / "a.parquet", **options) == [{"a": "x", "day": "2024-01-02"}]


def test_a_workbook_is_read(tmp_path: Path) -> None:
    book = pytest.importorskip("openpyxl").Workbook()
    for row in (["id", "a"], ["007", "x"]):
        book.active.append(row)
    book.save(tmp_path / "a.xlsx")
    assert read(tmp_path / "a.xlsx") == [{"id": "007", "a": "x"}]


def test_a_file_has_to_be_there_and_to_have_records(tmp_path: Path) -> None:
    with pytest.raises(AstiltsError, match="not a file"):
        InputFile.of(tmp_path / "no.csv", COLUMNS)
    with pytest.raises(AstiltsError, match="no records"):
        peeked(iter(()), where="here")


def stream(content: str, format: str | None = None) -> list[dict[str, Any]]:
    found = InputStream(io.BytesIO(content.encode()), format).records(BadRows(skip=False))
    return [record for _, record in found]


def test_standard_input_has_texts_or_objects() -> None:
    assert stream("Eins\n\n zwei \n") == [{"text": "Eins"}, {"text": "zwei"}]
    assert stream('{"a": 1}\n{"a": 2}\n') == [{"a": 1}, {"a": 2}]
    assert stream('{"a": 1}\n', "text") == [{"text": '{"a": 1}'}]
    with pytest.raises(AstiltsError, match="line 2: column 1: not JSON"):
        stream('{"a": 1}\nzwei\n')
    with pytest.raises(AstiltsError, match="cannot be read from standard input"):
        stream("a,b\n", "csv")


def test_blank_lines_between_texts_are_counted_and_those_between_records_not(tmp_path: Path) -> None:
    def blank(content: str, name: str = "a.txt") -> int:
        path, bads = tmp_path / name, [BadRows(skip=False), BadRows(skip=False)]
        path.write_text(content, encoding="utf-8")
        of_file, of_stream = InputFile.of(path, COLUMNS), InputStream(io.BytesIO(content.encode()))
        assert list(of_file.records(bads[0])) == list(of_stream.records(bads[1]))
        assert bads[0].omitted == bads[1].omitted and not bads[0].counts
        return bads[0].omitted["a blank line"]

    assert blank("\nEins\n\n \nzwei\n\n\n") == 3  # the end of a file is no line of it
    assert blank('\n{"a": 1}\n\n{"a": 2}\n', "a.jsonl") == 0
    assert not list(InputStream(io.BytesIO(b"\n\n")).records(BadRows(skip=False)))


def test_what_was_looked_at_is_not_lost() -> None:
    records = iter([(f"line {number}", {"n": number}) for number in range(500)])
    first, rest = peeked(records, where="here")
    assert [one["n"] for one in first] == list(range(200))
    assert [len(chunk) for chunk in in_chunks(rest, 300)] == [300, 200]
