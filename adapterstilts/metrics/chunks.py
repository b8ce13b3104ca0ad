"""Precision, recall and F1 of tagged spans, as seqeval 0.0.12 computes them (the version XTREME scores with).

That version matters for part-of-speech tags, which have no `B-` or `I-`: the first letter of a tag plays the part of
the prefix and the whole tag that of the type, so neighbouring equal tags become one span, unless the letter is `B` or
`S`, which always begins a new one. Later versions of seqeval read the same tags differently.
"""

from __future__ import annotations

from collections.abc import Sequence

Chunk = tuple[str, int, int]
"""Type, first and last position."""

_OUTSIDE = "O"


def chunks(sentences: Sequence[Sequence[str]]) -> set[Chunk]:
    """All spans of the sentences, positions counted over all of them with one place between two sentences."""
    tags = [tag for sentence in sentences for tag in (*sentence, _OUTSIDE)]
    found: set[Chunk] = set()
    begin, before, type_before = 0, _OUTSIDE, ""
    for position, tag in enumerate((*tags, _OUTSIDE)):
        prefix, type_ = tag[0], tag.rpartition("-")[2]
        if _ends(before, prefix, changed=type_before != type_):
            found.add((type_before, begin, position - 1))
        if _begins(before, prefix, changed=type_before != type_):
            begin = position
        before, type_before = prefix, type_
    return found


def span_scores(predicted: Sequence[Sequence[str]], gold: Sequence[Sequence[str]]) -> dict[str, float]:
    """Micro-averaged `f1`, `precision` and `recall` over all spans, in percent."""
    ours, theirs = chunks(predicted), chunks(gold)
    return precision_recall(len(ours & theirs), len(ours), len(theirs))


def precision_recall(correct: int, predicted: int, gold: int) -> dict[str, float]:
    """`f1`, `precision` and `recall` in percent from counts; 0 where one is not defined."""
    precision = correct / predicted if predicted else 0.0
    recall = correct / gold if gold else 0.0
    f1 = 2 * precision * recall / (precision + recall) if correct else 0.0
    return {"f1": 100 * f1, "precision": 100 * precision, "recall": 100 * recall}


def _ends(before: str, prefix: str, *, changed: bool) -> bool:
    """Whether a span ends between two tags with these prefixes, of which the types differ or do not."""
    if before in "ES" or (before in "BI" and prefix in "BSO"):
        return True
    return before not in "O." and changed


def _begins(before: str, prefix: str, *, changed: bool) -> bool:
    """Whether a span begins at the second of two tags."""
    if prefix in "BS" or (before in "ESO" and prefix in "EI"):
        return True
    return prefix not in "O." and changed
