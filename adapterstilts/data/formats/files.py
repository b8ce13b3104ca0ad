"""Files as text, lines or JSON, with errors that name the place."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from adapterstilts.errors import DataError
from adapterstilts.parsed import as_object

_BOM = b"\xef\xbb\xbf"
_GZIP = b"\x1f\x8b"
# What files begin with that hold others, or are compressed by what is not undone here.
_PACKED = {b"PK\x03\x04": "a zip archive", b"BZh": "compressed by bzip2", b"\xfd7zXZ": "compressed by xz"}
_DAMAGED = (gzip.BadGzipFile, zlib.error, EOFError)


def compressed(path: Path) -> Path:
    """Where a file is that is kept compressed, under its name with `.gz`."""
    return path.with_name(f"{path.name}.gz")


@contextmanager
def opened(path: Path) -> Iterator[IO[bytes] | gzip.GzipFile]:
    """A file's content, of one that gzip has compressed too, whatever it is called.

    Raises:
        DataError: It cannot be read, or is something else than it should be.
    """
    try:
        with path.open("rb") as file:
            start = file.read(max(map(len, _PACKED)))
            file.seek(0)
            if packed := next((what for mark, what in _PACKED.items() if start.startswith(mark)), None):
                raise DataError(f"{path} is {packed}.", remedy="Unpack it.")
            if start.startswith(_GZIP):
                with gzip.open(file) as content:
                    yield content
            else:
                yield file
    except _DAMAGED as error:
        raise DataError(
            f"{path} is compressed by gzip and damaged ({str(error) or type(error).__name__}).",
            remedy="Download it again.",
        ) from None
    except OSError as error:
        raise _unreadable(path, error) from None


def read_text(path: Path) -> str:
    """Reads a UTF-8 file whole; bytes that are not UTF-8 become surrogates, for the record they are in to be refused.

    Raises:
        DataError: The file is missing, empty or packed.
    """
    with opened(path) as file:
        data = file.read()
    if not data.strip():
        raise _empty(path)
    return _decode(data.removeprefix(_BOM))


def read_lines(path: Path) -> Iterator[tuple[int, str]]:
    """(number from 1, text without line end) of each line of a UTF-8 file, read as it is asked for.

    Lines end with `\\n` or `\\r\\n` and nothing else; a byte order mark and blank lines at the end are left out. Bytes
    that are not UTF-8 become surrogates, for the record they are in to be refused.

    Raises:
        DataError: The file is missing, empty or packed.
    """
    seen = False
    with opened(path) as file:
        for line in lines_of(file):
            seen = True
            yield line
    if not seen:
        raise _empty(path)


def read_blocks(path: Path, size: int) -> Iterator[str]:
    """A UTF-8 file in blocks of whole lines with their ends, without the line ends at the end of the file.

    Bytes that are not UTF-8 become surrogates, for the record they are in to be refused.

    Args:
        size: Bytes of a block, about.

    Raises:
        DataError: The file is missing, empty or packed.
    """
    held, mark, seen = "", _BOM, False
    with opened(path) as file:
        while lines := file.readlines(size):
            text = held + _decode(b"".join(lines).removeprefix(mark))
            block, mark = text.rstrip("\r\n"), b""
            # Whether these ends are those of the file is told by what follows.
            held = text[len(block) :]
            seen = seen or bool(block.strip())
            if block:
                yield block
    if not seen:
        raise _empty(path)


def lines_of(file: Iterable[bytes]) -> Iterator[tuple[int, str]]:
    """As `read_lines`, of an open file; of an empty one, none."""
    blank: list[tuple[int, str]] = []
    for number, data in enumerate(file, start=1):
        data = data.removeprefix(_BOM) if number == 1 else data
        line = (number, _decode(data.removesuffix(b"\n").removesuffix(b"\r")))
        if not data.strip():
            blank.append(line)
            continue
        yield from blank
        blank.clear()
        yield line


def check_unicode(*texts: str) -> None:
    """Raises ValueError if a text has bytes that are not UTF-8, or half of a surrogate pair."""
    for text in texts:
        try:
            text.encode("utf-8")
        except UnicodeEncodeError as error:
            around = text[max(0, error.start - 20) : error.start].encode("utf-8", "replace").decode()
            raise ValueError(f"the text after {around!r} is not valid UTF-8") from None


def read_json(path: Path) -> Any:
    """Reads a JSON file.

    Raises:
        DataError: The file is not readable text or not JSON; the message names line and column.
    """
    text = read_text(path)
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise DataError(
            f"{path}: line {error.lineno}, column {error.colno}: not JSON ({error.msg}).",
            remedy="The file may be cut off: download it again.",
        ) from None


def json_object(line: str) -> dict[str, Any]:
    """The object on one line of a JSON lines file; ValueError says what is wrong with it."""
    check_unicode(line)
    try:
        found = json.loads(line)
    except json.JSONDecodeError as error:
        raise ValueError(f"column {error.colno}: not JSON ({error.msg})") from None
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    return as_object(found, "it is not a JSON object")


def _decode(data: bytes) -> str:
    return data.decode("utf-8", errors="surrogateescape")


def _unreadable(path: Path, error: OSError) -> DataError:
    return DataError(f"{path} cannot be read ({error.strerror}).", remedy="Check --data-dir.")


def _empty(path: Path) -> DataError:
    return DataError(f"{path} is empty.", remedy="Fill it, or download it again.")
