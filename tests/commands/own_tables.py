"""Files of one's own: tables of tickets, and what a command makes of them."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from adapterstilts.commands.options import TransferOptions, read_options
from adapterstilts.commands.own.data import own_tasks
from adapterstilts.tasks.catalogue import Catalogue

TEAMS = ("billing", "support", "sales")


def table(path: Path, rows: Sequence[Sequence[Any]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)
    return path


def tickets(path: Path, count: int = 48, *, labelled: bool = True) -> Path:
    head = ["nr", "subject", "body", *(["team"] if labelled else [])]
    rows = [[n, f"Subject {n}", f"The body of {n % 7}", *([TEAMS[n % 3]] if labelled else [])] for n in range(count)]
    return table(path, [head, *rows])


def found(path: str, **given: Any) -> tuple[Any, list[str]]:
    """The recipe of a file, and what was said of it."""
    said: list[str] = []
    _, own = own_tasks([path], read_options(TransferOptions, given), Catalogue(), note=said.append)
    return own.tasks[0].recipe, said
