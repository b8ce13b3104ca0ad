"""What a command shows, before it is known in which form: tables, and what one should know of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes:
        right: Whether its cells end at its right edge, as numbers do.
        detail: Whether it is left out first where a terminal is too narrow.
        wraps: Whether its cells may be broken at spaces; numbers may not.
        block: Columns of one block stay together where a table has to be split.
    """

    name: str
    right: bool = False
    detail: bool = False
    wraps: bool = False
    block: str = ""


@dataclass(frozen=True)
class Sheet:
    """A table of texts.

    Attributes:
        title: What it is about; may be empty.
        rows: Cells, as many in each row as there are columns.
        sections: Numbers of the rows that a line is drawn above.
    """

    title: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[str]]
    sections: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Notes:
    """Lines below a table. Each is a paragraph of its own; a path in it is never broken.

    Attributes:
        on_details: Those that say nothing where columns of details are left out.
        whole: Whether they are lines to copy, which are never broken.
    """

    lines: Sequence[str]
    on_details: Collection[str] = ()
    whole: bool = False


@dataclass(frozen=True)
class Report:
    """What a command shows.

    Attributes:
        parts: In their order.
        data: The table that programs read, numbers with all their digits; None where it is the only one of `parts`.
    """

    parts: Sequence[Sheet | Notes] = field(default_factory=list)
    data: Sheet | None = None

    def sheets(self) -> Iterator[Sheet]:
        """Its tables."""
        return (part for part in self.parts if isinstance(part, Sheet))


def plain_sheet(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> Sheet:
    """The table that programs read, of values as they are: nothing is an empty cell."""
    return Sheet("", columns(*names), [["" if value is None else str(value) for value in row] for row in rows])


def columns(
    *names: str, right: Sequence[str] = (), detail: Sequence[str] = (), wraps: Sequence[str] = ()
) -> list[Column]:
    """Columns of these names."""
    return [Column(name, right=name in right, detail=name in detail, wraps=name in wraps) for name in names]
