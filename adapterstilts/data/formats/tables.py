"""Tables: JSON lines, a JSON list, tab-separated values, and comma-separated values with quotes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, TypeAlias

from adapterstilts.data.bad_rows import BadRows
from adapterstilts.data.formats.blocks import UTF8
from adapterstilts.data.formats.csv_records import Dialect, csv_fields
from adapterstilts.data.formats.files import check_unicode, json_object, read_lines
from adapterstilts.data.formats.json_lists import json_list
from adapterstilts.data.formats.registry import Records, register
from adapterstilts.errors import DataError
from adapterstilts.parsed import as_object, shortened

_QUOTED = re.compile(r'"[^"]*(?:""[^"]*)*"')

Line: TypeAlias = tuple[str, list[str]]
"""(where, fields) of a record."""


@register("jsonl", "JSON lines", "labels, one per line", required=1)
def read_jsonl(
    paths: tuple[Path, ...], language: str, bad: BadRows, *, label: str = "label", encoding: str = UTF8
) -> Records:
    """One JSON object per line; blank lines are ignored.

    Some releases have their labels in a second file (`train-labels.lst`), one for each object.

    Args:
        label: The key under which a label of the second file is added to its object.
        encoding: Python's name of the files' encoding.
    """
    labels = (line.strip() for _, line in read_lines(paths[1], encoding)) if len(paths) > 1 else iter(())
    records = labelled = 0
    for number, line in read_lines(paths[0], encoding):
        if not line.strip():
            continue
        records += 1
        found = next(labels, None)
        labelled += found is not None
        try:
            record = json_object(line, encoding)
            if found is not None:
                check_unicode(found, encoding=encoding)
                record[label] = found
        except ValueError as error:
            bad.report(paths[0], f"line {number}", str(error))
            continue
        yield f"line {number}", record
    labelled += sum(1 for _ in labels)
    if len(paths) > 1 and records != labelled:
        raise DataError(
            f"{paths[0]} has {records} records, and {paths[1]} has {labelled} labels.",
            remedy="Download both again: they do not belong together.",
        )


@register("json", "JSON list")
def read_json_list(paths: tuple[Path, ...], language: str, bad: BadRows, *, encoding: str = UTF8) -> Records:
    """One JSON list of objects.

    Args:
        encoding: Python's name of the file's encoding.

    Raises:
        DataError: The file is not a JSON list.
    """
    for number, value in enumerate(json_list(paths[0], encoding)):
        try:
            record = as_object(value, "it is not a JSON object")
            check_unicode(json.dumps(record, ensure_ascii=False), encoding=encoding)
        except ValueError as error:
            bad.report(paths[0], f"object {number}", str(error))
            continue
        yield f"object {number}", record


@register("tsv", "tab-separated file")
def read_tsv(
    paths: tuple[Path, ...],
    language: str,
    bad: BadRows,
    *,
    columns: Sequence[str] | None = None,
    encoding: str = UTF8,
) -> Records:
    """Tab-separated values, in which quotation marks are part of the text, as in GLUE's QQP and most releases.

    Where Python's `csv.writer` wrote the file, as XTREME's download does for XNLI and PAWS-X, fields with such marks
    have further ones around them and theirs doubled, which is undone; see `is_written_by_csv`.

    Args:
        columns: Names of the columns of a file without header row; by default the first line names them. Where each
            line has one column less, records lack the last: XTREME's download takes the label out of its test files.
        encoding: Python's name of the file's encoding.
    """
    path = paths[0]
    written = is_written_by_csv(path, encoding)

    def lines(bad: BadRows) -> Iterator[Line]:
        return csv_fields(path, Dialect("\t"), bad, encoding=encoding) if written else tsv_fields(path, encoding)

    return table_records(lines, path, bad, columns, encoding=encoding)


@register("csv", "comma-separated file")
def read_csv(
    paths: tuple[Path, ...],
    language: str,
    bad: BadRows,
    *,
    columns: Sequence[str] | None = None,
    delimiter: str = ",",
    quote: Literal['"', "'", "none"] = '"',
    escape: Literal["doubled", "backslash"] = "doubled",
    encoding: str = UTF8,
) -> Records:
    """RFC 4180: a field that begins with a quotation mark ends with one, and those inside it are doubled.

    With a tab as delimiter it is what Python's `csv.writer` makes, and thus XTREME's XNLI and PAWS-X files. A quotation
    mark inside a field that does not begin with one is text.

    Args:
        columns: Names of the columns of a file without header row; by default the first record names them. Where
            each record has one column less, the last is missing from all, as in `tsv`.
        delimiter: What separates the fields.
        quote: The quotation mark; with `none`, all of them are text.
        escape: What becomes of quotation marks inside a field with others around it: with `backslash`, it may also
            stand before them, as in exports of data bases.
        encoding: Python's name of the file's encoding.

    Raises:
        DataError: A quoted field is never closed, so that the rest of the file is one field.
    """
    path = paths[0]
    dialect = Dialect(delimiter, "" if quote == "none" else quote, "\\" if escape == "backslash" else "")
    return table_records(
        lambda bad: csv_fields(path, dialect, bad, encoding=encoding), path, bad, columns, encoding=encoding
    )


def table_records(
    lines: Callable[[BadRows], Iterator[Line]],
    path: Path,
    bad: BadRows,
    columns: Sequence[str] | None,
    *,
    encoding: str = UTF8,
) -> Records:
    """Fields with their columns' names; the first line names the columns if `columns` does not.

    Columns without a name are left out.

    Args:
        lines: Reads the lines, and reports bad ones; it is called twice where the last column may be missing.
    """
    if columns is not None:
        columns = _columns_there(lines(BadRows(skip=True)), columns)
    for where, fields in lines(bad):
        if columns is None:
            columns = header(fields, path, where)
            continue
        try:
            if len(fields) != len(columns):
                raise ValueError(
                    f"it has {len(fields)} columns instead of {len(columns)} ({', '.join(filter(None, columns))})"
                )
            check_unicode(*fields, encoding=encoding)
        except ValueError as error:
            bad.report(path, where, str(error))
            continue
        yield where, {name: field for name, field in zip(columns, fields, strict=True) if name}


def _columns_there(lines: Iterator[Line], columns: Sequence[str]) -> Sequence[str]:
    """The columns without the last one if no line has that many but some have one less."""
    hidden = False
    try:
        for _, fields in lines:
            if len(fields) == len(columns):
                return columns
            hidden = hidden or len(fields) == len(columns) - 1
    except DataError:
        return columns  # it is raised again where the records are read
    return columns[:-1] if hidden else columns


def header(cells: Sequence[Any], path: Path, where: str) -> list[str]:
    """The columns that a header row names; those without a name, such as the index that pandas writes, are not read.

    Raises:
        DataError: It names none, or two alike.
    """
    names = [str(cell).strip() for cell in cells]
    twice = next((name for name in names if name and names.count(name) > 1), None)
    if twice is not None or not any(names):
        problem = "no column" if twice is None else f"two columns {shortened(twice)}"
        raise DataError(
            f"{path}: {where}: the header row names {problem}.",
            remedy="Give each column a name of its own in the file, or name them in a recipe (option 'columns').",
        )
    return names


def tsv_fields(path: Path, encoding: str = UTF8) -> Iterator[Line]:
    """(where, fields) of each line."""
    return ((f"line {number}", line.split("\t")) for number, line in read_lines(path, encoding))


def is_written_by_csv(path: Path, encoding: str = UTF8) -> bool:
    """Whether the fields of a tab-separated file have quotation marks as `csv.writer` sets them, for the most part.

    It puts a field that has such a mark between two further ones, and doubles those inside. A mark in any other field
    is one that it would not have written: then they are the text's own, in all of the file.
    """
    lines = (line for _, line in read_lines(path, encoding) if '"' in line)
    marked = written = 0
    for field in (one for line in lines for one in line.split("\t") if '"' in one):
        marked += 1
        written += '""' in field[1:-1] and _QUOTED.fullmatch(field) is not None
    return 2 * written > marked
