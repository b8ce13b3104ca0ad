"""Separated values with quotation marks, record by record."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from adapterstilts.data.bad_rows import BadRows
from adapterstilts.data.formats.blocks import BLOCK, UTF8, Window, text_blocks, too_long
from adapterstilts.data.formats.packed import refuse_blank, refuse_one_line
from adapterstilts.errors import DataError, UsageError

_TO_THE_LINE_END = re.compile(r"[^\n]*(?:\n|\Z)")


@dataclass(frozen=True)
class Dialect:
    """How fields are told from each other.

    Attributes:
        delimiter: What separates them.
        quote: The mark around fields that hold a delimiter or line end; inside it is doubled. Empty: there is none.
        escape: What stands before a mark inside of such a field, besides another mark. Empty: nothing does.
    """

    delimiter: str = ","
    quote: str = '"'
    escape: str = ""


def csv_fields(
    path: Path, dialect: Dialect, bad: BadRows, *, encoding: str = UTF8, size: int = BLOCK
) -> Iterator[tuple[str, list[str]]]:
    """(where, fields) of each record, with quotation marks undone; line ends at the end of the file are left out.

    Args:
        size: Bytes that are read at once.

    Raises:
        DataError: The file is empty, or a quoted field is never closed.
        UsageError: Such a delimiter cannot separate anything, or there is no such encoding.
    """
    grammar = _Grammar(dialect)
    refuse_blank(path)
    refuse_one_line(path)
    window = Window(text_blocks(path, encoding, size=size), ends="\r\n")
    at, line = 0, 1
    while True:
        where = f"line {line}"
        found = grammar.record(window.text, at, final=window.final)
        if found is None:
            if window.is_full(at):
                raise too_long(path, where, "the quotation mark of a field may not be closed")
            window.read_on(at)
            at = 0
            continue
        if found.unclosed:
            raise DataError(
                f"{path}: {where}: a quoted field of the record that begins here is never closed.",
                remedy="The file may be cut off: download it again.",
            )
        if found.wrong:
            bad.report(path, where, found.wrong)
        else:
            yield where, found.fields
        if found.end >= len(window.text):
            return
        line += window.text.count("\n", at, found.end)
        at = found.end


@dataclass(frozen=True)
class _Record:
    """A record and where the next one begins.

    Attributes:
        wrong: Why it cannot be read.
        unclosed: Whether the rest of the text is one field.
    """

    fields: list[str]
    end: int
    wrong: str = ""
    unclosed: bool = False


class _Grammar:
    """The records of a dialect."""

    def __init__(self, dialect: Dialect) -> None:
        delimiter, mark, escape = dialect.delimiter, dialect.quote, dialect.escape
        if not delimiter or set(delimiter) & {mark, escape, "\r", "\n"}:
            raise UsageError(
                f"{delimiter!r} cannot separate fields.", remedy="Name another delimiter, such as ',', ';' or a tab."
            )
        self._delimiter = delimiter
        end = re.escape(delimiter)
        # As patterns: a mark, what is none, and all that stands for one.
        one, other = re.escape(mark), re.escape(mark + escape)
        doubled = f"(?:{one}{one}|{re.escape(escape)}.)" if escape else f"{one}{one}"
        inside = f"[^{other}]*(?:{doubled}[^{other}]*)*"
        quoted, plain = (
            (f"{one}({inside}){one}", f"((?!{one})[^{end}\r\n]*)") if mark else ("(?!)()", f"([^{end}\r\n]*)")
        )
        self._field = re.compile(f"(?:{quoted}|{plain})({end}|\r?\n|\r?\\Z)", re.DOTALL)
        self._mark, self._quoted = mark, re.compile(quoted, re.DOTALL)
        self._closed = re.compile(f"{quoted}(?!{one})", re.DOTALL)
        self._plain = re.compile(f"[^{end}\r\n]*")
        self._undone = re.compile(f"{one}({one})|{re.escape(escape)}(.)", re.DOTALL) if escape else None

    def record(self, text: str, at: int, *, final: bool) -> _Record | None:
        """The record at an offset; None if it depends on what comes after the text.

        Args:
            final: Whether nothing comes after it.
        """
        fields, end = [], self._delimiter
        while end == self._delimiter:
            found = self._field.match(text, at)
            if found is None:
                return self._wrong(text, at, final=final)
            if found.end() == len(text) and not final:
                return None
            quoted, plain, end = found.groups()
            fields.append(plain if quoted is None else self._undo(quoted))
            at = found.end()
        return _Record(fields, at)

    def _undo(self, quoted: str) -> str:
        if self._undone is None:
            return quoted.replace(self._mark * 2, self._mark)
        return self._undone.sub(lambda found: found[1] or found[2], quoted)

    def _wrong(self, text: str, at: int, *, final: bool) -> _Record | None:
        """Why no field can be read at an offset."""
        marked = bool(self._mark) and text.startswith(self._mark, at)
        # What ends a field can be cut off, and the second of two marks beside each other.
        closed = self._quoted if final else self._closed
        field = (closed if marked else self._plain).match(text, at)
        if not final and (field is None or field.end() + max(2, len(self._delimiter)) > len(text)):
            return None
        if field is None:
            return _Record([], len(text), unclosed=True)
        rest = _TO_THE_LINE_END.match(text, at)
        after = rest.end() if rest else len(text)
        if after == len(text) and not final:
            return None
        if marked:
            return _Record([], after, wrong="text follows the quotation mark that closes a field")
        return _Record([], after, wrong="a carriage return stands in a field without quotation marks")
