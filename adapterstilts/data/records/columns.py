"""Records of a table as canonical rows: other names of columns, other values, and what a column holds.

Where a recipe's source says `columns`, `values` or `separators`, every value becomes what its canonical column holds:
text, a number, or a list of these, of which a text has one for each word, or for each part between separators.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from adapterstilts.data.formats.files import check_unicode
from adapterstilts.data.records.answer_texts import located
from adapterstilts.data.records.entity_spans import spans_of, tagged_words
from adapterstilts.data.records.fields import Record, Row
from adapterstilts.data.records.forms import Form, form_of, reader
from adapterstilts.errors import UsageError, unknown
from adapterstilts.parsed import shortened
from adapterstilts.tasks.label_guessing import parts_of
from adapterstilts.tasks.sources import Names, RecordSource, found_under, is_one, listed

# Columns that rows have anyway: from the data only where the source names them.
_GIVEN = ("id", "language")
_TAGGED = ("tokens", "tags")
# What stands for gold that is not there.
_NOTHING: dict[Form, Callable[[], Any]] = {
    Form.TEXT: str,
    Form.WHOLE_NUMBER: lambda: -1,
    Form.NUMBER: lambda: float("nan"),
    Form.LIST: list,
    Form.OBJECT: lambda: {"text": [], "answer_start": []},
}


class Columns:
    """From the records of one file to rows, as a recipe's `columns` and `values` say.

    Args:
        part: The source; without `columns` and `values`, every column has its canonical name.
        features: The kind's canonical columns, as `datasets.Features`.

    Raises:
        UsageError: The source names a canonical column that the kind does not have.
    """

    def __init__(self, part: RecordSource, features: Mapping[str, Any]) -> None:
        for name in (*part.columns, *part.values, *part.separators):
            if name not in features:
                raise unknown("canonical column", name, features)
        if whole := [name for name in part.separators if form_of(features[name]) is not Form.LIST]:
            raise UsageError(
                f"'separators' has {whole[0]!r}, a column that holds no list.",
                remedy="Leave it out, or say in the options that there are several.",
            )
        if part.spans and not features.keys() >= set(_TAGGED):
            raise UsageError("'spans' is for tags of words.", remedy="Leave it out.")
        wanted = [name for name in features if name in part.columns or name not in _GIVEN]
        self._names = {name: part.columns.get(name, name) for name in wanted}
        self._values = part.values
        self._separators = part.separators
        self._spans = part.spans
        self._may_lack = {name: _NOTHING[form_of(features[name])] for name in part.may_lack if name in features}
        self._readers = {name: reader(feature) for name, feature in features.items()}
        texts = [name for name in wanted if form_of(features[name]) is Form.TEXT]
        self._texts = [name for name in texts if name not in (*_GIVEN, "label")]
        self._ids: set[str] = set()

    def __call__(self, record: Record, language: str) -> Row:
        """The row of a record; ValueError says what is wrong with it."""
        tagged = self._tagged(record) if self._spans else {}
        columns = {name: theirs for name, theirs in self._names.items() if name not in tagged}
        row = {**{name: self._column(name, theirs, record) for name, theirs in columns.items()}, **tagged}
        if self._texts and not any(row[name].strip() for name in self._texts):
            raise ValueError("its texts are empty")
        if "id" in row:
            if row["id"] in self._ids:
                raise ValueError(f"the id {row['id']!r} is used twice")
            self._ids.add(row["id"])
        return row

    def _tagged(self, record: Record) -> Row:
        """The words of a text and their tags, from spans of its characters."""
        lacking = [self._lacks(name, self._names[name], record) for name in _TAGGED]
        text, given = (found_under(record, self._names[name]) for name in _TAGGED)
        if not isinstance(text, str):
            raise ValueError(f"'tokens' is not text but {shortened(text)}")
        check_unicode(text)
        spans = [] if lacking[1] else spans_of(given)
        if spans is None:
            raise ValueError(f"'tags' is no list of spans but {shortened(given)}")
        words, tags = tagged_words(text, spans)
        return {"tokens": words, "tags": [] if lacking[1] else tags}

    def _lacks(self, name: str, theirs: Names, record: Record) -> bool:
        """Whether a record is without gold that it may be without."""
        absent = [one for one in listed(theirs) if one not in record]
        if absent and name not in self._may_lack:
            raise ValueError(f"it has no column {absent[0]!r} for {name!r}; there are: {', '.join(map(str, record))}")
        return bool(absent)

    def _column(self, name: str, theirs: Names, record: Record) -> Any:
        if self._lacks(name, theirs, record):
            return self._may_lack[name]()
        found = found_under(record, theirs)
        if name == "answers" and "context" in self._names and not isinstance(found, Mapping):
            context = self._column("context", self._names["context"], record)
            found = located(found, context, starts=not is_one(theirs))
        if name in self._separators:
            found = _parts(found, self._separators[name])
        if name == "label" and isinstance(found, str):
            found = found.strip()
        if name in self._values:
            found = _renamed(found, self._values[name])
        try:
            return self._readers[name](found)
        except ValueError as error:
            raise ValueError(f"{name!r} {error}") from None


def _parts(value: Any, separator: str) -> list[Any]:
    """The parts of a text, or of several; none of an empty one or of nothing."""
    given = value if isinstance(value, list) else [value]
    return [part for one in given if one is not None for part in parts_of(str(one), separator)]


def _renamed(value: Any, names: Mapping[str, Any]) -> Any:
    """What a value of the data stands for, or each one of a list."""
    if isinstance(value, list):
        return [_renamed(one, names) for one in value]
    text = str(value).strip()
    if text not in names:
        raise ValueError(f"the value {value!r} is not one of those that 'values' names: {', '.join(names)}")
    return names[text]
