"""Which format a file that nobody described is in, by its name and its first records."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from adapterstilts.data.bad_rows import BadRows
from adapterstilts.data.formats.blocks import UTF8, known_encoding, text_blocks
from adapterstilts.data.formats.csv_records import Dialect, csv_fields
from adapterstilts.data.formats.dialects import DELIMITERS, guess_dialect
from adapterstilts.data.formats.encodings import GuessedEncoding, guess_encoding
from adapterstilts.data.formats.excel import sheet_names, sheet_rows
from adapterstilts.data.formats.files import json_object, read_lines
from adapterstilts.data.formats.registry import FORMATS
from adapterstilts.data.formats.tables import tsv_fields
from adapterstilts.errors import DataError, UsageError
from adapterstilts.parsed import from_json

_LOOKED_AT = 200
_LONGEST_NAME = 40
_SUFFIXES = {
    ".jsonl": "jsonl", ".ndjson": "jsonl", ".conllu": "conllu", ".conll": "conll", ".bio": "conll", ".iob": "conll",
    ".iob2": "conll", ".parquet": "parquet", ".pq": "parquet", ".arrow": "arrow", ".feather": "arrow", ".xlsx": "excel",
    ".xlsm": "excel", ".xls": "excel",
}  # fmt: skip
_PACKED = (".gz", ".bz2", ".xz", ".zst", ".zip")
_NO_TEXT = ("parquet", "arrow", "excel")
_TAGGED = frozenset(("tokens", "tags"))

_UTF8 = GuessedEncoding()

Fields = list[list[str]]


@dataclass(frozen=True)
class GuessedFormat:
    """A reader in `data.formats`, and its options.

    Attributes:
        encoding: In what a file of text is; also among the options where it is not UTF-8.
    """

    name: str
    options: dict[str, Any] = field(default_factory=dict)
    encoding: GuessedEncoding = _UTF8


def guess_format(
    path: Path,
    columns: Collection[str],
    *,
    name: str | None = None,
    encoding: str | None = None,
    delimiter: str | None = None,
    sheet: str | None = None,
) -> GuessedFormat:
    """The format of a file.

    Args:
        columns: The canonical columns that are wanted: a file of tags has the suffixes of other tables.
        name: The format, where it is known and only its options are to be guessed.
        encoding: Python's name of the encoding, where it is known.
        delimiter: What separates the fields of a table, where it is known.
        sheet: Which sheet of a workbook; by default the first.

    Raises:
        UsageError: Neither name nor content tells, or it is no workbook or has no such sheet.
        DataError: The file cannot be read.
    """
    suffix = _suffix(path)
    chosen = name or _SUFFIXES.get(suffix)
    if sheet is not None and chosen != "excel":
        raise UsageError(f"--sheet {sheet}: {path} is no Excel workbook.", remedy="Leave --sheet out.")
    if chosen in _NO_TEXT:
        return GuessedFormat(chosen, _excel_options(path, sheet) if chosen == "excel" else {})
    guessed = GuessedEncoding(known_encoding(encoding), "as you said") if encoding else guess_encoding(path)
    text = _Text(path, guessed.name, suffix, delimiter)
    chosen = chosen or text.format(columns)
    if chosen is None:
        raise UsageError(
            f"{path}: its name does not tell which format it has.",
            remedy=f"Say it with --format; there are: {', '.join(FORMATS.names())}.",
        )
    options = text.options(chosen)
    if guessed.name != UTF8:
        if "encoding" not in FORMATS.get(chosen).options:
            raise DataError(
                f"{path} is in {guessed.name} ({guessed.why}), and files of the format {chosen} are UTF-8.",
                remedy="Save it as UTF-8.",
            )
        options["encoding"] = guessed.name
    return GuessedFormat(chosen, options, guessed)


def holds_text(path: Path, *, name: str | None = None) -> bool:
    """Whether a file's format, which its name tells where it is not known, is one of text."""
    return (name or _SUFFIXES.get(_suffix(path))) not in _NO_TEXT


def _suffix(path: Path) -> str:
    """The last suffix that says something of the content."""
    name = path.name.lower()
    return Path(next((name.removesuffix(end) for end in _PACKED if name.endswith(end)), name)).suffix


