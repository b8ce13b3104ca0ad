"""Extractive question answering."""

from __future__ import annotations

from adapterstilts.data.records.fields import RECORDS, Record, Row, text_of


@RECORDS.register("squad")
def squad(record: Record, language: str) -> Row:
    """SQuAD v1.1 and v2.0 and what has their columns on the Hub; no answer is two empty lists."""
    return answered(record)


def answered(record: Record) -> Row:
    """The canonical row of a question with its context and answers; ValueError says what is wrong with it."""
    answers = record.get("answers")
    texts, starts = (answers.get("text"), answers.get("answer_start")) if isinstance(answers, dict) else (None, None)
    if not isinstance(texts, list) or not isinstance(starts, list) or len(texts) != len(starts):
        raise ValueError("'answers' is missing, or its texts and offsets do not correspond")
    if not all(isinstance(text, str) and text.strip() for text in texts):
        raise ValueError("an answer is empty")
    if not all(type(start) is int for start in starts):
        raise ValueError("an answer's offset is not a number")
    return {
        "id": text_of(record, "id"),
        "context": text_of(record, "context"),
        "question": text_of(record, "question"),
        "answers": {"text": list(texts), "answer_start": list(starts)},
    }
