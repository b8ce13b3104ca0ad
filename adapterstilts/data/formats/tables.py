"""Tables: JSON lines, a JSON list, tab-separated values, and comma-separated values with quotes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from pathlib import Path

from adapterstilts.data.bad_rows import BadRows
from adapterstilts.data.formats.files import check_unicode, json_object, read_blocks, read_json, read_lines
from adapterstilts.data.formats.registry import Records, register
from adapterstilts.errors import DataError
from adapterstilts.parsed import as_list, as_object

# Bytes of a comma-separated file that are read at a time.
_BLOCK = 1 << 20
_QUOTED = re.compile(r'"[^"]*(?:""[^"]*)*"')
_TO_THE_LINE_END = re.compile(r"[^\n]*(?:\n|\Z)")


@register("jsonl", "JSON lines", "labels, one per line", required=1)
def read_jsonl(paths: tuple[Path, ...], language: str, bad: BadRows, *, label: str = "label") -> Records:
    """One JSON object per line; blank lines are ignored.

    Some releases have their labels in a second file (`train-labels.lst`), one for each object.

    Args:
        label: The key under which a label of the second file is added to its object.
    """
    labels = [line.strip() for _, line in read_lines(paths[1])] if len(paths) > 1 else None
    count = 0
    for number, line in read_lines(paths[0]):
        if not line.strip():
            continue
        count += 1
        try:
            record = json_object(line)
            if labels is not None and count <= len(labels):
                check_unicode(labels[count - 1])
                record[label] = labels[count - 1]
        except ValueError as error:
            bad.report(paths[0], f"line {number}", str(error))
            continue
        yield f"line {number}", record
    if labels is not None and count != len(labels):
        raise DataError(
            f"{paths[0]} has {count} records, and {paths[1]} has {len(labels)} labels.",
            remedy="Download both again: they do not belong together.",
        )


@register("json", "JSON list")
def read_json_list(paths: tuple[Path, ...], language: str, bad: BadRows) -> Records:
    """One JSON list of objects.

    Raises:
        DataError: The file is not a JSON list.
    """
    try:
        found = as_list(read_json(paths[0]), f"{paths[0]} is not a JSON list.")
    except ValueError as error:
        raise DataError(str(error), remedy="Name its format, or write one object per line.") from None
    for number, value in enumerate(found):
        try:
            record = as_object(value, "it is not a JSON object")
            check_unicode(json.dumps(record, ensure_ascii=False))
        except ValueError as error:
            bad.report(paths[0], f"object {number}", str(error))
            continue
        yield f"object {number}", record


@register("tsv", "tab-separated file")
def read_tsv(paths: tuple[Path, ...], language: str, bad: BadRows, *, columns: Sequence[str] | None = None) -> Records:
    """Tab-separated values, in which quotation marks are part of the text, as in GLUE's QQP and most releases.

    Where Python's `csv.writer` wrote the file, as XTREME's download does for XNLI and PAWS-X, fields with such marks
    have further ones around them and theirs doubled, which is undone; see `is_written_by_csv`.

    Args:
        columns: Names of the columns of a file without header row; by default the first line names them. Where each
            line has one column less, records lack the last: XTREME's download takes the label out of its test files.
    """
    lines = csv_fields(paths[0], "\t", bad) if is_written_by_csv(paths[0]) else tsv_fields(paths[0])
    return _records(lines, paths[0], bad, columns)


@register("csv", "comma-separated file")
def read_csv(
    paths: tuple[Path, ...],
    language: str,
    bad: BadRows,
    *,
    columns: Sequence[str] | None = None,
    delimiter: str = ",",
) -> Records:
    """RFC 4180: a field that begins with a quotation mark ends with one, and those inside it are doubled.

    With a tab as delimiter it is what Python's `csv.writer` makes, and thus XTREME's XNLI and PAWS-X files. A quotation
    mark inside a field that does not begin with one is text.

    Args:
        columns: Names of the columns of a file without header row; by default the first record names them. Where
            each record has one column less, the last is missing from all, as in `tsv`.
        delimiter: What separates the fields.

    Raises:
        DataError: A quoted field is never closed, so that the rest of the file is one field.
    """
    return _records(csv_fields(paths[0], delimiter, bad), paths[0], bad, columns)


def _records(
    lines: Iterator[tuple[str, list[str]]], path: Path, bad: BadRows, columns: Sequence[str] | None
) -> Records:
    """Fields with their columns' names; the first line names the columns if `columns` does not."""
    if columns is not None:
        columns, lines = _columns_there(lines, columns)
    for where, fields in lines:
        if columns is None:
            columns = _header(fields, path, where)
            continue
        try:
            if len(fields) != len(columns):
                raise ValueError(f"it has {len(fields)} columns instead of {len(columns)} ({', '.join(columns)})")
            check_unicode(*fields)
        except ValueError as error:
            bad.report(path, where, str(error))
            continue
        yield where, dict(zip(columns, fields, strict=True))


