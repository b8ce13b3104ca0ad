"""Multiple choice: reading comprehension, the ends of stories, and what a pronoun or blank stands for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from adapterstilts.data.records.choices import choice_row
from adapterstilts.data.records.fields import RECORDS, Record, Row, index_of, is_hidden, text_of
from adapterstilts.languages import canonical
from adapterstilts.parsed import as_list, as_text, from_json, get_texts

_LETTERS = "ABCD"
_BLANK = "_"
# What tokenizers for English write for quotation marks.
_QUOTES = ("``", "''")
# What XWinograd calls languages whose code is another one.
_XWINOGRAD = {"jp": "ja"}


@RECORDS.register("belebele")
def belebele(record: Record, language: str) -> Row:
    """Belebele's JSON lines or facebook/belebele: a passage of FLORES-200, and four answers numbered from 1."""
    choices = [text_of(record, f"mc_answer{number}", may_be_empty=True) for number in range(1, 5)]
    label = index_of(record.get("correct_answer_num"), len(choices), first=1)
    return choice_row(text_of(record, "flores_passage"), text_of(record, "question"), choices, label)


@RECORDS.register("race")
def race(record: Record, language: str) -> Row:
    """RACE's questions as the `race` format gives them, or ehovy/race; the right answer is a letter."""
    choices = get_texts(record, "options", "'options' is missing or not a list of texts")
    answer = record.get("answer")
    if not is_hidden(answer) and answer not in tuple(_LETTERS[: len(choices)]):
        raise ValueError(f"the answer {answer!r} is not one of {', '.join(_LETTERS[: len(choices)])}")
    label = -1 if is_hidden(answer) else _LETTERS.index(str(answer))
    return choice_row(text_of(record, "article"), text_of(record, "question"), choices, label)


@RECORDS.register("xstorycloze")
def xstorycloze(record: Record, language: str) -> Row:
    """Story Cloze's columns, or those of juletxara/xstory_cloze: four sentences, and two that may follow."""
    story = [text_of(record, f"InputSentence{number}", f"input_sentence_{number}") for number in range(1, 5)]
    names = [(f"RandomFifthSentenceQuiz{number}", f"sentence_quiz{number}") for number in (1, 2)]
    choices = [text_of(record, *both) for both in names]
    answer = record.get("AnswerRightEnding", record.get("answer_right_ending"))
    return choice_row(" ".join(story), "", choices, index_of(answer, len(choices), first=1))


@RECORDS.register("winogrande")
def winogrande(record: Record, language: str) -> Row:
    """WinoGrande's JSON lines or allenai/winogrande: a sentence with a blank, and two that may stand there.

    As its authors train on it, each choice is one of the two with what follows the blank.
    """
    sentence = text_of(record, "sentence")
    if sentence.count(_BLANK) != 1:
        raise ValueError(f"the sentence has {sentence.count(_BLANK)} blanks instead of one")
    options = [text_of(record, f"option{number}") for number in (1, 2)]
    before, _, after = sentence.partition(_BLANK)
    return _filled(before, options, after, index_of(record.get("answer"), len(options), first=1))


@RECORDS.register("xwinograd")
def xwinograd(record: Record, language: str) -> Row | list[Row]:
    """XWinograd's table, which has all languages in one: a sentence, its pronoun, and what that may stand for.

    The pronoun is where a sentence of WinoGrande has its blank.
    """
    own = text_of(record, "language")
    if canonical(_XWINOGRAD.get(own, own)) != language:
        return []
    sentence = text_of(record, "sentence")
    tokens = [as_text(one, "a token is no text") for one in _list(record, "tokens")]
    start, end = _span(_list(record, "pronoun"), tokens)
    candidates = [as_list(one, "a candidate is not a list") for one in _list(record, "candidates")]
    right = [number for number, one in enumerate(candidates) if one[-1] is True]
    if len(right) != 1:
        raise ValueError(f"{len(right)} candidates are right instead of one")
    places = _places(sentence, tokens)
    options = [as_text(one[0], "a candidate has no text") for one in candidates]
    return _filled(sentence[: places[start][0]], options, sentence[places[end - 1][1] :], right[0])


def _filled(before: str, options: Sequence[str], after: str, label: int) -> Row:
    return choice_row(before.strip(), "", [f"{option}{after}".strip() for option in options], label)


def _list(record: Record, name: str) -> list[Any]:
    try:
        found = from_json(text_of(record, name))
    except ValueError as error:
        raise ValueError(f"{name!r} is not JSON ({getattr(error, 'msg', error)})") from None
    return as_list(found, f"{name!r} is not a list")


def _span(given: Sequence[Any], tokens: Sequence[str]) -> tuple[int, int]:
    """Numbers of the first token of a pronoun, and of the one after it."""
    match given:
        case [_, [int(start), int(end)], *_] if 0 <= start < end <= len(tokens):
            return start, end
    raise ValueError("the pronoun does not say which of the tokens it is")


def _places(sentence: str, tokens: Sequence[str]) -> list[tuple[int, int]]:
    """Where each token begins and ends in the sentence."""
    found, at = [], 0
    for given in tokens:
        token = '"' if given in _QUOTES else given
        start = sentence.find(token, at)
        if start < 0:
            raise ValueError(f"the token {token!r} is not in the sentence where it should be")
        at = start + len(token)
        found.append((start, at))
    return found
