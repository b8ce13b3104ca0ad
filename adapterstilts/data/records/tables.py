"""From all records of a data set on the Hub to canonical rows, where one record at a time does not say enough.

A function in `TABLES` takes the tables of several languages, the language that is wanted, and what to do with bad
records. It gives (place, row) of every row, as the readers in `data.formats` do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any, TypeAlias

from adapterstilts.data.bad_rows import BadRows
from adapterstilts.data.formats import Records
from adapterstilts.data.formats.answer_sentences import Asked, ranked_rows, with_answers_elsewhere
from adapterstilts.data.formats.sentences import sentence_breaks
from adapterstilts.data.formats.tatoeba import asked_in_english
from adapterstilts.data.records import RECORDS
from adapterstilts.data.records.fields import text_of
from adapterstilts.registry import Registry


@dataclass(frozen=True)
class Table:
    """The records of one language.

    Attributes:
        where: What they are from, for errors.
        records: (place, record) of each.
    """

    where: str
    records: Records


Tables: TypeAlias = Mapping[str, Table]
"""Language code to its table."""

TABLES: Registry[Callable[[Tables, str, BadRows], Records]] = Registry("table function")


@TABLES.register("bucc_pairs")
def bucc_pairs(tables: Tables, language: str, bad: BadRows) -> Records:
    """google/xtreme, bucc18: its pairs as the `bucc` format gives them, each sentence once; see `bucc_pair`."""
    sides: dict[str, dict[str, tuple[str, dict[str, Any]]]] = {"query": {}, "candidate": {}}
    for place, rows in _read("bucc_pair", tables[language], language, bad):
        for row in rows:
            _, known = sides[row["side"]].setdefault(row["id"], (place, row))
            known["gold"] += [id_ for id_ in row["gold"] if id_ not in known["gold"]]
    for found in sides.values():
        yield from found.values()


@TABLES.register("tatoeba_pairs")
def tatoeba_pairs(tables: Tables, language: str, bad: BadRows) -> Records:
    """google/xtreme, tatoeba: pairs of a sentence and its English translation, as the `tatoeba` format gives them."""
    pairs = [
        tuple(_sentence(record, name, place, tables[language].where, bad) for name in ("target", "source"))
        for place, record in tables[language].records
    ]
    english, other = ([pair[side] for pair in pairs] for side in range(2))
    return asked_in_english(english, other, language, range(len(pairs)))


def _sentence(record: Mapping[str, Any], name: str, place: str, where: str, bad: BadRows) -> tuple[str, str] | None:
    try:
        return place, text_of(record, f"{name}_sentence").strip()
    except ValueError as error:
        bad.report(where, place, str(error))
        return None


@TABLES.register("answer_sentences")
def answer_sentences(tables: Tables, language: str, bad: BadRows) -> Records:
    """Data sets with SQuAD's columns and parallel questions: the rows that the `lareqa` format gives.

    Equal contexts next to each other are one paragraph. Its sentences are found by `sentence_breaks`.
    """

    def rows(code: str) -> Records:
        return ranked_rows(_paragraphs(tables[code], code, bad), code, tables[code].where, bad)

    return with_answers_elsewhere(rows(language), (rows(code) for code in tables if code != language))


def _paragraphs(table: Table, language: str, bad: BadRows) -> Iterator[Asked]:
    found = _read("squad", table, language, bad)
    for number, (context, questions) in enumerate(groupby(found, key=lambda one: one[1]["context"])):
        asked = ((f"question {row['id']!r} ({place})", row) for place, row in questions)
        yield Asked(f"paragraph {number}", number, context, sentence_breaks(context), asked)


def _read(record: str, table: Table, language: str, bad: BadRows) -> Iterator[tuple[str, Any]]:
    """(place, what a record function gives) of every good record."""
    convert = RECORDS.get(record)
    for place, found in table.records:
        try:
            row = convert(found, language)
        except ValueError as error:
            bad.report(table.where, place, str(error))
        else:
            yield place, row
