"""A report in the form that a user asks for."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping
from dataclasses import replace
from html import escape
from types import MappingProxyType

from adapterstilts.reporting.sheets import Notes, Report, Sheet
from adapterstilts.reporting.terminal import as_text

# What the fonts of plain LaTeX have no letter for, or another one.
_IN_LATEX = {
    "|": r"\textbar{}", "Δ": r"$\Delta$", "±": r"$\pm$", "·": r"$\cdot$", "–": "--", "…": r"\dots{}", "→": r"$\to$",
}  # fmt: skip


def markdown(report: Report) -> str:
    """Tables of GitHub's markdown, notes as paragraphs."""
    parts = []
    for part in report.parts:
        if isinstance(part, Notes):
            parts.append("\n".join(f"- {_markdown_text(line)}" for line in part.lines))
        else:
            named = replace(part, columns=[replace(one, name=_markdown_cell(one.name)) for one in part.columns])
            escaped = [[_markdown_cell(cell) for cell in row] for row in part.rows]
            parts += [f"**{_markdown_text(part.title)}**"] if part.title else []
            parts.append(_tabulated(named, escaped, "pipe"))
    return "\n\n".join(parts) + "\n"


def latex(report: Report) -> str:
    """Tables with the rules of `booktabs`; titles and notes are comments."""
    parts = []
    for part in report.parts:
        if isinstance(part, Notes):
            parts.append("".join(map(_comment, part.lines)).rstrip("\n"))
        else:
            # Without rows, the library gives the table no columns, which LaTeX does not read.
            text = _tabulated(part, part.rows or [[""] * len(part.columns)], "latex_booktabs")
            for letter, command in _IN_LATEX.items():
                text = text.replace(letter, command)
            parts.append((_comment(part.title) if part.title else "") + text)
    return "\n\n".join(parts) + "\n"


def comma_separated(report: Report) -> str:
    """The table that programs read: numbers with all their digits, no notes."""
    sheet = report.data
    if sheet is None:
        (sheet,) = report.sheets()  # of several, all but one would be missing
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([column.name for column in sheet.columns])
    writer.writerows(sheet.rows)
    return text.getvalue()


def html(report: Report) -> str:
    """Tables and notes as a part of a page, with everything escaped."""
    parts = []
    for part in report.parts:
        if isinstance(part, Notes):
            parts.append("<ul>" + "".join(f"<li>{escape(line)}</li>" for line in part.lines) + "</ul>")
        else:
            parts += [f"<p><b>{escape(part.title)}</b></p>"] if part.title else []
            parts.append(_tabulated(part, part.rows, "html"))
    return "\n".join(parts)


FORMS: Mapping[str, Callable[[Report], str]] = MappingProxyType(
    {"table": as_text, "markdown": markdown, "csv": comma_separated, "latex": latex}
)


def in_form(report: Report, name: str, *, width: int | None = None) -> str:
    """A report as `table` of at most `width` columns, `markdown`, `csv` or `latex`."""
    return as_text(report, width) if name == "table" else FORMS[name](report)


def _tabulated(sheet: Sheet, rows: object, style: str) -> str:
    from tabulate import tabulate

    return tabulate(
        rows,  # type: ignore[arg-type]
        headers=[column.name for column in sheet.columns],
        tablefmt=style,
        colalign=["right" if column.right else "left" for column in sheet.columns] if rows else None,
        disable_numparse=True,
    )


def _comment(text: str) -> str:
    """A comment of LaTeX, in which no line of the text is read."""
    return "".join(f"% {line}\n" for line in text.splitlines())


def _markdown_cell(text: str) -> str:
    """The same in a table, whose columns have lines between them."""
    return _markdown_text(text).replace("|", r"\|")


def _markdown_text(text: str) -> str:
    """Text whose stars and underscores stay what they are."""
    return text.replace("\\", "\\\\").replace("*", r"\*").replace("_", r"\_").replace("<", "&lt;").replace("\n", " ")
