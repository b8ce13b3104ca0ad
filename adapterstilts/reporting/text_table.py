"""Tables and numbers as text for a terminal."""

from __future__ import annotations

import io

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table


def plain_table(title: str) -> Table:
    """A table without lines between its rows."""
    return Table(title=title or None, title_justify="left", title_style="bold", box=SIMPLE_HEAD, pad_edge=False)


def text_of(table: Table) -> str:
    """A table as text."""
    # As wide as it needs to be: a table that wraps its numbers cannot be read, a long line can be scrolled.
    console = Console(file=io.StringIO(), width=1000, color_system=None, markup=False)
    console.print(table)
    lines = console.file.getvalue().splitlines()  # type: ignore[attr-defined]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def shown_parameters(counts: dict[str, int]) -> str:
    """Trained parameters, and their share of all."""
    return f"{counts['trained']:,} ({100 * counts['trained'] / counts['total']:.2f}%)"


def shown_tokens(count: float) -> str:
    """A number of tokens in thousands, millions or billions."""
    for unit, size in (("B", 1e9), ("M", 1e6), ("k", 1e3)):
        if count >= size:
            return f"{count / size:.1f}{unit}"
    return f"{count:.0f}"


def shown_flops(number: float) -> str:
    """Floating-point operations with a prefix of the SI."""
    for prefix in ("", "k", "M", "G", "T", "P"):
        if number < 1000:
            return f"{number:.3g} {prefix}" if number else "0"
        number /= 1000
    return f"{number:,.3g} E"
