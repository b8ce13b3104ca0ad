"""A user's own file, or standard input, as records: one after the other, however many there are."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any, BinaryIO

from adapterstilts.data.bad_rows import BadRows
from adapterstilts.data.formats import FORMATS, Records, check_unicode
from adapterstilts.data.formats.files import json_object, lines_of
from adapterstilts.data.formats.guessing import GuessedFormat, guess_format, holds_text
from adapterstilts.data.formats.marks import LOOKED_AT, marked_encoding, refuse_other_text, wide_encoding
from adapterstilts.data.formats.packed import opened
from adapterstilts.data.formats.text import BLANK_LINE
from adapterstilts.errors import DataError, UsageError

STANDARD_INPUT = "-"
_LOOKED_AT = 200


@dataclass(frozen=True)
class InputFile:
    """A file of records.

    Attributes:
        format: How it is read.
    """

    path: Path
    format: GuessedFormat

    @classmethod
    def of(cls, path: Path, columns: Collection[str], *, format: str | None = None) -> InputFile:
        """Looks at a file.

        Args:
            columns: The canonical columns that are wanted, which help to tell its format.
            format: The name of its format, where that is told.

        Raises:
            UsageError: There is no such file or format, or nothing tells the format.
            DataError: It is something else than a table or text.
        """
        if not path.is_file():
            raise UsageError(f"--input {path} is not a file.", remedy="Give a file, or - for standard input.")
        if format is not None and FORMATS.get(format).required != 1:
            raise UsageError(
                f"--format {format} reads {' + '.join(FORMATS.get(format).files)}, and there is one file.",
                remedy="Give a format of one file, such as csv, tsv, jsonl, json or text.",
            )
        if holds_text(path, name=format):
            _check_beginning(path)
        if format is None and path.suffix.lower() == ".txt":
            format = "text"
        return cls(path, guess_format(path, columns, name=format))

    def records(self, bad: BadRows) -> Records:
        """(place, record) of every record.

        Raises:
            DataError: One is malformed, and bad ones are not skipped.
        """
        return FORMATS.get(self.format.name)((self.path,), "", bad, **self.format.options)

    @property
    def where(self) -> str:
        """What it is called in errors."""
        return str(self.path)


@dataclass(frozen=True)
class InputStream:
    """Standard input: a text a line, or JSON lines where the first line is an object.

    Attributes:
        format: `text` or `jsonl`, where that is told.
    """

    stream: BinaryIO
    format: str | None = None
    where: str = "standard input"

    def records(self, bad: BadRows) -> Records:
        """(place, record) of every line that is not blank; of texts, the blank ones are counted. It can be read once.

        Raises:
            DataError: One is malformed and bad ones are not skipped, or the format is none of the two.
            UsageError: Only files have such a format.
        """
        if self.format not in (None, "text", "jsonl"):
            raise UsageError(
                f"--format {self.format} cannot be read from standard input.",
                remedy="Give text (a line each) or jsonl, or a file with --input.",
            )
        lines = ((number, line.strip()) for number, line in lines_of(self.stream))
        first = []
        for one in lines:
            first.append(one)
            if one[1]:
                break
        as_json = self.format == "jsonl" or (self.format is None and any(_is_object(line) for _, line in first))
        for number, line in chain(first, lines):
            if not line:
                # A record stands for itself; of texts, the answers are counted off against the lines.
                if not as_json:
                    bad.omit(BLANK_LINE)
                continue
            try:
                check_unicode(line)
                record = json_object(line) if as_json else {"text": line}
            except ValueError as error:
                bad.report(self.where, f"line {number}", str(error))
                continue
            yield f"line {number}", record


Input = InputFile | InputStream


def peeked(records: Records, *, where: str) -> tuple[list[dict[str, Any]], Records]:
    """The first records, and all of them.

    Raises:
        DataError: There are none.
    """
    first = list(islice(records, _LOOKED_AT))
    if not first:
        raise DataError(f"{where} has no records.", remedy="Give one text, or one row, at least.")
    return [record for _, record in first], chain(first, records)


def in_chunks(records: Iterable[Any], size: int) -> Iterator[list[Any]]:
    """Lists of at most `size`."""
    found = iter(records)
    while chunk := list(islice(found, size)):
        yield chunk


def _is_object(line: str) -> bool:
    try:
        return bool(json_object(line))
    except ValueError:
        return False


def _check_beginning(path: Path) -> None:
    """Refuses what is often saved in the place of a table."""
    with opened(path) as file:
        start = file.read(LOOKED_AT)
    if marked_encoding(start) is None and wide_encoding(start) is None:
        refuse_other_text(path, start)
