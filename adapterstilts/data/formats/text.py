"""Plain text, to go on pretraining with."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from adapterstilts.data.bad_rows import BadRows
from adapterstilts.data.formats.blocks import UTF8
from adapterstilts.data.formats.files import check_unicode, read_lines
from adapterstilts.data.formats.registry import Records, register

BLANK_LINE = "a blank line"
"""Why a line of a text is left out."""


@register("text", "plain text")
def read_plain_text(
    paths: tuple[Path, ...],
    language: str,
    bad: BadRows,
    *,
    unit: Literal["line", "block"] = "line",
    encoding: str = UTF8,
) -> Records:
    """Plain text; gives {text}.

    Args:
        unit: `line` if each line is a paragraph or document; `block` if they are separated by blank lines, in which
            case their lines are joined by `\\n`.
        encoding: Python's name of the file's encoding.
    """
    lines = read_lines(paths[0], encoding)
    for number, text in _lines(lines, bad) if unit == "line" else _runs(lines):
        try:
            check_unicode(text, encoding=encoding)
        except ValueError as error:
            bad.report(paths[0], f"line {number}", str(error))
            continue
        yield f"line {number}", {"text": text}


def _lines(lines: Iterator[tuple[int, str]], bad: BadRows) -> Iterator[tuple[int, str]]:
    for number, line in lines:
        if text := line.strip():
            yield number, text
        else:
            bad.omit(BLANK_LINE)


def _runs(lines: Iterator[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    """(number of the first line, text) of every run of lines that are not blank."""
    block: list[str] = []
    first = 0
    for number, line in lines:
        if line.strip():
            first = first if block else number
            block.append(line.strip())
        elif block:
            yield first, "\n".join(block)
            block = []
    if block:
        yield first, "\n".join(block)