def _columns_there(
    lines: Iterator[tuple[str, list[str]]], columns: Sequence[str]
) -> tuple[Sequence[str], Iterator[tuple[str, list[str]]]]:
    """The columns without the last one if no line has that many but some have one less; and all lines."""
    seen = []
    for line in lines:
        seen.append(line)
        if len(line[1]) == len(columns):
            return columns, chain(seen, lines)
    hidden = any(len(fields) == len(columns) - 1 for _, fields in seen)
    return columns[:-1] if hidden else columns, iter(seen)


def _header(fields: list[str], path: Path, where: str) -> list[str]:
    names = [field.strip() for field in fields]
    if not all(names) or len(set(names)) < len(names):
        raise DataError(
            f"{path}: {where}: the header row names its columns {names}: each needs a name of its own.",
            remedy="Check that the file is the right one.",
        )
    return names


def tsv_fields(path: Path) -> Iterator[tuple[str, list[str]]]:
    """(where, fields) of each line."""
    return ((f"line {number}", line.split("\t")) for number, line in read_lines(path))


def is_written_by_csv(path: Path) -> bool:
    """Whether the fields of a tab-separated file have quotation marks as `csv.writer` sets them, for the most part.

    It puts a field that has such a mark between two further ones, and doubles those inside. A mark in any other field
    is one that it would not have written: then they are the text's own, in all of the file.
    """
    fields = [field for _, line in read_lines(path) if '"' in line for field in line.split("\t") if '"' in field]
    written = sum('""' in field[1:-1] and _QUOTED.fullmatch(field) is not None for field in fields)
    return 2 * written > len(fields)


def csv_fields(path: Path, delimiter: str, bad: BadRows) -> Iterator[tuple[str, list[str]]]:
    """(where, fields) of each record, with quotation marks undone."""
    separator = re.escape(delimiter)
    field = re.compile(rf'(?:"([^"]*(?:""[^"]*)*)"|((?!")[^{separator}\r\n]*))({separator}|\r?\n|\r?\Z)')
    blocks = read_blocks(path, _BLOCK)
    text, at, line = next(blocks), 0, 1
    while at <= len(text):
        begin, fields, end = at, [], delimiter
        while end == delimiter:
            found = field.match(text, at)
            if found is None:
                break
            quoted, plain, end = found.groups()
            fields.append(plain if quoted is None else quoted.replace('""', '"'))
            at = found.end()
        # What ends with the text that is there may go on behind it.
        if (found is None or at >= len(text)) and (more := "".join(islice(blocks, len(text) // _BLOCK + 1))):
            text, at = text[begin:] + more, 0
            continue
        where = f"line {line}"
        if found is None:
            bad.report(path, where, _what_is_wrong(text, at, path, where))
            rest = _TO_THE_LINE_END.match(text, at)
            at = rest.end() if rest else len(text)
        else:
            yield where, fields
        if at >= len(text):
            return
        line += text.count("\n", begin, at)


def _what_is_wrong(text: str, at: int, path: Path, where: str) -> str:
    """Why no field can be read at this offset."""
    if text[at] != '"':
        return "a carriage return stands in a field without quotation marks"
    if _QUOTED.match(text, at):
        return "text follows the quotation mark that closes a field"
    raise DataError(
        f"{path}: {where}: a quoted field of the record that begins here is never closed.",
        remedy="The file may be cut off: download it again.",
    )
