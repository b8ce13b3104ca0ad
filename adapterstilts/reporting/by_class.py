"""What became of every class, as tables of at most 80 columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from adapterstilts.languages import LANGUAGES, context_language
from adapterstilts.reporting.sheets import Report, Sheet, columns
from adapterstilts.reporting.terminal import as_text

_WIDTH = 80
_LONGEST = 18
_SHARES = ("precision", "recall", "f1")
_COUNTS = ("support", "predicted")


def class_tables(by_language: Mapping[str, Mapping[str, Any]], width: int = _WIDTH) -> str:
    """Of each language a table of its classes, and one of which are taken for which.

    Args:
        by_language: Language to what `metrics.by_class` found.
        width: Columns of the text.
    """
    return as_text(Report([part for one in by_language.items() for part in _of_language(*one)]), width)


def _of_language(language: str, found: Mapping[str, Any]) -> Iterator[Sheet]:
    digits = len(str(len(found["classes"])))
    numbers = {name: f"{number:>{digits}}" for number, name in enumerate(found["classes"], start=1)}
    name = LANGUAGES[context_language(language)]
    yield _classes(f"{name}: precision, recall and F1 of each class, in percent", found["classes"], numbers)
    if "confusion" in found:
        title = f"{name}: examples of a class (down) by the class that was predicted (across)"
        yield _confusion(title, found["confusion"], numbers)
    elif found.get("confused"):
        yield _confused(f"{name}: taken for another class most often", found["confused"])


def _classes(title: str, classes: Mapping[str, Mapping[str, float]], numbers: Mapping[str, str]) -> Sheet:
    rows = []
    for name, values in classes.items():
        shares = (f"{values[one]:.1f}" for one in _SHARES)
        rows.append([f"{numbers[name]} {_cut(name)}", *shares, *(f"{values[one]:,}" for one in _COUNTS)])
    names = ["F1" if name == "f1" else name for name in (*_SHARES, *_COUNTS)]
    return Sheet(title, columns("class", *names, right=names), rows)


def _confusion(title: str, counts: Mapping[str, Mapping[str, int]], numbers: Mapping[str, str]) -> Sheet:
    """Gold classes down, predicted ones across by their numbers."""
    rows = [
        [f"{numbers[gold]} {_cut(gold)}", *(str(row[predicted] or ".") for predicted in counts)]
        for gold, row in counts.items()
    ]
    across = [numbers[name].strip() for name in counts]
    return Sheet(title, columns("class", *across, right=across), rows)


def _confused(title: str, pairs: Sequence[Sequence[Any]]) -> Sheet:
    rows = [[_cut(gold), _cut(mine), f"{count:,}"] for gold, mine, count in pairs]
    return Sheet(title, columns("class", "predicted", "examples", right=("examples",)), rows)


def _cut(name: str) -> str:
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…"
