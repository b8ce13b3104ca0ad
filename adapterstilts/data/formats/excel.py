"""Excel's workbooks, of which one sheet is a table."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import zip_longest
from pathlib import Path
from typing import Any

from adapterstilts.data.bad_rows import BadRows
from adapterstilts.data.formats.packed import check_file, empty, unreadable
from adapterstilts.data.formats.registry import Records, register
from adapterstilts.data.formats.tables import header
from adapterstilts.errors import DataError, UsageError, unknown

_OLD = b"\xd0\xcf\x11\xe0"
_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, KeyError, ValueError, SyntaxError)
_SAVE = "Save it as .xlsx, or as .csv."


@register("excel", "Excel workbook")
def read_excel(
    paths: tuple[Path, ...],
    language: str,
    bad: BadRows,
    *,
    sheet: str | None = None,
    columns: Sequence[str] | None = None,
) -> Records:
    """A sheet of a workbook (`.xlsx`): values, and where there are formulas what Excel last found for them.

    Empty cells are empty text, dates and times text in the form of ISO 8601. Empty rows are left out, and so are
    columns without a name where the header row names others, such as the index that pandas writes.

    Args:
        sheet: Its name; by default, the first one.
        columns: Names of the columns of a sheet without header row; by default the first row names them.

    Raises:
        DataError: The file is not such a workbook.
        UsageError: There is no such sheet, or openpyxl is not installed.
    """
    path = paths[0]
    for number, cells in sheet_rows(path, sheet):
        where = f"row {number}"
        if columns is None:
            columns = header(cells, path, where)
            continue
        if len(cells) > len(columns):
            named = ", ".join(name for name in columns if name)
            bad.report(path, where, f"it has {len(cells)} columns instead of {len(columns)} ({named})")
            continue
        yield where, {name: cell for name, cell in zip_longest(columns, cells, fillvalue="") if name}


def sheet_rows(path: Path, sheet: str | None = None) -> Iterator[tuple[int, list[Any]]]:
    """(number as Excel shows it, cells up to the last that is not empty) of each row that is not empty."""
    with _workbook(path) as book:
        found = book[_named(path, book.sheetnames, sheet)]
        # Other programs write sizes that are not those of the sheet.
        found.reset_dimensions()
        for number, row in enumerate(found.iter_rows(values_only=True), start=1):
            cells = [_plain(value) for value in row]
            while cells and cells[-1] == "":
                cells.pop()
            if cells:
                yield number, cells


def sheet_names(path: Path) -> list[str]:
    """The names of a workbook's sheets of cells, in order."""
    with _workbook(path) as book:
        return [one.title for one in book.worksheets]


@contextmanager
def _workbook(path: Path) -> Iterator[Any]:
    """An open workbook, of which rows are read as they are asked for."""
    check_file(path)
    try:
        with path.open("rb") as file:
            start = file.read(len(_OLD))
            if not start:
                raise empty(path)
            if start == _OLD:
                raise DataError(f"{path} is an Excel file of before 2007 (.xls), or has a password.", remedy=_SAVE)
            file.seek(0)
            # openpyxl looks at the name of a path, which says nothing.
            book = _load(path)(file, read_only=True, data_only=True)
            try:
                yield book
            finally:
                book.close()
    except _DAMAGED as error:
        raise DataError(f"{path} is not an Excel workbook, or damaged ({error}).", remedy=_SAVE) from None
    except OSError as error:
        raise unreadable(path, error) from None


def _load(path: Path) -> Any:
    try:
        from openpyxl import load_workbook
    except ImportError:
        raise UsageError(
            f"{path} is an Excel file, and openpyxl, which reads them, is not installed.",
            remedy="Run `pip install 'adapterstilts[excel]'`, or save it as .csv.",
        ) from None
    return load_workbook


def _named(path: Path, names: Sequence[str], sheet: str | None) -> str:
    if not names:
        raise DataError(f"{path} has no sheet.", remedy="Check that it is the right file.")
    if sheet is not None and sheet not in names:
        raise unknown(f"sheet of {path}", sheet, names)
    return names[0] if sheet is None else sheet


def _plain(value: Any) -> Any:
    """A cell's value as text or number."""
    if value is None:
        return ""
    return value.isoformat() if hasattr(value, "isoformat") else value
