"""Exact match and F1 of answer strings, as the official SQuAD v1.1 and MLQA scripts compute them."""

from __future__ import annotations

import re
import string
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

from adapterstilts.errors import unknown


@dataclass(frozen=True)
class AnswerText:
    """How a scorer compares two answers.

    Attributes:
        normalize: Answer to the text that exact match compares.
        split: That text to the tokens that F1 counts: by default, what stands between spaces.
    """

    normalize: Callable[[str], str]
    split: Callable[[str], list[str]] = str.split

    def exact_match(self, prediction: str, gold: str) -> float:
        """1.0 if both are the same after normalisation, else 0.0."""
        return float(self.normalize(prediction) == self.normalize(gold))

    def f1(self, prediction: str, gold: str) -> float:
        """Harmonic mean of token precision and recall, between 0 and 1."""
        predicted, expected = self.split(self.normalize(prediction)), self.split(self.normalize(gold))
        common = sum((Counter(predicted) & Counter(expected)).values())
        if common == 0:
            return 0.0
        precision, recall = common / len(predicted), common / len(expected)
        return 2 * precision * recall / (precision + recall)

    def best(self, prediction: str, golds: Sequence[str]) -> dict[str, float]:
        """Best exact match and best F1 over the gold answers, in percent."""
        return {
            "exact_match": 100 * max(self.exact_match(prediction, gold) for gold in golds),
            "f1": 100 * max(self.f1(prediction, gold) for gold in golds),
        }


_ENGLISH_ARTICLES = re.compile(r"\b(a|an|the)\b")
_ASCII_PUNCTUATION = str.maketrans("", "", string.punctuation)


def _normalize_squad(text: str) -> str:
    without_punctuation = text.lower().translate(_ASCII_PUNCTUATION)
    return " ".join(_ENGLISH_ARTICLES.sub(" ", without_punctuation).split())


SQUAD = AnswerText(normalize=_normalize_squad)
"""Used by SQuAD, and by XQuAD and TyDiQA in every language (XTREME's `evaluate_squad.py`)."""

# MLQA's script strips these per language; Hindi and Chinese have none.
_MLQA_ARTICLES = {
    "ar": re.compile(r"\sال^|ال"),
    "de": re.compile(r"\b(ein|eine|einen|einem|eines|einer|der|die|das|den|dem|des)\b"),
    "en": _ENGLISH_ARTICLES,
    "es": re.compile(r"\b(un|una|unos|unas|el|la|los|las)\b"),
    "hi": None,
    "vi": re.compile(r"\b(của|là|cái|chiếc|những)\b"),
    "zh": None,
}


@lru_cache(maxsize=4096)
def _is_mlqa_punctuation(character: str) -> bool:
    return unicodedata.category(character).startswith("P") or character in string.punctuation


def _split_mixed(text: str) -> list[str]:
    """Splits at spaces, and takes each Han character and each punctuation mark as a token of its own."""
    tokens: list[str] = []
    word = ""
    for character in text:
        if "\u4e00" <= character <= "\u9fa5" or _is_mlqa_punctuation(character):
            tokens += [*word.split(), character]
            word = ""
        else:
            word += character
    return tokens + word.split()


@cache
def mlqa(language: str) -> AnswerText:
    """MLQA's comparison for answers in `language` (`mlqa_evaluation_v1.py`).

    Raises:
        UsageError: MLQA's scorer has no rules for `language`.
    """
    if language not in _MLQA_ARTICLES:
        raise unknown("language of MLQA's scorer", language, _MLQA_ARTICLES)
    articles = _MLQA_ARTICLES[language]
    split = _split_mixed if language == "zh" else str.split

    def normalize(text: str) -> str:
        kept = "".join(character for character in text.lower() if not _is_mlqa_punctuation(character))
        without_articles = articles.sub(" ", kept) if articles else kept
        return " ".join(split(without_articles))

    return AnswerText(normalize=normalize)
