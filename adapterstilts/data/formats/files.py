"""Files as text, lines or JSON, with errors that name the place."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from adapterstilts.data.formats.blocks import LONGEST, UTF8, known_encoding, text_blocks, too_long
from adapterstilts.data.formats.marks import LOOKED_AT, refuse_other_text
from adapterstilts.data.formats.packed import empty, opened, refuse_one_line
from adapterstilts.errors import DataError
from adapterstilts.parsed import as_object, from_json

_BOM = b"\xef\xbb\xbf"
# Bytes of a file that is read whole: many times those of any release.
_LARGEST = 1 << 29
_SHOWN = 20


def compressed(path: Path) -> Path:
    """Where a file is that is kept compressed, under its name with `.gz`."""
    return path.with_name(f"{path.name}.gz")


def read_text(path: Path) -> str:
    """Reads a UTF-8 file whole; bytes that are not UTF-8 become surrogates, for the record they are in to be refused.

    Raises:
        DataError: The file is missing, empty, packed, or too large.
    """
    with opened(path) as file:
        data = file.read(_LARGEST + 1)
    if len(data) > _LARGEST:
        raise DataError(
            f"{path} has more than {_LARGEST >> 20} MiB, and files of its format are read whole.",
            remedy="Split it, or write a table of one record per line (JSON lines, CSV).",
        )
    refuse_other_text(path, data[:LOOKED_AT])
    data = data.removeprefix(_BOM)
    if not data.strip():
        raise empty(path)
    return _decode(data)


def read_lines(path: Path, encoding: str = UTF8) -> Iterator[tuple[int, str]]:
    """(number from 1, text without line end) of each line of a file, read as it is asked for.

    Lines end with `\\n` or `\\r\\n` and nothing else; a byte order mark and blank lines at the end are left out. Bytes
    that mean nothing in the encoding become surrogates, for the record they are in to be refused.

    Raises:
        DataError: The file is missing, empty or packed.
        UsageError: There is no such encoding.
    """
    seen = False
    refuse_one_line(path)
    lines = _utf8_lines(path) if known_encoding(encoding) == UTF8 else _decoded_lines(path, encoding)
    for line in _numbered(lines):
        seen = True
        yield line
    if not seen:
        raise empty(path)


def lines_of(file: Iterable[bytes]) -> Iterator[tuple[int, str]]:
    """As `read_lines`, of an open file in UTF-8; of an empty one, none."""
    data = (line.removeprefix(_BOM) if number == 1 else line for number, line in enumerate(file, start=1))
    return _numbered((_decode(line.removesuffix(b"\n")), not line.strip()) for line in data)


def _numbered(lines: Iterable[tuple[str, bool]]) -> Iterator[tuple[int, str]]:
    """The lines with their numbers, without blank ones at the end."""
    blank: list[tuple[int, str]] = []
    for number, (text, is_blank) in enumerate(lines, start=1):
        line = (number, text.removesuffix("\r"))
        if is_blank:
            blank.append(line)
            continue
        yield from blank
        blank.clear()
        yield line


def check_unicode(*texts: str, encoding: str = UTF8) -> None:
    """Raises ValueError if a text has bytes that are not UTF-8, or half of a surrogate pair.

    Args:
        encoding: What the texts are from, for the message.
    """
    for text in texts:
        try:
            text.encode("utf-8")
        except UnicodeEncodeError as error:
            around = text[max(0, error.start - _SHOWN) : error.start].encode("utf-8", "replace").decode()
            name = "UTF-8" if known_encoding(encoding) == UTF8 else encoding
            likely = _likely(text[error.start : error.start + _SHOWN]) if name == "UTF-8" else ""
            raise ValueError(f"the text after {around!r} is not valid {name}{likely}") from None


def read_json(path: Path) -> Any:
    """Reads a JSON file.

    Raises:
        DataError: The file is not readable text or not JSON; the message names line and column.
    """
    text = read_text(path)
    try:
        return from_json(text)
    except json.JSONDecodeError as error:
        raise not_json(path, error.lineno, error.colno, error.msg) from None
    except ValueError as error:
        raise DataError(f"{path} is no JSON that can be used: {error}.", remedy="Check the file there.") from None


def not_json(path: Path, line: int, column: int, reason: str) -> DataError:
    """What is said of a file that is not JSON."""
    return DataError(
        f"{path}: line {line}, column {column}: not JSON ({reason}).",
        remedy="The file may be cut off: download it again.",
    )


def json_object(line: str, encoding: str = UTF8) -> dict[str, Any]:
    """The object on one line of a JSON lines file; ValueError says what is wrong with it."""
    check_unicode(line, encoding=encoding)
    try:
        found = from_json(line)
    except json.JSONDecodeError as error:
        raise ValueError(f"column {error.colno}: not JSON ({error.msg})") from None
    return as_object(found, "it is not a JSON object")


def _utf8_lines(path: Path) -> Iterator[tuple[str, bool]]:
    """(text without `\\n`, whether it is blank) of each line."""
    with opened(path) as file:
        for number, data in enumerate(iter(partial(file.readline, LONGEST), b""), start=1):
            if len(data) == LONGEST:
                raise _too_long(path, number)
            if number == 1:
                refuse_other_text(path, data[:LOOKED_AT])
                data = data.removeprefix(_BOM)
            yield _decode(data.removesuffix(b"\n")), not data.strip()


def _decoded_lines(path: Path, encoding: str) -> Iterator[tuple[str, bool]]:
    rest, number = "", 1
    for block in text_blocks(path, encoding):
        *lines, rest = (rest + block).split("\n")
        yield from ((line, not line.strip()) for line in lines)
        number += len(lines)
        if len(rest) > LONGEST:
            raise _too_long(path, number)
    if rest:
        yield rest, not rest.strip()


def _too_long(path: Path, number: int) -> DataError:
    return too_long(path, f"line {number}", "it may have no line ends, and another format")


def _decode(data: bytes) -> str:
    return data.decode("utf-8", errors="surrogateescape")


def _likely(text: str) -> str:
    """What the text is in the encoding that most often stands where UTF-8 should, if bytes of it were not UTF-8."""
    try:
        data = text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return ""  # half of a surrogate pair, which JSON has as `\ud800`
    for name, title in (("cp1252", "Windows-1252"), ("latin-1", "Latin-1")):
        try:
            return f"; as {title} it goes on {data.decode(name)!r}"
        except UnicodeDecodeError:
            continue
    return ""
