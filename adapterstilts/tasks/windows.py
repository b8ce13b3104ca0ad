"""A question with each window of a long context, as the published question-answering scripts cut them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from adapterstilts.settings import Encoding

# What a separator of our own can be, the first that the tokenizer keeps.
_SEPARATORS = ("\n", " | ", " . ")
# How much a longer window counts when two have equally much context on the shorter side.
_PER_TOKEN = 0.01


@dataclass(frozen=True)
class Frame:
    """What a tokenizer puts around and between two texts, in tokens.

    Attributes:
        before: Ids in front of the first, and `between` and `after` likewise.
        types: Token types of the five parts: before, first, between, second, after.
    """

    before: list[int]
    between: list[int]
    after: list[int]
    types: tuple[list[int], int, list[int], int, list[int]]

    @classmethod
    def of(cls, tokenizer: Any) -> Frame:
        """The frame of a fast tokenizer."""
        backend = tokenizer.backend_tokenizer
        backend.no_truncation()
        backend.no_padding()
        probe = backend.encode("a", "a")
        owners = probe.sequence_ids
        first = [place for place, owner in enumerate(owners) if owner == 0]
        second = [place for place, owner in enumerate(owners) if owner == 1]
        parts = [slice(0, first[0]), slice(first[-1] + 1, second[0]), slice(second[-1] + 1, len(owners))]
        (before, before_types), (between, between_types), (after, after_types) = (
            (probe.ids[part], probe.type_ids[part]) for part in parts
        )
        types = (before_types, probe.type_ids[first[0]], between_types, probe.type_ids[second[0]], after_types)
        return cls(before, between, after, types)

    @property
    def tokens(self) -> int:
        """How many tokens it adds."""
        return len(self.before) + len(self.between) + len(self.after)

    def around(self, first: Sequence[int], second: Sequence[int]) -> tuple[list[int], list[int]]:
        """Ids and token types of two texts."""
        before, one, between, other, after = self.types
        ids = [*self.before, *first, *self.between, *second, *self.after]
        return ids, [*before, *[one] * len(first), *between, *[other] * len(second), *after]


@dataclass(frozen=True)
class Window:
    """A stretch of a context behind its question.

    Attributes:
        first: Place of the first context token among `ids`.
        spans: First and last character of each context token.
        central: Of each context token, whether no other window has more context around it.
    """

    ids: list[int]
    types: list[int]
    first: int
    spans: list[tuple[int, int]]
    central: list[bool]


def own_separator(tokenizer: Any) -> str:
    """The text between two texts of an input; empty where the tokenizer has tokens of its own for that."""
    if Frame.of(tokenizer).between:
        return ""
    for text in _SEPARATORS:
        ids = tokenizer(text, add_special_tokens=False)["input_ids"]
        if ids and tokenizer.unk_token_id not in ids and (text.strip() or tokenizer.decode(ids).count("\n")):
            return text
    return _SEPARATORS[-1]


def windows(
    questions: Sequence[str], contexts: Sequence[str], *, tokenizer: Any, encoding: Encoding
) -> Iterator[list[Window]]:
    """The windows of each question's context, every one `encoding.stride` tokens further than the one before it.

    Each context is tokenised once. Which windows there are, and which of them has most context around a token, is as in
    `squad_convert_example_to_features` of XTREME's and jiant's scripts.

    Args:
        questions: No longer than `encoding.max_query_length` tokens.
    """
    frame = Frame.of(tokenizer)
    separated = [question + encoding.separator for question in questions]
    asked = tokenizer(separated, add_special_tokens=False)["input_ids"]
    closing = tokenizer(encoding.separator, add_special_tokens=False)["input_ids"] if encoding.separator else []
    after = closing if encoding.causal and not frame.after else []
    distinct = list(dict.fromkeys(contexts))
    found = tokenizer(distinct, add_special_tokens=False, return_offsets_mapping=True)
    tokens = dict(zip(distinct, zip(found["input_ids"], found["offset_mapping"], strict=True), strict=True))
    for question, context in zip(asked, contexts, strict=True):
        ids, spans = tokens[context]
        room = max(encoding.max_length - frame.tokens - len(question) - len(after), 0)
        # A separator of our own takes room that the stride may have counted on.
        starts = _starts(len(ids), room, min(encoding.stride, room))
        central = _central([(start, min(room, len(ids) - start)) for start in starts])
        made = []
        for start, within in zip(starts, central, strict=True):
            framed, types = frame.around(question, ids[start : start + room] + after)
            first = len(frame.before) + len(question) + len(frame.between)
            made.append(Window(framed, types, first, [tuple(one) for one in spans[start : start + room]], within))
        yield made


def _starts(length: int, room: int, stride: int) -> list[int]:
    """Where the windows of a context of `length` tokens start; an empty one has one window."""
    return [number * stride for number in range(-(-max(length - room, 0) // stride) + 1)] if room else [0]


def _central(parts: Sequence[tuple[int, int]]) -> list[list[bool]]:
    """For each (start, length), of each of its tokens whether it is the first among those with most context."""
    if len(parts) == 1:
        return [[True] * parts[0][1]]
    end = max(start + length for start, length in parts)
    context = np.full((len(parts), end), -np.inf)
    for number, (start, length) in enumerate(parts):
        place = np.arange(length)
        context[number, start : start + length] = np.minimum(place, length - 1 - place) + _PER_TOKEN * length
    best = context.argmax(axis=0)
    return [(best[start : start + length] == number).tolist() for number, (start, length) in enumerate(parts)]
