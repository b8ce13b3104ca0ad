"""Readers for the files that data sets are released in: path in, canonical rows out."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from adapterstilts.data.bad_rows import BadRows
from adapterstilts.errors import DataError
from adapterstilts.registry import Registry

Reader = Callable[[Path, str, BadRows], Iterator[dict[str, Any]]]
"""Arguments: the file, the language code to write into its rows, and what to do with bad records."""

FORMATS: Registry[Reader] = Registry("file format")


def read_text(path: Path) -> str:
    """Reads a UTF-8 file whole; bytes that are not UTF-8 become surrogates, for the record they are in to be refused.

    Raises:
        DataError: The file is missing or empty.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}).", remedy="Check --data-dir.") from None
    if not data.strip():
        raise DataError(f"{path} is empty.", remedy="Download it again.")
    return data.decode("utf-8-sig", errors="surrogateescape")


def check_unicode(*texts: str) -> None:
    """Raises ValueError if a text has bytes that are not UTF-8, or half of a surrogate pair."""
    for text in texts:
        try:
            text.encode("utf-8")
        except UnicodeEncodeError as error:
            around = text[max(0, error.start - 20) : error.start].encode("utf-8", "replace").decode()
            raise ValueError(f"the text after {around!r} is not valid UTF-8") from None


def read_json(path: Path) -> Any:
    """Reads a JSON file.

    Raises:
        DataError: The file is not readable text or not JSON; the message names line and column.
    """
    text = read_text(path)
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise DataError(
            f"{path}: line {error.lineno}, column {error.colno}: not JSON ({error.msg}).",
            remedy="The file may be cut off: download it again.",
        ) from None


@FORMATS.register("squad_json")
def read_squad_json(path: Path, language: str, bad: BadRows) -> Iterator[dict[str, Any]]:
    """SQuAD v1.1 and v2.0 JSON, as XQuAD and MLQA use it too."""
    seen: set[str] = set()
    for record, row in _squad_rows(path, language, bad):
        if row["id"] in seen:
            bad.report(path, record, "the id is used twice")
            continue
        seen.add(row["id"])
        yield row


@FORMATS.register("tydiqa_json")
def read_tydiqa_json(path: Path, language: str, bad: BadRows) -> Iterator[dict[str, Any]]:
    """TyDiQA-GoldP in one file per language: SQuAD JSON without titles, questions numbered within their document.

    Such numbers come back in other documents, so from its second use on an id gets a suffix: `0`, `0#2`, `0#3`.
    """
    uses: Counter[str] = Counter()
    for _, row in _squad_rows(path, language, bad):
        uses[row["id"]] += 1
        if uses[row["id"]] > 1:
            row["id"] += f"#{uses[row['id']]}"
        yield row


def _squad_rows(path: Path, language: str, bad: BadRows) -> Iterator[tuple[str, dict[str, Any]]]:
    """(description, row) of every good question of a SQuAD document."""
    for article, paragraph, number in _paragraphs(read_json(path), path, bad):
        where = f"paragraph {number} of article {article}"
        context, questions = paragraph.get("context"), paragraph.get("qas")
        if not isinstance(context, str) or not context.strip():
            bad.report(path, where, "the context is missing or empty")
            continue
        if not isinstance(questions, list):
            bad.report(path, where, "'qas' is missing or not a list")
            continue
        for position, question in enumerate(questions):
            try:
                check_unicode(context)
                row = _question(question)
            except ValueError as error:
                bad.report(path, f"question {position} of {where}", str(error))
                continue
            yield f"question {row['id']!r} of {where}", {"context": context, "language": language, **row}


def _paragraphs(document: Any, path: Path, bad: BadRows) -> Iterator[tuple[int, dict[str, Any], int]]:
    """(article number, paragraph, paragraph number) of every paragraph in a SQuAD document."""
    articles = document.get("data") if isinstance(document, dict) else None
    if not isinstance(articles, list):
        raise DataError(f"{path}: no list under 'data'.", remedy="The file is not in SQuAD's format.")
    for number, article in enumerate(articles):
        paragraphs = article.get("paragraphs") if isinstance(article, dict) else None
        if not isinstance(paragraphs, list):
            bad.report(path, f"article {number}", "'paragraphs' is missing or not a list")
            continue
        for position, paragraph in enumerate(paragraphs):
            if isinstance(paragraph, dict):
                yield number, paragraph, position
            else:
                bad.report(path, f"paragraph {position} of article {number}", "it is not an object")


def _question(question: Any) -> dict[str, Any]:
    """The id, question and answers of one entry of `qas`; ValueError says what is wrong with it."""
    if not isinstance(question, dict) or not isinstance(question.get("question"), str):
        raise ValueError("'question' is missing or not text")
    if not question["question"].strip():
        raise ValueError("the question is empty")
    check_unicode(question["question"], str(question.get("id")))
    if not isinstance(question.get("id"), str | int):
        raise ValueError("'id' is missing")
    answers = question.get("answers")
    if not isinstance(answers, list):
        raise ValueError("'answers' is missing or not a list")
    if not answers and not question.get("is_impossible", False):
        raise ValueError("there is no answer and the question is not marked impossible")
    for answer in answers:
        _check_answer(answer)
    return {
        "id": str(question["id"]),
        "question": question["question"],
        "answers": {
            "text": [answer["text"] for answer in answers],
            "answer_start": [answer["answer_start"] for answer in answers],
        },
    }


def _check_answer(answer: Any) -> None:
    text = answer.get("text") if isinstance(answer, dict) else None
    start = answer.get("answer_start") if isinstance(answer, dict) else None
    if not isinstance(text, str) or not isinstance(start, int) or isinstance(start, bool):
        raise ValueError("an answer lacks 'text' or 'answer_start'")
    if not text.strip():
        raise ValueError("an answer is empty")
