"""What became of every class, as tables of at most 80 columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from adapterstilts.languages import LANGUAGES, context_language
from adapterstilts.reporting.text_table import plain_table, text_of

_WIDTH = 80
_LONGEST = 18
# Between two columns of a table.
_GAP = 3
_SHARES = ("precision", "recall", "f1")
_COUNTS = ("support", "predicted")


def class_tables(by_language: Mapping[str, Mapping[str, Any]]) -> str:
    """Of each language a table of its classes, and one of which are taken for which.

    Args:
        by_language: Language to what `metrics.by_class` found.
    """
    return "\n".join(part for one in by_language.items() for part in _of_language(*one))


def _of_language(language: str, found: Mapping[str, Any]) -> Iterator[str]:
    numbers = {name: str(number) for number, name in enumerate(found["classes"], start=1)}
    name = LANGUAGES[context_language(language)]
    yield f"{name}: precision, recall and F1 of each class, in percent\n{_classes(found['classes'], numbers)}"
    if "confusion" in found:
        parts = "".join(_confusion(found["confusion"], numbers))
        yield f"{name}: examples of a class (down) by the class that was predicted (across)\n{parts}"
    elif found.get("confused"):
        yield f"{name}: taken for another class most often\n{_confused(found['confused'])}"


def _classes(classes: Mapping[str, Mapping[str, float]], numbers: Mapping[str, str]) -> str:
    table = plain_table("")
    for name in ("", "class"):
        table.add_column(name, justify="right" if not name else "left", no_wrap=True)
    for name in (*_SHARES, *_COUNTS):
        table.add_column("F1" if name == "f1" else name, justify="right", no_wrap=True)
    for name, values in classes.items():
        shares = (f"{values[one]:.1f}" for one in _SHARES)
        table.add_row(numbers[name], _cut(name), *shares, *(f"{values[one]:,}" for one in _COUNTS))
    return text_of(table).lstrip("\n")


def _confusion(counts: Mapping[str, Mapping[str, int]], numbers: Mapping[str, str]) -> Iterator[str]:
    """Gold classes down, predicted ones across by their numbers, in as many parts as the width takes."""
    names = list(counts)
    digits = len(str(len(names)))
    first = 1 + digits + _GAP + max(len("class"), *(len(_cut(name)) for name in names))
    width = max(digits, *(len(str(count)) for row in counts.values() for count in row.values()))
    fitting = max(1, (_WIDTH - first) // (_GAP + width))
    for start in range(0, len(names), fitting):
        part = names[start : start + fitting]
        table = plain_table("")
        for name in ("", "class", *(numbers[one] for one in part)):
            table.add_column(name, justify="left" if name == "class" else "right", no_wrap=True)
        for gold in names:
            table.add_row(numbers[gold], _cut(gold), *(str(counts[gold][one] or ".") for one in part))
        yield text_of(table).lstrip("\n")


def _confused(pairs: Sequence[Sequence[Any]]) -> str:
    table = plain_table("")
    for name in ("class", "predicted", "examples"):
        table.add_column(name, justify="right" if name == "examples" else "left", no_wrap=True)
    for gold, mine, count in pairs:
        table.add_row(_cut(gold), _cut(mine), f"{count:,}")
    return text_of(table).lstrip("\n")


def _cut(name: str) -> str:
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…"
