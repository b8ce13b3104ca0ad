"""Tables and notes as text of a given width."""

from __future__ import annotations

import io
import os
import sys
import textwrap
from collections.abc import Iterator, Sequence
from itertools import groupby

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table

from adapterstilts.reporting.sheets import Notes, Report, Sheet

_MARGIN = 1
_GAP = 3
# A column whose words are longer than this may break them.
_LONGEST_WORD = 30


def width_here() -> int | None:
    """Columns of `COLUMNS` or of the terminal that is written to; None for a pipe or a file, which have no edge."""
    given = os.environ.get("COLUMNS", "")
    if given.isdecimal() and int(given):
        return int(given)
    if not sys.stdout.isatty():
        return None
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns or None
    except (OSError, ValueError):
        return None


def as_text(report: Report, width: int | None = None) -> str:
    """A report as text.

    Where a table is wider than `width`, columns of details go first, then columns of words are broken at spaces, and
    then the others follow in further tables below it, each with the first column. A note says what is left out.

    Args:
        width: Columns there are; None for as many as it takes.
    """
    drawn = {number: _sheet_text(part, width) for number, part in enumerate(report.parts) if isinstance(part, Sheet)}
    left_out = dict.fromkeys(name for _, hidden in drawn.values() for name in hidden)
    parts: list[str] = []
    for number, part in enumerate(report.parts):
        if isinstance(part, Notes) and part.whole:
            parts.append("".join(f"{line}\n" for line in part.lines))
        elif isinstance(part, Notes):
            shown = [note for note in part.lines if not left_out or note not in part.on_details]
            parts.append("".join(f"{line}\n" for note in shown for line in _wrapped(note, width)))
        else:
            after_notes = number and isinstance(report.parts[number - 1], Notes)
            parts.append("\n" * bool(after_notes and part.title) + drawn[number][0])
    if left_out:
        parts += [
            f"{line}\n" for line in _wrapped(f"Left out for want of room: {', '.join(left_out)} (--wide).", width)
        ]
    return "".join(parts)


def _wrapped(note: str, width: int | None) -> list[str]:
    if width is None:
        return [f"  {note}"]
    indents = {"initial_indent": "  ", "subsequent_indent": "    "}
    return textwrap.wrap(note, max(width, 20), break_long_words=False, break_on_hyphens=False, **indents)  # type: ignore[arg-type]


def _sheet_text(sheet: Sheet, width: int | None) -> tuple[str, list[str]]:
    """A table as text, and the columns that are left out of it."""
    everything = range(len(sheet.columns))
    natural = [_natural(sheet, number) for number in everything]
    if width is None or _total(natural) <= width:
        return _drawn(sheet, [(everything, {})], width), []
    kept = [number for number in everything if not sheet.columns[number].detail]
    hidden = [column.name for column in sheet.columns if column.detail]
    blocks = _blocks(sheet, kept, {number: _narrowest(sheet, number, natural[number]) for number in kept}, width)
    return _drawn(sheet, [(block, _limits(sheet, natural, block, width)) for block in blocks], width), hidden


def _natural(sheet: Sheet, number: int) -> int:
    texts = [sheet.columns[number].name, *(row[number] for row in sheet.rows)]
    return max(cell_len(line) for text in texts for line in text.split("\n"))


def _total(widths: Sequence[int]) -> int:
    return _MARGIN + sum(widths) + _GAP * (len(widths) - 1)


def _limits(sheet: Sheet, natural: Sequence[int], kept: Sequence[int], width: int) -> dict[int, int]:
    """How wide columns of words may be: the widest gives way until all fit, but none is narrower than its words."""
    found = {number: natural[number] for number in kept if sheet.columns[number].wraps}
    smallest = {number: _narrowest(sheet, number, natural[number]) for number in found}
    while _total([found.get(number, natural[number]) for number in kept]) > width:
        shrinking = [number for number in found if found[number] > smallest[number]]
        if not shrinking:
            break
        found[max(shrinking, key=lambda number: found[number])] -= 1
    return found


def _narrowest(sheet: Sheet, number: int, natural: int) -> int:
    """How wide a column is at least: its longest word, if its cells may be broken."""
    if not sheet.columns[number].wraps:
        return natural
    texts = [sheet.columns[number].name, *(row[number] for row in sheet.rows)]
    return min(_LONGEST_WORD, max((cell_len(word) for text in texts for word in text.split()), default=0))


def _blocks(sheet: Sheet, kept: Sequence[int], widths: dict[int, int], width: int) -> Iterator[list[int]]:
    """Columns that fit beside the first one, block by block."""
    first, *others = kept
    block = [first]
    for name, members in groupby(others, key=lambda number: sheet.columns[number].block):
        own = list(members)
        if name and len(block) > 1 and _total([widths[one] for one in (*block, *own)]) > width:
            yield block
            block = [first]
        for number in own:
            if len(block) > 1 and _total([widths[one] for one in (*block, number)]) > width:
                yield block
                block = [first]
            block.append(number)
    yield block


def _drawn(sheet: Sheet, blocks: Sequence[tuple[Sequence[int], dict[int, int]]], width: int | None) -> str:
    titles = textwrap.wrap(sheet.title, width or 10**6, break_on_hyphens=False) if sheet.title else []
    return "".join(f"{line}\n" for line in titles) + "".join(_block(sheet, *block) for block in blocks)


def _block(sheet: Sheet, numbers: Sequence[int], limits: dict[int, int]) -> str:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for number in numbers:
        column = sheet.columns[number]
        broken = number in limits
        table.add_column(
            column.name,
            justify="right" if column.right else "left",
            no_wrap=not broken,
            overflow="fold",
            max_width=limits[number] if broken else None,
        )
    for position, row in enumerate(sheet.rows):
        if position in sheet.sections:
            table.add_section()
        table.add_row(*(row[number] for number in numbers))
    # A line that is longer than what fits is better than a number without its end.
    console = Console(file=io.StringIO(), width=10_000, color_system=None, markup=False, emoji=False, highlight=False)
    console.print(table)
    lines = console.file.getvalue().splitlines()  # type: ignore[attr-defined]
    return "\n".join(line.rstrip() for line in lines) + "\n"
