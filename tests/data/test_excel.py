"""Excel's workbooks; what needs openpyxl is left out where it is not installed."""

from __future__ import annotations

import datetime
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from adapterstilts.data.bad_rows import BadRows
from adapterstilts.data.formats import FORMATS
from adapterstilts.data.formats.guessing import guess_format
from adapterstilts.errors import DataError, UsageError

PAIR = ["id", "text_a", "text_b", "label", "language"]


@pytest.fixture
def openpyxl() -> Any:
    return pytest.importorskip("openpyxl")


def write(path: Path, openpyxl: Any, **sheets: list[list[Any]]) -> Path:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path


def read(path: Path, bad: BadRows | None = None, **options: Any) -> list[tuple[str, dict[str, Any]]]:
    return list(FORMATS.get("excel")((path,), "en", bad or BadRows(skip=False), **options))


def test_cells_are_text_and_numbers(tmp_path: Path, openpyxl: Any) -> None:
    rows = [["text", "label", "when", "share"], ["Grüße", 1, datetime.date(2020, 2, 29), 0.5], [], ["x", None, None, 2]]
    found = read(write(tmp_path / "x.xlsx", openpyxl, Data=rows))
    assert found == [
        ("row 2", {"text": "Grüße", "label": 1, "when": "2020-02-29T00:00:00", "share": 0.5}),
        ("row 4", {"text": "x", "label": "", "when": "", "share": 2}),
    ]


def test_what_pandas_writes_is_read_without_its_index(tmp_path: Path, openpyxl: Any) -> None:
    pd.DataFrame({"text": ["a", "b"], "label": [1, 2]}).to_excel(tmp_path / "x.xlsx")
    found = guess_format(tmp_path / "x.xlsx", PAIR)
    assert (found.name, found.options) == ("excel", {})
    assert [record for _, record in read(tmp_path / "x.xlsx")] == [{"text": "a", "label": 1}, {"text": "b", "label": 2}]


def test_a_sheet_can_be_named(tmp_path: Path, openpyxl: Any) -> None:
    path = write(tmp_path / "x.xlsx", openpyxl, One=[["a"], [1]], Two=[["b"], [2]])
    assert read(path) == [("row 2", {"a": 1})] and read(path, sheet="Two") == [("row 2", {"b": 2})]
    assert guess_format(path, PAIR).options == {"sheet": "One"}
    with pytest.raises(UsageError, match=r"Unknown sheet of .*x.xlsx 'Twoo'. Did you mean 'Two'"):
        read(path, sheet="Twoo")


def test_columns_can_be_named(tmp_path: Path, openpyxl: Any) -> None:
    path = write(tmp_path / "x.xlsx", openpyxl, Data=[["a text", 1], ["another", 2, "more"], ["third", 0]])
    assert guess_format(path, PAIR).options == {"columns": ["column_1", "column_2", "column_3"]}
    with pytest.raises(DataError, match=r"x.xlsx: row 2: it has 3 columns instead of 2 \(text, label\)"):
        read(path, columns=["text", "label"])
    bad = BadRows(skip=True)
    assert len(read(path, bad, columns=["text", "label"])) == 2 and bad.counts.total() == 1


def test_two_columns_of_one_name_are_refused(tmp_path: Path, openpyxl: Any) -> None:
    path = write(tmp_path / "x.xlsx", openpyxl, Data=[["a", "a"], [1, 2]])
    with pytest.raises(DataError, match=r"x.xlsx: row 1: the header row names two columns 'a'"):
        read(path)


def test_damaged_workbooks(tmp_path: Path, openpyxl: Any) -> None:
    path = write(tmp_path / "x.xlsx", openpyxl, Data=[["a"], [1]])
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(DataError, match=r"x.xlsx is not an Excel workbook, or damaged \(.*Save it as .xlsx"):
        read(path)


@pytest.mark.parametrize(("content", "message"), [(b"", "is empty"), (b"\xd0\xcf\x11\xe0..", r"\(.xls\).* as .xlsx")])
def test_what_is_no_workbook(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "x.xls").write_bytes(content)
    for reads in (lambda: read(tmp_path / "x.xls"), lambda: guess_format(tmp_path / "x.xls", PAIR)):
        with pytest.raises(DataError, match=f"x.xls .*{message}"):
            reads()


def test_without_openpyxl_the_error_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    (tmp_path / "x.xlsx").write_bytes(b"PK\x03\x04")
    with pytest.raises(UsageError, match=r"openpyxl.* is not installed\. Run `pip install 'adapterstilts\[excel\]'`"):
        read(tmp_path / "x.xlsx")
