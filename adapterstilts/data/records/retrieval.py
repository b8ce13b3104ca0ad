"""Sentence pairs and questions of the Hub as retrieval rows."""

from __future__ import annotations

from adapterstilts.data.formats.aligned import side
from adapterstilts.data.formats.answer_sentences import training_row
from adapterstilts.data.records.fields import RECORDS, Record, Row, text_of
from adapterstilts.data.records.spans import answered


@RECORDS.register("bucc_pair")
def bucc_pair(record: Record, language: str) -> list[Row]:
    """google/xtreme, bucc18: a gold pair, whose ids it has under `source_lang` and `target_lang`.

    The Hub has no other sentences than these, so what is measured on it is not the benchmark's task.
    """
    source, target = text_of(record, "source_lang").strip(), text_of(record, "target_lang").strip()
    return [
        side(source, text_of(record, "source_sentence").strip(), gold=[target]),
        {**side(target, text_of(record, "target_sentence").strip()), "language": "en"},
    ]


@RECORDS.register("answer_sentence")
def answer_sentence(record: Record, language: str) -> Row:
    """SQuAD's columns, as training rows for LAReQA: what the `lareqa_squad` format gives."""
    question = answered(record)
    return training_row(question, question["context"])
