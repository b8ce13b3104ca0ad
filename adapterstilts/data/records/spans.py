"""Extractive question answering."""

from __future__ import annotations

from adapterstilts.data.records.fields import RECORDS, Record, Row, columns_of, text_of
from adapterstilts.parsed import as_offset, as_text

_EMPTY = "an answer is empty"


@RECORDS.register("squad")
def squad(record: Record, language: str) -> Row:
    """SQuAD v1.1 and v2.0 and what has their columns on the Hub; no answer is two empty lists."""
    return answered(record)


def answered(record: Record) -> Row:
    """The canonical row of a question with its context and answers; ValueError says what is wrong with it."""
    texts, starts = columns_of(record, "answers", text="texts", answer_start="offsets")
    if not all(as_text(text, _EMPTY).strip() for text in texts):
        raise ValueError(_EMPTY)
    return {
        "id": text_of(record, "id"),
        "context": text_of(record, "context"),
        "question": text_of(record, "question"),
        "answers": {"text": list(texts), "answer_start": [as_offset(start) for start in starts]},
    }
