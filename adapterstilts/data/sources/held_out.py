"""Which records of the training data train, and which are the validation data that its recipe holds out."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from adapterstilts.data.ranks import rank
from adapterstilts.data.records.forms import Form, form_of
from adapterstilts.errors import UsageError
from adapterstilts.tasks.sources import RecordSource, listed

_NO_TEXT = ("id", "language", "label")
_SPLITS = ("train", "validation")


def held_out_name(part: RecordSource, split: str) -> str:
    """What decides which records are in a split, for fingerprints; nothing where all of them are."""
    if part.hold_out is None or split not in _SPLITS:
        return ""
    return f":hold_out={part.hold_out.share!r}:{','.join(listed(part.hold_out.by))}"


def held_out_place(part: RecordSource, split: str) -> str:
    """What is said of data, in errors, of which a split has a part."""
    if part.hold_out is None or split not in _SPLITS:
        return ""
    return f", of which hold_out leaves {part.hold_out.share if split == 'validation' else 'the rest'} for {split}"


def in_split(part: RecordSource, features: Mapping[str, Any], split: str) -> Callable[[Mapping[str, Any]], bool]:
    """The function from a record to whether it is in a split; it raises ValueError where a column is not there.

    Args:
        features: The canonical columns, as `datasets.Features`.

    Raises:
        UsageError: Nothing says what belongs together.
    """
    if part.hold_out is None or split not in _SPLITS:
        return lambda record: True
    hold_out, validation = part.hold_out, split == "validation"
    given = listed(hold_out.by)
    columns = given or _texts(part, features)
    return lambda record: (rank(_group(record, columns, strict=bool(given))) < hold_out.share) == validation


def _texts(part: RecordSource, features: Mapping[str, Any]) -> tuple[str, ...]:
    """The records' columns that are read as text, or as its words."""
    texts = [name for name in features if name not in _NO_TEXT and form_of(features[name]) is Form.TEXT]
    names = texts or [name for name in ("tokens",) if name in features]
    found = tuple(theirs for name in names for theirs in listed(part.columns.get(name, name)))
    if not found:
        raise UsageError(
            "'hold_out' has no column of text to tell by what belongs together.", remedy="Name columns with 'by'."
        )
    return found


def _group(record: Mapping[str, Any], columns: tuple[str, ...], *, strict: bool) -> str:
    """What a record belongs to."""
    if strict and (absent := [name for name in columns if name not in record]):
        there = ", ".join(map(str, record))
        raise ValueError(f"it has no column {absent[0]!r}, by which validation data are held out; there are: {there}")
    return "\0".join(_text(record.get(name)).strip() for name in columns)


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)