@dataclass(frozen=True)
class _Text:
    """A file of text.

    Attributes:
        suffix: What its name ends with.
        delimiter: What separates its fields, where that is known.
    """

    path: Path
    encoding: str
    suffix: str
    delimiter: str | None

    def format(self, columns: Collection[str]) -> str | None:
        """Its format, if that can be told."""
        tables = (".csv", ".tsv", ".tab", ".txt")
        if set(columns) >= _TAGGED and self.suffix in tables[1:] and self._has_blocks():
            return "conll"
        if self.suffix == ".json":
            return self._of_json()
        if self.suffix == ".txt" and set(columns) == {"id", "text", "language"} and self.delimiter is None:
            return "text"
        if self.suffix not in tables:
            return None
        if self.suffix == ".csv" or self.delimiter not in (None, "\t"):
            return "csv"
        return "csv" if self._is_quoted() or self._lacks_tabs() else "tsv"

    def options(self, name: str) -> dict[str, Any]:
        """What the reader of a format has to be told."""
        known: dict[str, Callable[[], dict[str, Any]]] = {
            "csv": self._csv_options,
            "tsv": lambda: _column_options(tsv_fields(self.path, self.encoding)),
        }
        return known[name]() if name in known else {}

    def _lines(self, count: int) -> Iterator[str]:
        return (line for _, line in islice(read_lines(self.path, self.encoding), count))

    def _has_blocks(self) -> bool:
        """Whether there are blank lines between others."""
        return any(not line.strip() for line in self._lines(10 * _LOOKED_AT))

    def _of_json(self) -> str:
        """One object per line, a list of objects, or SQuAD's articles."""
        start = next(text_blocks(self.path, self.encoding), "").lstrip(" \t\r\n")
        if start.startswith("["):
            return "json"
        first = start.split("\n", maxsplit=2)[:2]
        try:
            if len(first) > 1 and all(json_object(line.rstrip("\r")) for line in first if line.strip()):
                return "jsonl"
        except ValueError:
            pass
        return "squad_json" if _has_articles(start) else "jsonl"

    def _is_quoted(self) -> bool:
        """Whether quotation marks around fields of a tab-separated file can be read as `csv.writer` sets them."""
        fields = [one for _, line in islice(tsv_fields(self.path, self.encoding), _LOOKED_AT) for one in line]
        if not any(one.startswith('"') for one in fields):
            return False
        bad = BadRows(skip=True)
        try:
            widths = {len(fields) for _, fields in csv_fields(self.path, Dialect("\t"), bad, encoding=self.encoding)}
        except DataError:
            return False
        return len(widths) == 1 and not bad.counts

    def _lacks_tabs(self) -> bool:
        """Whether something else separates the fields of a file whose name says that tabs do."""
        tabs = any("\t" in line for line in self._lines(_LOOKED_AT))
        return not tabs and guess_dialect(self.path, self.encoding) is not None

    def _csv_options(self) -> dict[str, Any]:
        # Of the last suffix it is known that it has tabs, if there are any.
        tabs = self.path.suffix.lower() in (".tsv", ".tab") and not self._lacks_tabs()
        delimiters = self.delimiter or ("\t" if tabs else DELIMITERS)
        found = guess_dialect(self.path, self.encoding, delimiters) or Dialect(
            self.delimiter or ("\t" if tabs else ",")
        )
        options: dict[str, Any] = {} if found.delimiter == "," else {"delimiter": found.delimiter}
        if found.quote != '"':
            options["quote"] = found.quote or "none"
        if found.escape:
            options["escape"] = "backslash"
        return options | _column_options(csv_fields(self.path, found, BadRows(skip=True), encoding=self.encoding))


def _has_articles(text: str) -> bool:
    """Whether a JSON object, of which this may be the beginning only, has SQuAD's list of articles."""
    try:
        found = from_json(text)
    except ValueError:
        return '"data"' in text and ('"paragraphs"' in text or '"version"' in text)
    return isinstance(found, dict) and "data" in found


def _excel_options(path: Path, sheet: str | None) -> dict[str, Any]:
    """The sheet that is named or the first, by its name where there are others."""
    names = sheet_names(path)
    options: dict[str, Any] = {"sheet": sheet or names[0]} if sheet or len(names) > 1 else {}
    rows = [[str(cell) for cell in cells] for _, cells in islice(sheet_rows(path, sheet), _LOOKED_AT)]
    if _is_header(rows):
        return options
    return {**options, "columns": _numbered(max(map(len, rows), default=0))}


def _column_options(records: Iterator[tuple[str, list[str]]]) -> dict[str, Any]:
    """Names for the columns of a file that does not begin with them."""
    rows = [fields for _, fields in islice(records, _LOOKED_AT)]
    return {} if _is_header(rows) else {"columns": _numbered(len(rows[0]) if rows else 0)}


def _numbered(count: int) -> list[str]:
    return [f"column_{number + 1}" for number in range(count)]


def _is_header(rows: Fields) -> bool:
    """Whether the first record names the columns: short names that are no values of their columns.

    Two can be the same, which is an error where they are read. Some have none, such as the index that pandas writes.
    """
    first, *others = rows or [[]]
    named = {at: name for at, name in enumerate(first) if name.strip()}
    below = {at: {fields[at] for fields in others if at < len(fields)} for at in named}
    return bool(named) and not any(
        len(name.strip()) > _LONGEST_NAME or _is_number(name) or name in below[at] for at, name in named.items()
    )


def _is_number(text: str) -> bool:
    """Whether it is a number, perhaps with a decimal comma."""
    try:
        float(text.replace(",", ".", 1))
    except ValueError:
        return False
    return True
