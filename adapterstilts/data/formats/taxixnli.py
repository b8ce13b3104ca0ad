"""TaxiXNLI's diagnostic set: pairs of XNLI, with the kinds of reasoning that they take."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from adapterstilts.data.bad_rows import BadRows
from adapterstilts.data.formats.registry import Records, register
from adapterstilts.data.formats.tables import read_tsv
from adapterstilts.errors import DataError

_PAIR = ("text_a", "text_b", "label")
_IDS = ("pairID", "promptID", "sentence1", "sentence2", "gold_label")
_YES, _MARKS = "1", ("1", "0", "-1")


@register("taxixnli", "annotated English pairs", "XNLI in English", "XNLI in the language")
def read_taxixnli(paths: tuple[Path, ...], language: str, bad: BadRows) -> Records:
    """`original/diagnostic-en-combined.tsv` beside XTREME's XNLI; gives {text_a, text_b, label, categories}.

    It says of English pairs of XNLI's test set which kinds of reasoning they take: 1 yes, 0 no, -1 not annotated. The
    pairs of other languages are those in the same lines.

    Raises:
        DataError: XNLI's files do not have equally many lines, or none of the pairs is there.
    """
    annotated = list(read_tsv(paths[:1], "en", bad))
    english, own = (_pairs(path, language, bad) for path in paths[1:])
    if len(english) != len(own):
        raise DataError(
            f"{paths[1]} has {len(english)} pairs, and {paths[2]} has {len(own)}.",
            remedy="Download both again: they do not belong together.",
        )
    lines = {_key(pair["text_a"], pair["text_b"]): number for number, pair in enumerate(english)}
    found = 0
    for where, record in annotated:
        try:
            categories = _categories(record)
        except ValueError as error:
            bad.report(paths[0], where, str(error))
            continue
        number = lines.get(_key(record["sentence1"], record["sentence2"]))
        if number is None:
            bad.omit("XNLI's file lacks the pair")
            continue
        found += 1
        yield where, {**own[number], "id": record["pairID"], "categories": categories}
    if not found:
        raise DataError(f"{paths[1]} has none of the pairs of {paths[0]}.", remedy="Give XNLI's test set.")


def _pairs(path: Path, language: str, bad: BadRows) -> list[dict[str, Any]]:
    return [record for _, record in read_tsv((path,), language, bad, columns=_PAIR)]


def _categories(record: dict[str, Any]) -> list[str]:
    """The kinds of reasoning of a pair; ValueError says what is wrong with it."""
    if absent := [name for name in _IDS if name not in record]:
        raise ValueError(f"it has no column {absent[0]!r}")
    marks = {name: value.strip() for name, value in record.items() if name not in _IDS}
    if odd := [name for name, value in marks.items() if value not in _MARKS]:
        raise ValueError(f"{odd[0]!r} is {record[odd[0]]!r} instead of 1, 0 or -1")
    return [name for name, value in marks.items() if value == _YES]


def _key(*texts: str) -> tuple[str, ...]:
    """Texts without what files differ in: white space, and marks around them."""
    return tuple(" ".join(text.replace('""', '"').split()).strip('" ') for text in texts)
