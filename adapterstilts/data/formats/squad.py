"""SQuAD's JSON: articles, their paragraphs, and questions on each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from adapterstilts.data.bad_rows import BadRows, Omitted
from adapterstilts.data.formats.answers import Answer, Unit, answers_of, given_answers, unit_of
from adapterstilts.data.formats.files import check_unicode, read_json
from adapterstilts.data.formats.registry import Records, register
from adapterstilts.errors import DataError
from adapterstilts.parsed import as_object, get_list, get_text

_NO_CONTEXT = "the context is missing or empty"
_NO_QUESTION = "the question is empty"


@register("squad_json", "SQuAD JSON")
def read_squad_json(
    paths: tuple[Path, ...], language: str, bad: BadRows, *, unasked: Literal["bad", "omitted"] = "bad"
) -> Records:
    """SQuAD v1.1 and v2.0 JSON, as XQuAD and MLQA use it too, with titles or without; gives canonical rows.

    XTREME's download empties the answers of its test files: `[{"answer_start": 0, "text": ""}]` is read as none.
    Where the answers of a file are found only if its offsets count UTF-16 units or bytes, they are read as such.

    Args:
        unasked: What an answer without a question is: a bad row, or one that is left out and counted.
    """
    seen: set[str] = set()
    for where, row in _squad_rows(paths[0], bad, unasked=unasked == "omitted"):
        if row["id"] in seen:
            bad.report(paths[0], where, "the id is used twice")
            continue
        seen.add(row["id"])
        yield where, row


@register("tydiqa_json", "SQuAD JSON of one language")
def read_tydiqa_json(paths: tuple[Path, ...], language: str, bad: BadRows) -> Records:
    """TyDiQA-GoldP in one file per language: SQuAD JSON without titles, questions numbered within their document.

    Such numbers come back in other documents, so from its second use on an id gets a suffix: `0`, `0#2`, `0#3`.
    Emptied answers are read as in `squad_json`.
    """
    uses: Counter[str] = Counter()
    for where, row in _squad_rows(paths[0], bad):
        uses[row["id"]] += 1
        if uses[row["id"]] > 1:
            row["id"] += f"#{uses[row['id']]}"
        yield where, row


@dataclass(frozen=True)
class Paragraph:
    """A paragraph with a context and a list of questions.

    Attributes:
        number: How many paragraphs of the file come before it, bad ones included.
        record: The JSON object that it is read from.
        unit: In what its document's offsets count.
    """

    where: str
    number: int
    context: str
    questions: list[Any]
    record: dict[str, Any]
    unit: Unit


def paragraphs(path: Path, bad: BadRows) -> Iterator[Paragraph]:
    """The usable paragraphs of a SQuAD document."""
    found = list(_objects(read_json(path), path, bad))
    unit = unit_of(one for _, paragraph, _ in found for one in _answers_there(paragraph))
    for total, (article, paragraph, position) in enumerate(found):
        where = f"paragraph {position} of article {article}"
        try:
            context = get_text(paragraph, "context", _NO_CONTEXT)
            if not context.strip():
                raise ValueError(_NO_CONTEXT)
            questions = get_list(paragraph, "qas")
        except ValueError as error:
            bad.report(path, where, str(error))
        else:
            yield Paragraph(where, total, context, questions, paragraph, unit)


def _answers_there(paragraph: dict[str, Any]) -> Iterator[tuple[str, Answer]]:
    """(context, answer) of what can be read of a paragraph."""
    try:
        context, asked = get_text(paragraph, "context"), get_list(paragraph, "qas")
        yield from ((context, one) for question in asked for one in given_answers(as_object(question, "")))
    except ValueError:
        return  # it is reported where it is read


def questions(
    paragraph: Paragraph, path: Path, bad: BadRows, *, emptied: bool = False, unasked: bool = False
) -> Records:
    """(where, {id, question, answers}) of every good question on a paragraph.

    Args:
        emptied: Read answers that a benchmark has emptied as none, instead of as bad ones.
        unasked: Leave out answers without a question, instead of reading them as bad ones.
    """
    for position, question in enumerate(paragraph.questions):
        try:
            check_unicode(paragraph.context)
            row = _question(question, paragraph, emptied, unasked)
        except Omitted as reason:
            bad.omit(str(reason))
            continue
        except ValueError as error:
            bad.report(path, f"question {position} of {paragraph.where}", str(error))
            continue
        yield f"question {row['id']!r} of {paragraph.where}", row


def _squad_rows(path: Path, bad: BadRows, *, unasked: bool = False) -> Records:
    """(where, row) of every good question of a SQuAD document."""
    for paragraph in paragraphs(path, bad):
        for where, row in questions(paragraph, path, bad, emptied=True, unasked=unasked):
            yield where, {"context": paragraph.context, **row}


def _objects(document: Any, path: Path, bad: BadRows) -> Iterator[tuple[int, dict[str, Any], int]]:
    """(article number, paragraph, its number in the article) of every paragraph in a SQuAD document."""
    try:
        articles = get_list(document, "data", f"{path}: no list under 'data'.")
    except ValueError as error:
        raise DataError(str(error), remedy="The file is not in SQuAD's format.") from None
    for number, article in enumerate(articles):
        try:
            found = get_list(article, "paragraphs")
        except ValueError as error:
            bad.report(path, f"article {number}", str(error))
            continue
        for position, value in enumerate(found):
            try:
                paragraph = as_object(value, "it is not an object")
            except ValueError as error:
                bad.report(path, f"paragraph {position} of article {number}", str(error))
            else:
                yield number, paragraph, position


def _question(question: Any, paragraph: Paragraph, emptied: bool, unasked: bool) -> dict[str, Any]:
    """The id, question and answers of one entry of `qas`; ValueError says what is wrong with it."""
    text, id_ = get_text(question, "question"), question.get("id")
    if not text.strip():
        raise Omitted(_NO_QUESTION) if unasked else ValueError(_NO_QUESTION)
    check_unicode(text, str(id_))
    if not isinstance(id_, str | int):
        raise ValueError("'id' is missing")
    answers = answers_of(question, may_be_emptied=emptied)
    starts = [paragraph.unit(paragraph.context, start) if start >= 0 else start for _, start in answers]
    return {
        "id": str(id_),
        "question": text,
        "answers": {"text": [answer for answer, _ in answers], "answer_start": starts},
    }
