"""Answer strings of languages without spaces, or whose words have endings: by characters, as their data sets do."""

from __future__ import annotations

import re
import string
from dataclasses import dataclass

from adapterstilts.metrics.answer_text import AnswerText

_KORQUAD_MARKS = re.compile("['\"《》<>〈〉()‘’]")
_ASCII_PUNCTUATION = str.maketrans("", "", string.punctuation)
# The script's list has two dots of an ellipsis as one entry, which no character of an answer equals: `…` stays.
_CMRC_MARKS = str.maketrans("", "", "-:_*^/\\~`+=，。：？！“”；’《》·、「」（）－～『』")
_HAN = re.compile(r"([\u4e00-\u9fa5])")
# What NLTK's tokenizer of English puts apart: of commas and full stops, not those within numbers and abbreviations.
_APART = tuple(
    re.compile(pattern)
    for pattern in (
        r"(?<!\.)\.(?=[\])}>\"'»”’ ]*\Z)",
        r"[«“‘„»”’]",
        r",(?!\d)",
        r"\.{2,}",
        r"[;@#$%&?!\"\[\](){}<>]",
        r"(?<=\S)(?:'(?:s|m|d|ll|re|ve)?|n't)(?=\s|\Z)",
    )
)


def _normalize_korquad(text: str) -> str:
    marked = _KORQUAD_MARKS.sub(" ", text).lower()
    return " ".join(marked.translate(_ASCII_PUNCTUATION).split())


def _characters(text: str) -> list[str]:
    return [character for character in text if not character.isspace()]


KORQUAD = AnswerText(normalize=_normalize_korquad, split=_characters)
"""KorQuAD 1.0's comparison (`evaluate-v1.0.py`): F1 counts characters."""

JSQUAD = AnswerText(normalize=lambda text: " ".join(text.lower().rstrip("。").split()), split=list)
"""JGLUE's comparison for JSQuAD (its patch of `squad_metrics.py`): all marks count but full stops at the end, and F1
counts characters, spaces among them."""


@dataclass(frozen=True)
class LongestCommonPart(AnswerText):
    """F1 of the longest run of tokens that both answers have."""

    def f1(self, prediction: str, gold: str) -> float:
        """Harmonic mean of its share in the prediction and in the gold answer, between 0 and 1."""
        predicted, expected = self.split(self.normalize(prediction)), self.split(self.normalize(gold))
        common = _longest_run(predicted, expected)
        if common == 0:
            return 0.0
        precision, recall = common / len(predicted), common / len(expected)
        return 2 * precision * recall / (precision + recall)


def _longest_run(one: list[str], other: list[str]) -> int:
    longest, row = 0, [0] * (len(other) + 1)
    for token in one:
        row = [0, *(row[at] + 1 if token == there else 0 for at, there in enumerate(other))]
        longest = max(longest, *row)
    return longest


def _cmrc_tokens(text: str) -> list[str]:
    found: list[str] = []
    for part in _HAN.split(text):
        found += [part] if _HAN.fullmatch(part) else _english_tokens(part)
    return found


def _english_tokens(text: str) -> list[str]:
    for pattern in _APART:
        text = pattern.sub(r" \g<0> ", text)
    return text.split()


CMRC = LongestCommonPart(normalize=lambda text: text.lower().strip().translate(_CMRC_MARKS), split=_cmrc_tokens)
"""CMRC 2018's comparison (`cmrc2018_evaluate.py`): Chinese characters are tokens, and what stands between them is split
as NLTK does up to 3.9, but for full stops within a text, where NLTK may see the end of a sentence."""
