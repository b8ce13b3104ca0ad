"""A release format from outside the package: records of `name: value` lines, with a blank line between them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from adapterstilts.data.bad_rows import BadRows
from adapterstilts.data.formats import Format, Records, read_lines


def read_cards(paths: tuple[Path, ...], language: str, bad: BadRows, *, separator: str = ": ") -> Records:
    """(place, record) of every card."""
    card: dict[str, str] = {}
    for number, line in [*read_lines(paths[0]), (0, "")]:
        name, found, value = line.partition(separator)
        if found:
            card[name] = value
        elif line:
            bad.report(paths[0], f"line {number}", f"there is no {separator!r}")
        elif card:
            yield f"card before line {number}", card
            card = {}


def register(catalogue: Any) -> None:
    catalogue.formats.add("cards", Format("cards", read_cards, files=("cards",), required=1))
