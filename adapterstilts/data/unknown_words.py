"""How much of a text a tokenizer has no token for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datasets import Dataset

SAMPLE = 100
"""Rows of a language that are looked at."""

# Canonical columns that hold text which a model reads.
_TEXTS = ("text_a", "text_b", "context", "question", "choices", "tokens", "text", "positive")


def unknown_share(rows: Dataset, tokenizer: Any) -> float:
    """The share of the characters, white space aside, that end in the unknown token, from 0 to 1.

    Characters are counted and not tokens, because tokenizers make one unknown token of any number of them.

    Args:
        rows: Canonical rows, of which `SAMPLE` are looked at, from the first to the last.
    """
    places = sorted({round(part * (len(rows) - 1) / max(1, SAMPLE - 1)) for part in range(SAMPLE)}) if len(rows) else []
    sample = rows.select([place for place in places if place < len(rows)])
    names = [name for name in sample.column_names if name in _TEXTS]
    return share_of_unknown((text for row in sample for name in names for text in _strings(row[name])), tokenizer)


def share_of_unknown(texts: Iterable[str], tokenizer: Any) -> float:
    """The share of the characters of `texts`, white space aside, that end in the unknown token, from 0 to 1."""
    known = [text for text in texts if text.strip()]
    if not known or tokenizer.unk_token_id is None:
        return 0.0
    found = tokenizer(known, add_special_tokens=False, return_offsets_mapping=True)
    total = unknown = 0
    for text, ids, offsets in zip(known, found["input_ids"], found["offset_mapping"], strict=True):
        total += _characters(text)
        spans = (offsets[at] for at, id_ in enumerate(ids) if id_ == tokenizer.unk_token_id)
        unknown += sum(_characters(text[start:end]) for start, end in spans)
    return unknown / total


def _strings(value: Any) -> Sequence[str]:
    return [value] if isinstance(value, str) else [" ".join(value)]


def _characters(text: str) -> int:
    return sum(not character.isspace() for character in text)
