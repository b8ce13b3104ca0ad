"""Extractive question answering."""

from __future__ import annotations

import re

from adapterstilts.data.records.fields import RECORDS, Record, Row, columns_of, text_of
from adapterstilts.parsed import as_offset, as_text

_EMPTY = "an answer is empty"


@RECORDS.register("squad")
def squad(record: Record, language: str) -> Row:
    """SQuAD v1.1 and v2.0 and what has their columns on the Hub; no answer is two empty lists."""
    return answered(record)


@RECORDS.register("cmrc2018")
def cmrc2018(record: Record, language: str) -> Row:
    """CMRC 2018 in SQuAD's form, or hfl/cmrc2018: answers can be in the annotators' own words, with -1 for an offset.

    Those of the context come first. Some offsets of the trial data are wrong: then the answer's nearest place counts.
    """
    row = answered({"id": record.get("id"), **record})
    context, answers = row["context"], row["answers"]
    placed = [
        (text, _nearest(context, text, start))
        for text, start in zip(answers["text"], answers["answer_start"], strict=True)
    ]
    placed.sort(key=lambda one: one[1] < 0)
    return {**row, "answers": {"text": [text for text, _ in placed], "answer_start": [start for _, start in placed]}}


def _nearest(context: str, text: str, start: int) -> int:
    """Where a text begins in the context, as near to `start` as it can be; -1 where it is not there."""
    found = [match.start() for match in re.finditer(f"(?={re.escape(text)})", context)]
    return min(found, key=lambda at: abs(at - start), default=-1)


@RECORDS.register("germanquad")
def germanquad(record: Record, language: str) -> Row:
    """deepset/germanquad, whose ids are numbers."""
    return answered({**record, "id": str(record["id"])} if "id" in record else record)


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
