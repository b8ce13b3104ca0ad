"""LAReQA: questions, and the sentences among which the one with the answer is to be found."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from adapterstilts.data.bad_rows import BadRows, Omitted
from adapterstilts.data.formats.answer_sentences import (
    Asked,
    Breaks,
    ranked_rows,
    training_row,
    with_answers_elsewhere,
)
from adapterstilts.data.formats.registry import Records, register
from adapterstilts.data.formats.squad import Paragraph, paragraphs, questions
from adapterstilts.parsed import as_list, as_whole_number, get_list


@register("lareqa", "XQuAD-R JSON", "the same in other languages", required=1, more=True)
def read_lareqa(paths: tuple[Path, ...], language: str, bad: BadRows) -> Records:
    """XQuAD-R: SQuAD JSON whose paragraphs have `sentence_breaks`; gives retrieval rows.

    Queries are the questions, candidates all sentences: see `ranked_rows`.

    Args:
        paths: The file of `language`, then those of further languages, named `<language>.json`: their right answers
            are right for the question in `language` too. They may include the first file again.
    """
    others = (_rows(path, path.stem, bad) for path in paths[1:] if path != paths[0])
    return with_answers_elsewhere(_rows(paths[0], language, bad), others)


def _rows(path: Path, language: str, bad: BadRows) -> Records:
    return ranked_rows(_asked(path, bad), language, str(path), bad)


def _asked(path: Path, bad: BadRows) -> Iterator[Asked]:
    """The usable paragraphs of a file."""
    for paragraph in paragraphs(path, bad):
        try:
            breaks = _given_breaks(paragraph)
        except ValueError as error:
            bad.report(path, paragraph.where, str(error))
            continue
        asked = questions(paragraph, path, bad)
        yield Asked(paragraph.where, paragraph.number, paragraph.context, breaks, asked)


def _given_breaks(paragraph: Paragraph) -> Breaks:
    return [_break(pair, len(paragraph.context)) for pair in get_list(paragraph.record, "sentence_breaks")]


def _break(pair: Any, length: int) -> tuple[int, int]:
    """Start and end of a sentence in a context of `length` characters."""
    reason = f"the sentence break {pair} is not a start and an end inside the context"
    offsets = [as_whole_number(number, reason) for number in as_list(pair, reason)]
    if len(offsets) != 2 or not 0 <= offsets[0] < offsets[1] <= length:
        raise ValueError(reason)
    return offsets[0], offsets[1]


@register("lareqa_squad", "SQuAD JSON")
def read_lareqa_squad(paths: tuple[Path, ...], language: str, bad: BadRows) -> Records:
    """Training rows for LAReQA from SQuAD: each question with the sentence in which its first answer begins.

    Sentences are found by `sentence_breaks`; their paragraph is their context. Questions without answer are omitted.
    """
    seen: set[str] = set()
    for paragraph in paragraphs(paths[0], bad):
        for where, question in questions(paragraph, paths[0], bad):
            if question["id"] in seen:
                bad.report(paths[0], where, "the id is used twice")
                continue
            seen.add(question["id"])
            try:
                row = training_row(question, paragraph.context)
            except Omitted as reason:
                bad.omit(str(reason))
            except ValueError as error:
                bad.report(paths[0], where, str(error))
            else:
                yield where, row
