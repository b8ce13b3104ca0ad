"""Which format a file that nobody described is in, by its name and its first records."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from adapterstilts.data.bad_rows import BadRows
from adapterstilts.data.formats.files import json_object, read_json, read_lines
from adapterstilts.data.formats.registry import FORMATS
from adapterstilts.data.formats.tables import csv_fields, tsv_fields
from adapterstilts.errors import DataError, UsageError

_LOOKED_AT = 200
_LONGEST_NAME = 40
_SUFFIXES = {
    ".jsonl": "jsonl", ".ndjson": "jsonl", ".conllu": "conllu", ".conll": "conll", ".bio": "conll", ".iob": "conll",
    ".iob2": "conll",
}  # fmt: skip
_TAGGED = frozenset(("tokens", "tags"))

Fields = list[list[str]]


@dataclass(frozen=True)
class GuessedFormat:
    """A reader in `data.formats`, and its options."""

    name: str
    options: dict[str, Any] = field(default_factory=dict)


def guess_format(path: Path, columns: Collection[str], *, name: str | None = None) -> GuessedFormat:
    """The format of a file.

    Args:
        columns: The canonical columns that are wanted: a file of tags has the suffixes of other tables.
        name: The format, where it is known and only its options are to be guessed.

    Raises:
        UsageError: Neither name nor content tells.
        DataError: The file cannot be read.
    """
    suffix = Path(path.name.lower().removesuffix(".gz")).suffix
    chosen = name or _SUFFIXES.get(suffix)
    if chosen is None and set(columns) >= _TAGGED and suffix in (".tsv", ".txt", ".tab") and _has_blocks(path):
        chosen = "conll"
    if chosen is None and suffix == ".json":
        chosen = _of_json(path)
    if chosen is None and suffix == ".txt" and set(columns) == {"id", "text", "language"}:
        chosen = "text"
    if chosen is None and suffix in (".csv", ".tsv", ".tab", ".txt"):
        chosen = "tsv" if suffix != ".csv" and not _is_quoted(path) else "csv"
    if chosen is None:
        raise UsageError(
            f"{path}: its name does not tell which format it has.",
            remedy=f"Say it with --format; there are: {', '.join(FORMATS.names())}.",
        )
    options = {"csv": _csv_options, "tsv": _tsv_options}.get(chosen)
    return GuessedFormat(chosen, options(path) if options else {})


def _has_blocks(path: Path) -> bool:
    """Whether there are blank lines between others."""
    return any(not line.strip() for _, line in islice(read_lines(path), 10 * _LOOKED_AT))


def _of_json(path: Path) -> str:
    """One object per line, a list of objects, or SQuAD's articles."""
    first = [line for _, line in islice(read_lines(path), 2)]
    try:
        if len(first) > 1 and all(json_object(line) for line in first):
            return "jsonl"
    except ValueError:
        pass
    found = read_json(path)
    if isinstance(found, list):
        return "json"
    return "squad_json" if isinstance(found, dict) and "data" in found else "jsonl"


def _is_quoted(path: Path) -> bool:
    """Whether quotation marks around fields of a tab-separated file can be read as `csv.writer` sets them."""
    fields = [one for _, line in islice(tsv_fields(path), _LOOKED_AT) for one in line]
    if not any(one.startswith('"') for one in fields):
        return False
    bad = BadRows(skip=True)
    try:
        widths = {len(fields) for _, fields in csv_fields(path, "\t", bad)}
    except DataError:
        return False
    return len(widths) == 1 and not bad.counts


def _csv_options(path: Path) -> dict[str, Any]:
    _, first = next(read_lines(path))
    # Of the last suffix it is known that it has tabs.
    delimiters = "\t" if path.suffix.lower() in (".tsv", ".tab") else ",;\t"
    delimiter = max(delimiters, key=first.count)
    options: dict[str, Any] = {} if delimiter == "," else {"delimiter": delimiter}
    return options | _column_options(csv_fields(path, delimiter, BadRows(skip=True)))


def _tsv_options(path: Path) -> dict[str, Any]:
    return _column_options(tsv_fields(path))


def _column_options(records: Iterator[tuple[str, list[str]]]) -> dict[str, Any]:
    """Names for the columns of a file that does not begin with them."""
    first, *others = [fields for _, fields in islice(records, _LOOKED_AT)] or [[]]
    return {} if _is_header(first, others) else {"columns": [f"column_{number + 1}" for number in range(len(first))]}


def _is_header(first: list[str], others: Fields) -> bool:
    """Whether the first record names the columns: short names, all different, that are no values of their columns."""
    names = [name.strip() for name in first]
    if not all(names) or len(set(names)) < len(names) or any(len(name) > _LONGEST_NAME for name in names):
        return False
    below = [{fields[at] for fields in others if at < len(fields)} for at in range(len(first))]
    return not any(_is_number(name) or name in values for name, values in zip(first, below, strict=True))


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
