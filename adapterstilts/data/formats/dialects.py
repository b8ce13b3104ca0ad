"""What separates the fields of a table that nobody described, and what its quotation marks are."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from adapterstilts.data.bad_rows import BadRows
from adapterstilts.data.formats.blocks import UTF8
from adapterstilts.data.formats.csv_records import Dialect, csv_fields
from adapterstilts.data.formats.files import read_lines
from adapterstilts.errors import DataError

DELIMITERS = ",;\t|"
_LOOKED_AT = 100
# Quotation mark and escape; of those that suit equally well, the first.
_STYLES = (('"', ""), ('"', "\\"), ("'", ""), ("", ""))
_MOST = 0.9


@dataclass(frozen=True)
class _Fit:
    """How well a dialect suits the first records.

    Attributes:
        share: Part of the records that have as many fields as most of them.
        width: How many that are.
        inside: Part of the delimiters that look like a part of texts or numbers: `red, blue`, `1,5`.
    """

    dialect: Dialect
    share: float
    width: int
    inside: float

    @property
    def rank(self) -> tuple[float, ...]:
        """Greater for what suits better."""
        style = _STYLES.index((self.dialect.quote, self.dialect.escape))
        return round(self.share, 2), -round(self.inside, 1), -style, self.width


def guess_dialect(path: Path, encoding: str = UTF8, delimiters: str = DELIMITERS) -> Dialect | None:
    """The dialect in which the first records have equally many fields, more than one; None if there is none.

    Args:
        delimiters: Those that may be.
    """
    lines = [line for _, line in islice(read_lines(path, encoding), _LOOKED_AT)]
    fits = [_fit(path, encoding, Dialect(mark, *style), lines) for mark in delimiters for style in _STYLES]
    best = max((one for one in fits if one), key=lambda fit: fit.rank, default=None)
    if best is None or best.share < (_MOST if len(lines) > 1 else 1):
        return None
    whole = Dialect(best.dialect.delimiter)
    return whole if not best.dialect.quote and _is_one_column(path, encoding, whole) else best.dialect


def _is_one_column(path: Path, encoding: str, dialect: Dialect) -> bool:
    """Whether all delimiters stand within quotation marks: texts with commas in a table of one column."""
    bad = BadRows(skip=True)
    try:
        records = [found for _, found in islice(csv_fields(path, dialect, bad, encoding=encoding), _LOOKED_AT)]
    except DataError:
        return False
    return not bad.counts and all(len(fields) == 1 for fields in records)


def _fit(path: Path, encoding: str, dialect: Dialect, lines: list[str]) -> _Fit | None:
    bad = BadRows(skip=True)
    try:
        records = [found for _, found in islice(csv_fields(path, dialect, bad, encoding=encoding), _LOOKED_AT)]
    except DataError:
        return None
    widths = Counter(map(len, records))
    ((width, count),) = widths.most_common(1) or [(0, 0)]
    if width < 2 or (dialect.quote == "'" and not _uses(dialect, lines)):
        return None
    # Marks around all texts are the dialect's, although they could be the texts' own.
    gain = dialect.quote == "'"
    return _Fit(dialect, count / (len(records) + bad.counts.total()) + gain, width, _inside(dialect.delimiter, lines))


def _uses(dialect: Dialect, lines: list[str]) -> bool:
    """Whether most records have fields in single quotation marks, and none has a field with the first mark alone."""
    mark, end = dialect.quote, re.escape(dialect.delimiter)
    opened = re.compile(f"(?:^|{end}){mark}")
    closed = re.compile(f"(?:^|{end}){mark}(?:[^{mark}]|{mark}{mark})*{mark}(?={end}|$)")
    found = [line for line in lines if opened.search(line)]
    whole = all(len(opened.findall(line)) <= len(closed.findall(line)) for line in found)
    return 2 * len(found) > len(lines) - 1 and len(lines) > 1 and whole


def _inside(delimiter: str, lines: list[str]) -> float:
    mark = re.escape(delimiter)
    count = sum(line.count(delimiter) for line in lines)
    found = sum(len(re.findall(rf"{mark}(?= )|(?<=\d){mark}(?=\d)", line)) for line in lines)
    return found / count if count else 0.0
