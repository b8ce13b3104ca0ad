"""Answer strings of languages without spaces, or whose words have endings: by characters, as their data sets do."""

from __future__ import annotations

import re
import string
from dataclasses import dataclass

from adapterstilts.metrics.answer_text import AnswerText

_KORQUAD_MARKS = re.compile("['\"《》<>〈〉()‘’]")
_ASCII_PUNCTUATION = str.maketrans("", "", string.punctuation)
_CMRC_MARKS = str.maketrans("", "", "-:_*^/\\~`+=，。：？！“”；’《》…·、「」（）－～『』")
_CMRC_TOKEN = re.compile(r"[\u4e00-\u9fa5]|[^\W\u4e00-\u9fa5]+|[^\w\s]")


def _normalize_korquad(text: str) -> str:
    marked = _KORQUAD_MARKS.sub(" ", text).lower()
    return " ".join(marked.translate(_ASCII_PUNCTUATION).split())


def _characters(text: str) -> list[str]:
    return [character for character in text if not character.isspace()]


KORQUAD = AnswerText(normalize=_normalize_korquad, split=_characters)
"""KorQuAD 1.0's comparison (`evaluate-v1.0.py`): F1 counts characters. JGLUE scores JSQuAD by characters too."""


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


CMRC = LongestCommonPart(normalize=lambda text: text.lower().strip().translate(_CMRC_MARKS), split=_CMRC_TOKEN.findall)
"""CMRC 2018's comparison (`cmrc2018_evaluate.py`): Chinese characters and words of other scripts are tokens.

It splits text of other scripts by NLTK's rules for English, of which this has those for words and punctuation.
"""
