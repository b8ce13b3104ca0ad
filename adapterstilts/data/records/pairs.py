"""Pair classification: natural language inference and paraphrases."""

from __future__ import annotations

from typing import Any

from adapterstilts.data.bad_rows import Omitted
from adapterstilts.data.records.fields import RECORDS, Record, Row, name_of, text_of

NLI = ("entailment", "neutral", "contradiction")
"""The order of the Hub's numbers in nyu-mll/glue (mnli), stanfordnlp/snli, facebook/anli and facebook/xnli."""

PARAPHRASE = ("0", "1")
"""No paraphrase, paraphrase."""

_NO_GOLD = "the annotators agreed on no label"


def _pair(record: Record, first: tuple[str, ...], second: tuple[str, ...], label: str) -> Row:
    """An empty text is data, since the releases have some and published numbers count them; two are not."""
    row = {
        "text_a": text_of(record, *first, may_be_empty=True),
        "text_b": text_of(record, *second, may_be_empty=True),
        "label": label,
    }
    if not row["text_a"].strip() and not row["text_b"].strip():
        raise ValueError("both texts are empty")
    return row


@RECORDS.register("mnli")
def mnli(record: Record, language: str) -> Row:
    """MultiNLI's JSON lines (`-`: no gold label) or nyu-mll/glue, mnli (-1: a hidden label)."""
    return _inference(record, record.get("gold_label", record.get("label")), no_gold=("-",))


@RECORDS.register("snli")
def snli(record: Record, language: str) -> Row:
    """SNLI's JSON lines (`-`: no gold label) or stanfordnlp/snli (-1: no gold label)."""
    return _inference(record, record.get("gold_label", record.get("label")), no_gold=("-", -1))


def _inference(record: Record, value: Any, *, no_gold: tuple[Any, ...]) -> Row:
    if value in no_gold:
        raise Omitted(_NO_GOLD)
    return _pair(record, ("sentence1", "premise"), ("sentence2", "hypothesis"), name_of(value, NLI))


@RECORDS.register("anli")
def anli(record: Record, language: str) -> Row:
    """ANLI's JSON lines (labels e, n, c; the premise is called `context`) or facebook/anli."""
    value = record.get("label")
    letters = {name[0]: name for name in NLI}
    label = name_of(letters.get(str(value), value), NLI)
    return _pair(record, ("context", "premise"), ("hypothesis",), label)


@RECORDS.register("xnli")
def xnli(record: Record, language: str) -> Row | list[Row]:
    """XTREME's columns text_a, text_b, label; XNLI's own; google/xtreme, XNLI (all languages); or facebook/xnli.

    XNLI's translated training set spells `contradictory`. XTREME's test files have no label: it is empty then.
    """
    if record.get("language", language) != language:
        return []
    value = record.get("gold_label", record.get("label"))
    label = name_of("contradiction" if value == "contradictory" else value, NLI)
    return _pair(record, ("text_a", "sentence1", "premise"), ("text_b", "sentence2", "hypothesis"), label)


@RECORDS.register("pawsx")
def pawsx(record: Record, language: str) -> Row:
    """XTREME's columns text_a, text_b, label; PAWS-X's own (sentence1, sentence2); or google/xtreme, PAWS-X.

    XTREME's test files have no label: it is empty then.
    """
    label = name_of(record.get("label"), PARAPHRASE)
    return _pair(record, ("text_a", "sentence1"), ("text_b", "sentence2"), label)


@RECORDS.register("qqp")
def qqp(record: Record, language: str) -> Row:
    """Quora's and GLUE's files (`is_duplicate`) or nyu-mll/glue, qqp (`label`)."""
    label = name_of(record.get("is_duplicate", record.get("label")), PARAPHRASE)
    return _pair(record, ("question1",), ("question2",), label)
