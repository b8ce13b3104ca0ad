"""Text of files piece by piece, in any encoding, so that no file has to fit into memory."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from adapterstilts.data.formats.marks import LOOKED_AT, SAY, UTF8, marked_encoding, refuse_other_text
from adapterstilts.data.formats.packed import opened
from adapterstilts.errors import DataError, UsageError

BLOCK = 1 << 20
"""Bytes that are read at once."""

LONGEST = 1 << 26
"""Bytes or characters of a line or record: no text is so long, but what a quotation mark opens and nothing closes."""

_MARK = "adapterstilts.mark"
# Encodings that need a byte order mark.
_MARKED = ("utf-16", "utf-32")
_BOM = "\ufeff"


def known_encoding(name: str) -> str:
    """Python's own name of an encoding.

    Raises:
        UsageError: There is no such encoding of text.
    """
    try:
        "".encode(name)
        return codecs.lookup(name).name.removesuffix("-sig")
    except (LookupError, ValueError):
        raise UsageError(
            f"Unknown encoding {name!r}.", remedy="Name one that Python has, such as utf-8, utf-16, cp1252 or gb18030."
        ) from None


def text_blocks(path: Path, encoding: str = UTF8, *, size: int = BLOCK) -> Iterator[str]:
    """The text of a file in pieces, without a byte order mark.

    Bytes that mean nothing in the encoding become surrogates, for the record they are in to be refused.

    Raises:
        DataError: The file is missing or not text, or in UTF-16 where UTF-8 is due.
        UsageError: There is no such encoding.
    """
    known = known_encoding(encoding)
    decoder = codecs.getincrementaldecoder(known)(errors=_MARK)
    begun = False
    with opened(path) as file:
        while True:
            data = file.read(size)
            if not begun:
                _check_beginning(path, data, known)
            if text := decoder.decode(data, final=not data):
                yield text if begun else text.removeprefix(_BOM)
                begun = True
            if not data:
                return


def _check_beginning(path: Path, data: bytes, encoding: str) -> None:
    """Refuses what is in another encoding at first sight: its text would be read as another one, without an error.

    Raises:
        DataError: See above, or it is no text.
    """
    if encoding == UTF8:
        refuse_other_text(path, data[:LOOKED_AT])
    if not data.isascii() and _is_of_single_bytes(encoding):
        try:
            codecs.getincrementaldecoder(UTF8)().decode(data)
        except UnicodeDecodeError:
            return
        raise DataError(f"{path} is in UTF-8, and {encoding} is due.", remedy=SAY)
    if encoding in _MARKED and data and marked_encoding(data) != encoding:
        raise DataError(f"{path} is not in {encoding.upper()}: it has no byte order mark.", remedy=SAY)


@lru_cache(maxsize=32)
def _is_of_single_bytes(encoding: str) -> bool:
    """Whether any text can be read in an encoding, so that one of UTF-8 is read as another one without an error."""
    signs = bytes(range(128, 256)).decode(encoding, errors="replace")
    return len(signs) == 128 and set(signs) != {"\ufffd"}


class Window:
    """The part of a text that is looked at: it moves on, and grows where a record is longer.

    Args:
        blocks: The text.
        ends: Characters that are left out at the end of the text.

    Attributes:
        text: What is looked at.
        final: Whether nothing comes after it.
        line: Number of the line (from 1) in which it begins.
        column: How many characters of that line lie before it.
    """

    def __init__(self, blocks: Iterator[str], *, ends: str = "") -> None:
        self.text, self.final = "", False
        self.line, self.column = 1, 0
        self._blocks, self._ends, self._held = blocks, ends, ""

    def is_full(self, at: int) -> bool:
        """Whether so much comes after an offset that it must not grow any more."""
        return len(self.text) - at > LONGEST

    def read_on(self, at: int) -> None:
        """Leaves what comes before `at`, and reads at least as much as is looked at then."""
        before = self.text[:at]
        self.line += before.count("\n")
        self.column = len(before) - 1 - before.rfind("\n") if "\n" in before else self.column + len(before)
        parts, got = [self.text[at:]], 0
        wanted = max(len(parts[0]), 1)
        while got < wanted and not self.final:
            block = next(self._blocks, None)
            if block is None:
                self.final = True
                break
            found = self._held + block
            kept = found.rstrip(self._ends) if self._ends else found
            self._held = found[len(kept) :]
            parts.append(kept)
            got += len(kept)
        self.text = "".join(parts)

    def place(self, at: int) -> tuple[int, int]:
        """Line and column, both from 1, of an offset in `text`."""
        line_end = self.text.rfind("\n", 0, max(at, 0))
        column = at - line_end if line_end >= 0 else self.column + at + 1
        return self.line + self.text.count("\n", 0, max(at, 0)), column


def too_long(path: Path, where: str, why: str) -> DataError:
    """What is said of a record that is longer than any."""
    return DataError(
        f"{path}: {where}: what begins here is longer than {LONGEST >> 20} MiB.",
        remedy=f"Check the file there: {why}.",
    )


def _mark(error: UnicodeError) -> tuple[str, int]:
    """What stands for bytes that mean nothing: for each, as `surrogateescape` has it, U+DC00 and its value."""
    found: UnicodeDecodeError = error  # type: ignore[assignment]
    return "".join(chr(0xDC00 + byte) for byte in found.object[found.start : found.end]), found.end


codecs.register_error(_MARK, _mark)
