"""Named entities as annotation tools write them: spans of a text's characters, in the place of a tag for each word."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from adapterstilts.data.formats.answers import utf16_units
from adapterstilts.data.records.text_words import word_offsets
from adapterstilts.parsed import as_offset, from_json, shortened

_STARTS, _ENDS = ("start", "start_offset", "begin"), ("end", "end_offset", "stop")
_LABELS = ("label", "labels", "entity", "entity_group", "type", "tag", "class")


@dataclass(frozen=True)
class _Span:
    start: int
    end: int
    label: str


def spans_of(value: Any) -> list[Any] | None:
    """The spans in a value of a table, as a list or as JSON; None where it is none of spans.

    Each is `[start, end, label]`, or an object as Prodigy, doccano, Label Studio and spaCy write it; several can be an
    object of lists, as `datasets` keeps them. An empty list is one of spans.
    """
    if isinstance(value, str) and value.strip()[:1] == "[":
        try:
            value = from_json(value)
        except ValueError:
            return None
    if isinstance(value, Mapping) and _key(value, _STARTS) and all(isinstance(one, list) for one in value.values()):
        value = [dict(zip(value, one, strict=False)) for one in zip(*value.values(), strict=False)]
    return list(value) if isinstance(value, list | tuple) and all(map(_is_span, value)) else None


def tagged_words(text: str, spans: Sequence[Any]) -> tuple[list[str], list[str]]:
    """The words of a text, and a tag of the BIO scheme for each.

    A span begins and ends a word, also where none ends by itself.

    Args:
        spans: As `spans_of` gives them.

    Raises:
        ValueError: A span is not within the text, has no label, or shares characters with another one.
    """
    found = sorted({_read(text, one) for one in spans}, key=lambda one: (one.start, one.end, one.label))
    for one, other in pairwise(found):
        if other.start < one.end:
            raise ValueError(
                f"the spans {text[one.start : one.end]!r:.40} ({one.label}) and {text[other.start : other.end]!r:.40} "
                f"({other.label}) share characters, and a word has one tag"
            )
    words, tags, left = [], [], iter(found)
    span = next(left, None)
    for start, end in _cut(word_offsets(text), found):
        while span is not None and span.end <= start:
            span = next(left, None)
        words.append(text[start:end])
        inside = span is not None and span.start <= start
        tags.append(f"{'B' if start == span.start else 'I'}-{span.label}" if span is not None and inside else "O")
    return words, tags


def _cut(words: Sequence[tuple[int, int]], spans: Sequence[_Span]) -> Iterator[tuple[int, int]]:
    """Words, those in pieces in which a span begins or ends."""
    edges = iter([*(place for one in spans for place in (one.start, one.end)), 1 << 62])
    edge = next(edges)
    for word in words:
        start, end = word
        while edge < end:
            if edge > start:
                yield start, edge
                start = edge
            edge = next(edges)
        yield start, end


def _read(text: str, given: Any) -> _Span:
    if isinstance(given, Mapping):
        start, end = (as_offset(given[_key(given, names)]) for names in (_STARTS, _ENDS))
        label, own = given[_key(given, _LABELS)], given.get("text", given.get("word"))
    else:
        (start, end), label, own = map(as_offset, given[:2]), given[2], None
    if isinstance(label, list) and len(label) == 1:
        label = label[0]
    if not isinstance(label, str) or not label.strip():
        raise ValueError(f"{_odd(given)}: its label is no name")
    if isinstance(own, str) and text[start:end] != own:
        # JavaScript counts an emoji twice.
        units = utf16_units(text, start), utf16_units(text, end)
        start, end = units if text[slice(*units)] == own else (start, end)
        if text[start:end] != own:
            raise ValueError(f"{_odd(given)}: there is {text[start:end]!r:.40} in its place")
    if not 0 <= start < end <= len(text):
        raise ValueError(f"{_odd(given)}: it is not within the text, which has {len(text)} characters")
    start, end = start + len(text[start:end]) - len(text[start:end].lstrip()), start + len(text[start:end].rstrip())
    if start >= end:
        raise ValueError(f"{_odd(given)}: there is nothing but white space in it")
    return _Span(start, end, label.strip())


def _odd(given: Any) -> str:
    return f"the span {shortened(given)}"


def _is_span(value: Any) -> bool:
    if isinstance(value, Mapping):
        return all(_key(value, names) for names in (_STARTS, _ENDS, _LABELS))
    if not isinstance(value, list | tuple) or len(value) != 3:
        return False
    return all(type(one) is int for one in value[:2]) and isinstance(value[2], str)


def _key(value: Mapping[str, Any], names: Sequence[str]) -> str:
    return next((name for name in names if name in value), "")
