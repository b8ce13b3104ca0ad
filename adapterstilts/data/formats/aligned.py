"""Sentences in two languages, of which some are translations of each other: the rows of retrieval, and BUCC's files."""

from __future__ import annotations

from collections.abc import Container
from pathlib import Path
from typing import Any

from adapterstilts.data.bad_rows import BadRows
from adapterstilts.data.formats.files import check_unicode, read_lines
from adapterstilts.data.formats.registry import Records, register


def side(id_: str, text: str, *, gold: list[str] | None = None, context: str = "") -> dict[str, Any]:
    """A retrieval row without an answer of its own: a query if `gold` is given, else a candidate."""
    return {
        "id": id_,
        "side": "candidate" if gold is None else "query",
        "text": text,
        "context": context,
        "gold": gold or [],
        "positive": "",
        "positive_context": "",
    }


@register("bucc", "source sentences", "English sentences", "gold pairs", required=2)
def read_bucc(paths: tuple[Path, ...], language: str, bad: BadRows) -> Records:
    """BUCC 2018: `id TAB sentence` in two files, `source id TAB English id` in the third.

    Source sentences are the queries and keep their ids, as English ones do; most have no partner. XTREME's download
    deletes the gold pairs of its test split, which are those of BUCC's training set (`*.training.gold`): without the
    third file no query has a partner.
    """
    source, english = (_with_ids(path, bad) for path in paths[:2])
    gold = _gold_pairs(paths, source, english, bad) if len(paths) > 2 else {}
    for id_, (where, text) in source.items():
        yield where, side(id_, text, gold=gold.get(id_, []))
    for id_, (where, text) in english.items():
        yield where, {**side(id_, text), "language": "en"}


def _gold_pairs(
    paths: tuple[Path, ...], source: Container[str], english: Container[str], bad: BadRows
) -> dict[str, list[str]]:
    """Source id to the English ids that the third file pairs it with."""
    gold: dict[str, list[str]] = {}
    for number, line in read_lines(paths[2]):
        try:
            columns = line.split("\t")
            if len(columns) != 2:
                raise ValueError(f"it has {len(columns)} columns instead of 2 (source id, English id)")
            check_unicode(line)
            for id_, known, path in zip(columns, (source, english), paths, strict=False):
                if id_.strip() not in known:
                    raise ValueError(f"the id {id_.strip()!r} is not in {path.name}")
            one, other = (id_.strip() for id_ in columns)
            if other in gold.get(one, []):
                raise ValueError(f"the pair {one} {other} is given twice")
        except ValueError as error:
            bad.report(paths[2], f"line {number}", str(error))
            continue
        gold.setdefault(one, []).append(other)
    return gold


def _with_ids(path: Path, bad: BadRows) -> dict[str, tuple[str, str]]:
    """Id to (where, sentence)."""
    found: dict[str, tuple[str, str]] = {}
    for number, line in read_lines(path):
        id_, tab, text = line.partition("\t")
        try:
            check_unicode(line)
            if not tab or not id_.strip():
                raise ValueError("it is not an id, a tab and a sentence")
            if not text.strip():
                raise ValueError("the sentence is empty")
            if id_.strip() in found:
                raise ValueError(f"the id {id_.strip()!r} is used twice")
        except ValueError as error:
            bad.report(path, f"line {number}", str(error))
            continue
        found[id_.strip()] = (f"line {number} of {path.name}", text.strip())
    return found
