"""Rows in another language, from sentences in it.

Models for translation are trained on sentences, and read a few hundred tokens at most.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from adapterstilts.data.formats.sentences import sentence_breaks
from adapterstilts.data.translation.markers import mark, unmark
from adapterstilts.errors import UsageError
from adapterstilts.tasks.kind import Kind, Row
from adapterstilts.tasks.recipe import Recipe
from adapterstilts.tasks.translation import Lost

# Written without white space between sentences.
_UNSPACED = frozenset(("ja", "my", "th", "yue", "zh", "zh-Hant"))
# What ends sentences besides what `sentence_breaks` knows, by the language that is translated from.
_STOPS = {
    **dict.fromkeys(("ar", "fa", "ps", "ur"), "؟"),
    **{"am": "።፧", "ti": "።፧", "bo": "།", "my": "။", "shn": "။", "km": "។", "hy": "։"},
}


def stops_of(language: str) -> str:
    """The full stops of a language's own script, where these are not known for all texts."""
    return _STOPS.get(language, "")


def translate_row(kind: Kind, row: Row, into: Callable[[str], str], *, language: str) -> dict[str, Any]:
    """The row in another language, with the same id and label.

    Args:
        into: One sentence into the other language.
        language: The language that `into` gives.

    Raises:
        Lost: A text has no translation, or the answer is not to be found in it.
    """
    sentences = _Sentences(into, language, stops_of(row.get("language", "")))
    return {**row, **kind.translate(row, sentences), "language": language}


def needed_texts(kind: Kind, row: Row, *, language: str) -> list[str]:
    """The sentences that `translate_row` will ask for.

    Raises:
        Lost: The row cannot be translated at all.
    """
    asked: list[str] = []

    def remember(text: str) -> str:
        asked.append(text)
        return text

    translate_row(kind, row, remember, language=language)
    return asked


def check_translatable(task: Recipe) -> None:
    """Refuses tasks whose labels do not survive a translation.

    Raises:
        UsageError: See above.
    """
    if reason := task.build_kind().untranslatable:
        raise UsageError(
            f"{task.name} cannot be translated: {reason}.",
            remedy="Translate a task with one label, choice or answer for each row, such as xnli, copa or squad.",
        )


@dataclass(frozen=True)
class _Sentences:
    """Another language by way of its sentences: see `tasks.translation.Into`."""

    into: Callable[[str], str]
    language: str
    stops: str

    @property
    def gap(self) -> str:
        """What stands between two sentences."""
        return "" if self.language in _UNSPACED else " "

    def text(self, text: str) -> str:
        return self.gap.join(self._one(text[start:end]) for start, end in self._breaks(text))

    def with_span(self, text: str, start: int, end: int) -> tuple[str, int, int]:
        # Only the sentences that have the span are translated with marks. The others are the same for all spans.
        breaks = self._breaks(text)
        over = [number for number, (first, last) in enumerate(breaks) if first < end and last > start]
        if not over:
            raise Lost("the answer is white space")
        first, last = breaks[over[0]][0], breaks[over[-1]][1]
        marked, pair = mark(text[first:last], max(start - first, 0), min(end, last) - first)
        middle, begin, stop = unmark(self._one(marked), pair)
        before = [self._one(text[one:other]) for one, other in breaks[: over[0]]]
        after = [self._one(text[one:other]) for one, other in breaks[over[-1] + 1 :]]
        offset = sum(len(part) + len(self.gap) for part in before)
        return self.gap.join([*before, middle, *after]), offset + begin, offset + stop

    def _breaks(self, text: str) -> list[tuple[int, int]]:
        """(start, end) of the text's sentences."""
        if not self.stops:
            return sentence_breaks(text)
        found = []
        for start, end in sentence_breaks(text):
            ends = (start + stop.end() for stop in re.finditer(rf"[{self.stops}]+[\"'”’»)\]]*\s+", text[start:end]))
            found += [(one, one + len(text[one:other].rstrip())) for one, other in pairwise([start, *ends, end])]
        return found

    def _one(self, sentence: str) -> str:
        found = self.into(sentence).strip()
        if not found:
            raise Lost("the translation of a text is empty")
        return found
