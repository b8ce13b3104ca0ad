"""Which columns of a table are the canonical ones, by name and then by content; every guess says why it was made."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import UnionType
from typing import Any

from adapterstilts.data.records.entity_spans import spans_of
from adapterstilts.data.records.forms import Form, as_number, form_of
from adapterstilts.errors import UsageError, unknown
from adapterstilts.tasks.label_guessing import are_measures, separator_of
from adapterstilts.tasks.sources import Names, listed

# What data sets call these columns, the most telling names first.
_LIKE: dict[str, tuple[str, ...]] = {
    "text_a": ("sentence1", "premise", "question1", "text1", "s1", "headline", "title", "question", "query",
               "sentence", "text", "review", "tweet", "content"),
    "text_b": ("sentence2", "hypothesis", "question2", "text2", "s2", "answer", "response", "passage", "body",
               "sentence", "text", "content"),
    "label": ("goldlabel", "labels", "class", "category", "topic", "sentiment", "target", "answerkey", "correct",
              "gold", "answer", "y", "isduplicate", "score", "rating", "similarity"),
    "context": ("ctx", "premise", "passage", "paragraph", "article", "story"),
    "question": ("query", "stem", "prompt", "asksfor"),
    "choices": ("options", "endings", "answers", "alternatives", "solutions"),
    "answers": ("answer", "answertext"),
    "tokens": ("words", "forms", "sentence", "text"),
    "tags": ("nertags", "postags", "ner", "upos", "labels"),
    "text": ("sentence", "content", "document", "article"),
    "id": ("idx", "guid", "uid", "qid", "pairid"),
}  # fmt: skip
_NUMBERED = re.compile(r"(.*?)[ _-]?(\d+|[A-Za-z])")
_MOST_LABELS = 50

NOTHING_LEFT = "no text is left"
"""Why a further text is read from no column."""


@dataclass(frozen=True)
class ColumnGuess:
    """A canonical column and what it is read from.

    Attributes:
        theirs: The table's column, or several: see `columns` in `tasks.sources.RecordSource`.
        why: How it was found.
    """

    column: str
    theirs: Names
    why: str


class Table:
    """The first records of a table.

    Attributes:
        columns: Column to its values, in the order of the records.
    """

    def __init__(self, records: Sequence[Mapping[str, Any]]) -> None:
        names = dict.fromkeys(name for record in records for name in record)
        self.columns = {name: [record.get(name) for record in records] for name in names}

    def has_only(self, types: type | UnionType, name: str) -> bool:
        """Whether all values of a column are of these types."""
        return all(isinstance(value, types) for value in self.columns[name])

    def has_numbers(self, name: str) -> bool:
        """Whether all values of a column are numbers."""
        return all(_is_number(value) for value in self.columns[name])

    def has_texts(self, name: str) -> bool:
        """Whether all values of a column are text, and not all numbers."""
        return self.has_only(str, name) and not self.has_numbers(name)

    def spans(self) -> list[str]:
        """Columns of spans of a text's characters, of which a row can have none."""
        read = {name: list(map(spans_of, values)) for name, values in self.columns.items()}
        return [name for name, found in read.items() if any(found) and None not in found]

    def distinct(self, name: str) -> int:
        """How many different values a column has that could be labels; 0 for one with others."""
        return len(set(self.columns[name])) if self.has_only(str | int, name) else 0

    def repeats(self, name: str) -> bool:
        """Whether a column has few different values: two or three, or each of them several times."""
        return 0 < self.distinct(name) <= min(_MOST_LABELS, max(3, len(self.columns[name]) // 2))

    def has_labels(self, name: str, feature: Any) -> bool:
        """Whether a column can be labels: few values, or for labels that are text, several a row, or measurements."""
        if self.repeats(name):
            return True
        if form_of(feature) is not Form.TEXT:
            return False
        if self.has_only(list, name):
            return True
        texts = [str(value).strip() for value in self.columns[name]]
        return self.has_only(str | int | float, name) and (are_measures(texts) or separator_of(texts) is not None)

    def is_unique(self, name: str) -> bool:
        """Whether no two values of a column are equal."""
        values = [str(value) for value in self.columns[name]]
        return len(set(values)) == len(values)


def guess_columns(
    records: Sequence[Mapping[str, Any]],
    features: Mapping[str, Any],
    given: Mapping[str, Names],
    *,
    flag: str = "--column {name}=NAME",
) -> list[ColumnGuess]:
    """What each canonical column is read from.

    Args:
        records: The first records of the table.
        features: The canonical columns, as `datasets.Features`.
        given: What the user has said.
        flag: How the user says so.

    Raises:
        UsageError: A column that was given is not there, or none was found for one that is needed.
    """
    table = Table(records)
    for name, theirs in given.items():
        if name not in features:
            raise unknown("canonical column", name, features)
        for one in listed(theirs):
            if one not in table.columns:
                raise _unknown_column(one, table)
    guesses = {name: ColumnGuess(name, theirs, "as you said") for name, theirs in given.items()}
    # Labels are told by their content more surely than texts are.
    wanted = sorted((name for name in features if name != "language"), key=lambda name: name != "label")
    for find in (_by_name, _by_content):
        for name in (name for name in wanted if name not in guesses):
            taken = {one for guess in guesses.values() for one in listed(guess.theirs)}
            if found := find(name, features[name], table, [one for one in table.columns if one not in taken]):
                guesses[name] = ColumnGuess(name, *found)
    return _complete(guesses, features, table, flag)


def guess_inputs(
    records: Sequence[Mapping[str, Any]],
    features: Mapping[str, Any],
    given: Mapping[str, Names],
    *,
    gold: Sequence[str],
) -> list[ColumnGuess]:
    """As `guess_columns`, of rows that need no gold answers: what looks like these is taken for no text.

    Args:
        features: The canonical columns without the gold ones.
        gold: Names of these.

    Raises:
        UsageError: As `guess_columns`.
    """
    texts_alone = not {"context", "choices", "tokens"} & features.keys()
    table, taken = Table(records), {one for theirs in given.values() for one in listed(theirs)}
    if absent := [one for one in taken if one not in table.columns]:
        near = unknown("column", absent[0], table.columns).remedy or ""
        raise UsageError(
            f"The input has no column {absent[0]!r}; it has {', '.join(map(str, table.columns))}.",
            remedy=near if near.startswith("Did") else "Name one of these.",
        )
    texts = {like for name in features for like in (name, *_LIKE.get(name, ()))}
    names = {like for name in gold for like in (name, *_LIKE.get(name, ()))} - texts
    hidden = {one for one in table.columns if re.sub("[^a-z0-9]", "", one.lower()) in names and one not in taken}
    seen = [{name: value for name, value in record.items() if name not in hidden} for record in records]
    return guess_columns(seen, features, given, flag="--text NAME" if texts_alone else "--{name} NAME")


def has_spans(records: Sequence[Mapping[str, Any]], guesses: Sequence[ColumnGuess]) -> bool:
    """Whether the tags of a table are spans of a text's characters."""
    return any(guess.column == "tags" and guess.theirs in Table(records).spans() for guess in guesses)


def named_like(name: str, feature: Any, record: Mapping[str, Any], columns: Sequence[str]) -> Names:
    """Which of some columns of a record would be taken for a canonical one by its name; `()` if none would."""
    found = _by_name(name, feature, Table([record]), columns)
    return found[0] if found else ()


Found = tuple[Names, str] | None


def _unknown_column(name: str, table: Table) -> UsageError:
    """The error for a column that is not there, with all that are."""
    near = unknown("column of the file", name, table.columns)
    there = ", ".join(map(str, table.columns))
    remedy = near.remedy if (near.remedy or "").startswith("Did") else "Name one of these."
    return UsageError(f"{near.message.rstrip('.')}; it has {there}.", remedy=remedy)


def _by_name(name: str, feature: Any, table: Table, free: Sequence[str]) -> Found:
    """The column of that name, or of another one that data sets give it."""
    plain = {re.sub("[^a-z0-9]", "", one.lower()): one for one in reversed(free)}
    for like in (name.replace("_", ""), *_LIKE.get(name, ())):
        theirs = plain.get(like)
        if theirs is not None and _fits(name, feature, table, theirs):
            return theirs, "same name" if theirs == name else "by its name"
    if form_of(feature) is Form.LIST and (several := _numbered(free, _LIKE.get(name, ()), name)):
        return several, "by their names"
    return None


def _fits(name: str, feature: Any, table: Table, theirs: str) -> bool:
    """Whether a column can be what its name says: a list of choices is no text, and an id is no other row's."""
    if name == "id":
        return table.is_unique(theirs)
    if name == "label":
        return theirs == name or table.has_labels(theirs, feature)
    form = form_of(feature)
    if form is Form.OBJECT:
        return table.has_only(Mapping, theirs) or (name == "answers" and table.has_only(str | None, theirs))
    if form is Form.LIST and name == "choices":
        return table.has_only(list, theirs)
    if name == "tokens":  # Prodigy's are objects
        return not any(isinstance(one, list) and any(isinstance(part, Mapping) for part in one)
                       for one in table.columns[theirs])  # fmt: skip
    return True


def _numbered(free: Sequence[str], like: Sequence[str], name: str) -> tuple[str, ...]:
    """Columns whose names differ in a number or letter at the end, such as `choice1` and `choice2`."""
    stems = {one.rstrip("s") for one in (name, *like)}
    groups: dict[str, list[tuple[int, str, str]]] = {}
    for one in free:
        found = _NUMBERED.fullmatch(one)
        if found and found[1].lower() in stems:
            groups.setdefault(found[1], []).append((len(found[2]), found[2], one))
    largest = max(groups.values(), key=len, default=[])
    return tuple(one for _, _, one in sorted(largest)) if len(largest) > 1 else ()


def _by_content(name: str, feature: Any, table: Table, free: Sequence[str]) -> Found:
    """The first column that is left and holds what the canonical column does."""
    form = form_of(feature)
    if name == "tags":
        spans = next((one for one in table.spans() if one in free), None)
        return (spans, "by its spans") if spans else None
    if name == "label":
        found = next((one for one in free if table.repeats(one) and table.distinct(one) > 1), None)
        if found:
            return found, f"by its {table.distinct(found)} values"
        found = next((one for one in free if table.has_labels(one, feature) and table.has_numbers(one)), None)
        return (found, "by its numbers") if found else None
    fits: Callable[[str], bool] | None = None
    if form is Form.TEXT and name in _LIKE and name != "id":
        fits = table.has_texts
    elif form in (Form.WHOLE_NUMBER, Form.NUMBER):
        fits = table.has_numbers
    found = next((one for one in free if fits and fits(one)), None)
    return (found, "the first text left" if form is Form.TEXT else "the first number left") if found else None


def _complete(
    guesses: Mapping[str, ColumnGuess], features: Mapping[str, Any], table: Table, flag: str
) -> list[ColumnGuess]:
    """The guesses in canonical order, with further texts empty where the table has no more.

    Raises:
        UsageError: A column that cannot be empty was not found.
    """
    found = []
    texts = [name for name in _LIKE if name in features and form_of(features[name]) is Form.TEXT]
    for name in features:
        if name in guesses:
            found.append(guesses[name])
        elif name in ("id", "language"):
            continue
        elif name in texts and name != "label" and any(one in guesses for one in texts if one not in (name, "label")):
            found.append(ColumnGuess(name, (), NOTHING_LEFT))
        else:
            raise UsageError(
                f"No column of the file looks like {name!r}; it has {', '.join(table.columns)}.",
                remedy=f"Say which one it is with {flag.format(name=name)}.",
            )
    return found


def _is_number(value: Any) -> bool:
    try:
        as_number(value)
    except ValueError:
        return False
    return True
