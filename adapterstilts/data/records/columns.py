"""Records of a table as canonical rows: other names of columns, other values, and what a column holds.

Where a recipe's source says `columns` or `values`, every value becomes what its canonical column holds: text, a number,
or a list of these, of which a text has one for each word.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from adapterstilts.data.formats.files import check_unicode
from adapterstilts.data.records.fields import Record, Row
from adapterstilts.errors import unknown
from adapterstilts.tasks.sources import RecordSource

# Columns that rows have anyway: from the data only where the source names them.
_GIVEN = ("id", "language")


class Columns:
    """From the records of one file to rows, as a recipe's `columns` and `values` say.

    Args:
        part: The source; without `columns` and `values`, every column has its canonical name.
        features: The kind's canonical columns, as `datasets.Features`.

    Raises:
        UsageError: The source names a canonical column that the kind does not have.
    """

    def __init__(self, part: RecordSource, features: Mapping[str, Any]) -> None:
        for name in (*part.columns, *part.values):
            if name not in features:
                raise unknown("canonical column", name, features)
        wanted = [name for name in features if name in part.columns or name not in _GIVEN]
        self._names = {name: part.columns.get(name, name) for name in wanted}
        self._values = part.values
        self._readers = {name: _reader(feature) for name, feature in features.items()}
        self._ids: set[str] = set()

    def __call__(self, record: Record, language: str) -> Row:
        """The row of a record; ValueError says what is wrong with it."""
        row = {name: self._column(name, theirs, record) for name, theirs in self._names.items()}
        texts = [value for name, value in row.items() if isinstance(value, str) and name not in (*_GIVEN, "label")]
        if texts and not any(text.strip() for text in texts):
            raise ValueError("its texts are empty")
        if "id" in row:
            if row["id"] in self._ids:
                raise ValueError(f"the id {row['id']!r} is used twice")
            self._ids.add(row["id"])
        return row

    def _column(self, name: str, theirs: str | tuple[str, ...], record: Record) -> Any:
        several = (theirs,) if isinstance(theirs, str) else theirs
        if absent := [one for one in several if one not in record]:
            raise ValueError(f"it has no column {absent[0]!r} for {name!r}; there are: {', '.join(map(str, record))}")
        found = record[theirs] if isinstance(theirs, str) else [record[one] for one in theirs]
        if name in self._values:
            found = _renamed(found, self._values[name])
        try:
            return self._readers[name](found)
        except ValueError as error:
            raise ValueError(f"{name!r} {error}") from None


def _renamed(value: Any, names: Mapping[str, Any]) -> Any:
    """What a value of the data stands for, or each one of a list."""
    if isinstance(value, list):
        return [_renamed(one, names) for one in value]
    text = value.strip() if isinstance(value, str) else str(value)
    if text not in names:
        raise ValueError(f"the value {value!r} is not one of those that 'values' names: {', '.join(names)}")
    return names[text]


def _reader(feature: Any) -> Callable[[Any], Any]:
    """The function that reads a value as a feature of `datasets` holds it."""
    if isinstance(feature, Mapping):
        inner = {name: _reader(one) for name, one in feature.items()}
        return lambda value: _fields(value, inner)
    if hasattr(feature, "feature"):
        each = _reader(feature.feature)
        return lambda value: [each(one) for one in _list(value)]
    return {"s": _text, "i": _whole, "u": _whole, "f": _number}[feature.dtype[0]]


def _fields(value: Any, readers: Mapping[str, Callable[[Any], Any]]) -> dict[str, Any]:
    if not isinstance(value, Mapping) or not readers.keys() <= value.keys():
        raise ValueError(f"is not an object with {', '.join(readers)} but {value!r}")
    return {name: read(value[name]) for name, read in readers.items()}


def _list(value: Any) -> Iterable[Any]:
    if isinstance(value, str):
        return value.split()
    if not isinstance(value, list | tuple):
        raise ValueError(f"is not a list but {value!r}")
    return value


def _text(value: Any) -> str:
    """Text, a number as text, or several with a space between them."""
    if isinstance(value, list):
        return " ".join(part for one in value if (part := _text(one)))
    if not isinstance(value, str | int | float):
        raise ValueError(f"is not text but {value!r}")
    text = str(value)
    check_unicode(text)
    return text


def _whole(value: Any) -> int:
    number = _number(value)
    if not number.is_integer():
        raise ValueError(f"is not a whole number but {value!r}")
    return int(number)


def _number(value: Any) -> float:
    try:
        number = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise ValueError(f"is not a number but {value!r}")
    return number
