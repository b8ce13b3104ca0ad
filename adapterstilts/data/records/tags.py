"""Tagging: parts of speech, named entities and supertags."""

from __future__ import annotations

from collections.abc import Sequence

from adapterstilts.data.formats.files import check_unicode
from adapterstilts.data.records.fields import RECORDS, Record, Row, is_hidden, name_of
from adapterstilts.parsed import as_text, get_list

UPOS = (
    "ADJ", "ADP", "ADV", "AUX", "CCONJ", "DET", "INTJ", "NOUN", "NUM", "PART", "PRON", "PROPN", "PUNCT", "SCONJ",
    "SYM", "VERB", "X",
)  # fmt: skip
"""The order of the Hub's numbers in google/xtreme, udpos."""

WIKIANN = ("O", "B-PER", "I-PER", "B-ORG", "I-ORG", "B-LOC", "I-LOC")
"""The order of the Hub's numbers in google/xtreme, PAN-X."""


def _row(record: Record, name: str, labels: Sequence[str] | None) -> Row:
    """Tags are under `tags` in files and under `name` on the Hub; `labels` is None where any name is a tag.

    Tags that are all empty stay so: they are how a file without any is read.
    """
    reason = f"'tokens' or {name!r} is missing or not a list"
    tokens, tags = get_list(record, "tokens", reason), get_list(record, "tags" if "tags" in record else name, reason)
    if not tokens or len(tokens) != len(tags):
        raise ValueError(f"the sentence has {len(tokens)} words and {len(tags)} tags")
    for position, token in enumerate(tokens):
        if not as_text(token, f"word {position} is empty").strip(" "):
            raise ValueError(f"word {position} is empty")
    check_unicode(*tokens)
    if all(map(is_hidden, tags)):
        return {"tokens": list(tokens), "tags": [""] * len(tags)}
    if any(map(is_hidden, tags)):
        raise ValueError("some of its tags are missing")
    if labels is None:
        for tag in tags:
            if not as_text(tag, f"the tag {tag!r} is not a name").strip():
                raise ValueError(f"the tag {tag!r} is not a name")
        return {"tokens": list(tokens), "tags": list(tags)}
    return {"tokens": list(tokens), "tags": [name_of(tag, labels) for tag in tags]}


@RECORDS.register("udpos")
def udpos(record: Record, language: str) -> Row:
    """Universal part-of-speech tags, from files or from google/xtreme, udpos (`pos_tags`)."""
    return _row(record, "pos_tags", UPOS)


@RECORDS.register("panx")
def panx(record: Record, language: str) -> Row:
    """WikiANN's named entities, from files or from google/xtreme, PAN-X (`ner_tags`)."""
    return _row(record, "ner_tags", WIKIANN)


@RECORDS.register("masakhaner")
def masakhaner(record: Record, language: str) -> Row:
    """MasakhaNER's names; dates, which the English data that models are trained on do not mark, are no names."""
    tags = get_list(record, "tags", "'tags' is missing or not a list")
    return _row({**record, "tags": ["O" if tag in ("B-DATE", "I-DATE") else tag for tag in tags]}, "tags", WIKIANN)


@RECORDS.register("ccg")
def ccg(record: Record, language: str) -> Row:
    """CCG supertags, from files: whichever the recipe lists."""
    return _row(record, "tags", None)
