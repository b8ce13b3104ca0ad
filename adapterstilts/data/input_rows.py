"""From records of a user's own to the rows that a model answers: which columns are read, and what is in them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any
from weakref import WeakKeyDictionary

from adapterstilts.data.bad_rows import BadRows
from adapterstilts.data.records.columns import Columns
from adapterstilts.data.records.guessing import NOTHING_LEFT, ColumnGuess, guess_inputs, named_like
from adapterstilts.data.records.text_words import word_offsets
from adapterstilts.errors import UsageError
from adapterstilts.parsed import from_json
from adapterstilts.tasks.kind import Kind, Row
from adapterstilts.tasks.sources import Names, RecordSource, listed

GOLD = ("label", "tags", "answers")
"""The canonical columns that hold gold answers, which no input needs."""

TOKENS = "tokens"
_CHOICES = "choices"
_TEXT = "text"
_OPTIONAL = ("id", "language", *GOLD)
_FEATURES: WeakKeyDictionary[Kind, dict[str, Any]] = WeakKeyDictionary()  # making them takes a while
# Canonical columns that cannot be empty, where a kind has them.
_NEEDED = ("question", "context")
# So many letters in a row are several words, of scripts that put no white space between them and are not split into
# letters: Thai, Lao, Tibetan, Burmese and Khmer.
_SEVERAL_WORDS = re.compile(r"[\u0e01-\u0fff\u1000-\u109f\u1780-\u17ff]{25,}")


def input_features(kind: Kind) -> dict[str, Any]:
    """The canonical columns that a kind reads beside the gold ones, as `datasets.Features` has them.

    Raises:
        UsageError: Nobody can answer rows of this kind one by one.
    """
    if kind.name in ("retrieval", "masked_lm"):
        what = "ranks candidates for queries" if kind.name == "retrieval" else "guesses masked tokens"
        raise UsageError(
            f"This model {what}, which says nothing about a text alone.",
            remedy="Score it with `astilts transfer`, or give a model that classifies, tags, chooses or finds answers.",
        )
    if (known := _FEATURES.get(kind)) is None:
        texts = kind.translated_columns
        features = {name: feature for name, feature in kind.features().items() if name not in _OPTIONAL}
        known = {name: feature for name, feature in features.items() if not texts or name in texts}
        _FEATURES[kind] = known
    return dict(known)


@dataclass(frozen=True)
class InputColumns:
    """Which columns of the input are read as which canonical ones.

    Attributes:
        guesses: One for each canonical column.
        as_text: The column whose text is split into words, where there are no lists of them.
        there: Columns of the records that were looked at.
    """

    features: Mapping[str, Any]
    guesses: tuple[ColumnGuess, ...]
    as_text: str | None = None
    there: frozenset[str] = frozenset()

    @classmethod
    def of(
        cls, kind: Kind, records: Sequence[Row], given: Mapping[str, Names], likely: Mapping[str, Names]
    ) -> InputColumns:
        """Those of some first records.

        Args:
            given: Canonical column to the input's, as the user says: `text` stands for the first text, or for what is
                split into words.
            likely: As the task's own data have them, which counts where the input has such columns too.

        Raises:
            UsageError: A column is not there, or is none that the model reads.
        """
        features = input_features(kind)
        there = dict.fromkeys(name for record in records for name in record)
        told, as_trained = _told(features, given), set()
        for name, theirs in likely.items():
            usable = all(one in there for one in listed(theirs)) and (listed(theirs) or name != next(iter(features)))
            if name in features and name not in told and usable:
                told[name] = theirs
                as_trained.add(name)
        guesses = tuple(
            replace(one, why="as in the task's data") if one.column in as_trained else one
            for one in guess_inputs(records, features, told, gold=GOLD)
        )
        if _CHOICES not in features and (lacking := [one.column for one in guesses if _is_needed(one)]):
            raise UsageError(
                f"No column of the input looks like {lacking[0]!r}; it has {', '.join(map(str, there))}.",
                remedy=f"Say which one it is with --{lacking[0]} NAME. Lines of text have none: write JSON lines.",
            )
        words = next((one.theirs for one in guesses if one.column == TOKENS), ())
        return cls(features, guesses, listed(words)[0] if len(listed(words)) == 1 else None, frozenset(there))

    def described(self) -> str:
        """What is read from where, in words."""
        parts = []
        for one in self.guesses:
            theirs = " + ".join(listed(one.theirs)) or "nothing"
            parts.append(f"{one.column} = {theirs} ({one.why})")
        return "; ".join(parts)

    def reader(self) -> Columns:
        """From a record to its canonical columns."""
        return Columns(RecordSource(columns={one.column: one.theirs for one in self.guesses}), self.features)

    def rows(
        self, chunk: Sequence[tuple[str, Mapping[str, Any]]], *, language: str, where: str, bad: BadRows
    ) -> list[tuple[Mapping[str, Any], dict[str, Any]]]:
        """Each good record with its row.

        Raises:
            DataError: One cannot be read, and bad ones are not skipped.
        """
        read = self.reader()
        found: list[tuple[Mapping[str, Any], dict[str, Any]]] = []
        for place, record in chunk:
            try:
                row = self._row(read, record, language)
            except ValueError as error:
                bad.report(where, place, str(error))
                continue
            found.append((record, {"id": str(len(found)), "language": language, **row}))
        return found

    def _row(self, read: Columns, record: Mapping[str, Any], language: str) -> dict[str, Any]:
        self._check_late(record)
        lists = {name: _parsed(value) if name in self._lists else value for name, value in record.items()}
        text = lists.get(self.as_text) if self.as_text else None
        if _CHOICES in self._lists.values() and (odd := self._no_list(lists)):
            raise ValueError(f"its choices are not a list but {odd!r:.80}")
        row = read(lists, language)
        if TOKENS in row:
            row |= _words(text, row[TOKENS])
            if not row[TOKENS]:
                raise ValueError("its text is empty")
        if empty := [name for name in _NEEDED if name in row and _CHOICES not in row and not row[name].strip()]:
            raise ValueError(f"its {empty[0]} is empty")
        if _CHOICES in row and (len(row[_CHOICES]) < 2 or not any(map(str.strip, row[_CHOICES]))):
            raise ValueError(f"there are {len(row[_CHOICES])} choices, and a choice needs at least 2")
        return row

    def _check_late(self, record: Mapping[str, Any]) -> None:
        """Raises ValueError where a record has a text that those looked at had not, so that it would not be read."""
        if self._unread and (late := [name for name in record if name not in self.there]):
            for name in self._unread:
                if theirs := named_like(name, self.features[name], record, late):
                    raise ValueError(
                        f"its column {theirs!r}, by its name {name!r}, would not be read: the first rows have none"
                    )

    @cached_property
    def _unread(self) -> tuple[str, ...]:
        """Texts that the model can read, of which there was none."""
        return tuple(one.column for one in self.guesses if one.why == NOTHING_LEFT)

    @cached_property
    def _lists(self) -> dict[str, str]:
        """Columns that hold a whole list, in which it can be as JSON, and of what; others are read as they are."""
        whole = {one.column: listed(one.theirs) for one in self.guesses if one.column in (TOKENS, _CHOICES)}
        return {theirs[0]: name for name, theirs in whole.items() if len(theirs) == 1}

    def _no_list(self, record: Mapping[str, Any]) -> str | None:
        """A text in the place of a list of choices, which is not one for each of its words."""
        found = [record.get(theirs) for theirs, name in self._lists.items() if name == _CHOICES]
        return next((one for one in found if type(one) is str), None)


def unspaced(row: Row) -> str | None:
    """Of a text that was split at white space, a part that is no word but several of a script without it, if any is."""
    if "offsets" not in row:
        return None
    return next((word for word in row[TOKENS] if _SEVERAL_WORDS.search(word)), None)


def _is_needed(guess: ColumnGuess) -> bool:
    """Whether nothing was found for a column that cannot be empty."""
    return guess.column in _NEEDED and not listed(guess.theirs)


def _told(features: Mapping[str, Any], given: Mapping[str, Names]) -> dict[str, Names]:
    """What the user has said, by canonical columns.

    Raises:
        UsageError: The model reads no such column, or fewer texts.
    """
    told: dict[str, Names] = {}
    for name, theirs in given.items():
        if name == _TEXT:
            texts = [TOKENS] if TOKENS in features else [one for one in features if one.startswith(_TEXT)]
            names = listed(theirs)
            if not texts or len(names) > len(texts):
                raise UsageError(
                    f"--text {','.join(names)}: the model reads {', '.join(features)}.",
                    remedy=f"Say which columns these are with {', '.join(f'--{one}' for one in features)}."
                    if not texts
                    else f"Give {len(texts)} at most.",
                )
            told |= dict(zip(texts, names, strict=False))
            told |= dict.fromkeys(texts[len(names) :], ())
        elif name not in features:
            raise UsageError(
                f"--{name} has no meaning for this model, which reads {', '.join(features)}.", remedy="Leave it out."
            )
        else:
            told[name] = theirs
    return told


def _parsed(value: Any) -> Any:
    """A list that a table has as JSON."""
    text = value.strip() if type(value) is str else ""
    if not (text.startswith("[") and text.endswith("]")):
        return value
    try:
        found = from_json(text)
    except ValueError:
        return value
    return found if type(found) is list else value


def _words(text: Any, tokens: list[str]) -> dict[str, Any]:
    """Of a text, its words with their character offsets; a list of words is taken as it is."""
    if type(text) is not str:
        return {TOKENS: tokens}
    found = word_offsets(text)
    return {TOKENS: [text[start:end] for start, end in found], "text": text, "offsets": found}
