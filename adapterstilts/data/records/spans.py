"""Extractive question answering."""

from __future__ import annotations

from adapterstilts.data.records.fields import RECORDS, Record, Row, columns_of, text_of
from adapterstilts.parsed import as_text, as_whole_number

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
    for start in starts:
        as_whole_number(start, "an answer's offset is not a number")
    return {
        "id": text_of(record, "id"),
        "context": text_of(record, "context"),
        "question": text_of(record, "question"),
        "answers": {"text": list(texts), "answer_start": list(starts)},
    }
