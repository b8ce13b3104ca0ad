"""Questions and the sentences that answer them, as retrieval rows, wherever the paragraphs come from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from adapterstilts.data.bad_rows import BadRows, Omitted
from adapterstilts.data.formats.aligned import side
from adapterstilts.data.formats.registry import Records
from adapterstilts.data.formats.sentences import sentence_breaks

_OMITTED = "the answer begins in no sentence"
Breaks = list[tuple[int, int]]


@dataclass(frozen=True)
class Asked:
    """A paragraph whose sentences are known, and the questions on it.

    Attributes:
        number: How many paragraphs come before it.
        breaks: (start, end) character offsets of its sentences.
        questions: (place, {id, question, answers}) of each question.
    """

    where: str
    number: int
    context: str
    breaks: Breaks
    questions: Records


def ranked_rows(paragraphs: Iterable[Asked], language: str, where: str, bad: BadRows) -> Records:
    """Queries and candidates of one language: the questions, and all sentences with their paragraph as context.

    Ids are those of XTREME-R's `third_party/utils_lareqa.py`: `<question>_<language>` and `<language>_<paragraph from
    1>_<sentence from 0>`. Right are the sentence in which the first answer begins and those of its paragraph that equal
    it.

    Args:
        where: What the paragraphs are from, for errors.
    """
    seen: set[str] = set()
    for paragraph in paragraphs:
        texts = [paragraph.context[start:end] for start, end in paragraph.breaks]
        ids = [f"{language}_{paragraph.number + 1}_{position}" for position in range(len(texts))]
        for place, question in paragraph.questions:
            if question["id"] in seen:
                bad.report(where, place, "the id is used twice")
                continue
            seen.add(question["id"])
            sentence = _sentence_of_answer(question, paragraph.breaks)
            if sentence is None:
                bad.omit(_OMITTED)
                continue
            gold = [id_ for id_, text in zip(ids, texts, strict=True) if text == texts[sentence]]
            yield place, side(f"{question['id']}_{language}", question["question"], gold=gold)
        for id_, text in zip(ids, texts, strict=True):
            yield f"sentence {id_!r} of {paragraph.where}", side(id_, text, context=paragraph.context)


def with_answers_elsewhere(own: Records, others: Iterable[Records]) -> Records:
    """Rows of one language, with what is right for the same question in other languages right in this one too."""
    elsewhere: dict[str, list[str]] = {}
    for rows in others:
        for question, row in _queries(rows):
            elsewhere.setdefault(question, []).extend(row["gold"])
    for where, row in own:
        if row["side"] == "query":
            row["gold"] += elsewhere.get(_question(row), [])
        yield where, row


def _queries(rows: Records) -> Iterator[tuple[str, dict[str, Any]]]:
    return ((_question(row), row) for _, row in rows if row["side"] == "query")


def _question(row: Mapping[str, Any]) -> str:
    """The id of a question, which is the same in all languages."""
    return row["id"].rpartition("_")[0]


def training_row(question: Mapping[str, Any], context: str) -> dict[str, Any]:
    """A question with the sentence in which its first answer begins; sentences are found by `sentence_breaks`.

    Args:
        question: {id, question, answers}.

    Raises:
        Omitted: The question has no answer, or none that begins in a sentence.
        ValueError: The first answer is not where its offset says.
    """
    if not question["answers"]["text"]:
        raise Omitted("the question has no answer")
    _check_offset(question, context)
    breaks = sentence_breaks(context)
    sentence = _sentence_of_answer(question, breaks)
    if sentence is None:
        raise Omitted(_OMITTED)
    start, end = breaks[sentence]
    return {
        **side(question["id"], question["question"], gold=[]),
        "positive": context[start:end],
        "positive_context": context,
    }


def _sentence_of_answer(question: Mapping[str, Any], breaks: Breaks) -> int | None:
    """Position of the sentence in which the first answer begins."""
    for at in question["answers"]["answer_start"][:1]:
        for position, (start, end) in enumerate(breaks):
            if start <= at < end:
                return position
    return None


def _check_offset(question: Mapping[str, Any], context: str) -> None:
    text, start = question["answers"]["text"][0], question["answers"]["answer_start"][0]
    found = context[max(start, 0) : max(start, 0) + len(text)]
    if start < 0 or found != text:
        raise ValueError(f"the answer {text!r} is not at offset {start}, where the context has {found!r}")
