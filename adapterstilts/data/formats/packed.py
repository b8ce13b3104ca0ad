"""Files as they are stored: packed in some way or another, or not what somebody takes them for."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import re
import zipfile
import zlib
from codecs import BOM_UTF8
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from adapterstilts.data.formats.marks import LOOKED_AT, refuse_old_line_ends, refuse_stand_in
from adapterstilts.errors import DataError
from adapterstilts.files import CHECK, file_digest, no_file

_LISTED = 8
_DAMAGED = (gzip.BadGzipFile, zlib.error, EOFError, lzma.LZMAError, zipfile.BadZipFile)
# What files begin with that are no text, what they are, and what is to be done.
_NO_TEXT = {
    b"%PDF-": ("a PDF document", "Save its text or its table as a file of text."),
    b"\xd0\xcf\x11\xe0": (
        "an Excel or Word file of before 2007 (.xls, .doc), or one with a password",
        "Save a table without password as .xlsx, or as .csv.",
    ),
    b"PAR1": ("a Parquet file", "Read it with the format parquet."),
    b"ARROW1": ("an Arrow file", "Read it with the format arrow."),
    b"SQLite format 3\0": ("an SQLite data base", "Save its table as .csv."),
    b"\x89PNG": ("a picture", "Check that it is the right file."),
    b"PK\x05\x06": ("a zip archive without files", "Download it again."),
}
# Of an archive with this file in it, what it is.
_OFFICE = {
    "xl/workbook.xml": ("an Excel file (.xlsx)", "Read it with the format excel, or save it as .csv."),
    "xl/workbook.bin": ("a binary Excel file (.xlsb)", "Save it as .xlsx, or as .csv."),
    "word/document.xml": ("a Word file (.docx)", "Save its text as a file of text."),
    "content.xml": ("an OpenDocument file (.ods, .odt)", "Save it as .xlsx, or as .csv."),
}
# A stream of Arrow's begins with these bytes and the length of what comes next, which is no gigabyte.
_ARROW = re.compile(rb"\xff{4}...\0", re.DOTALL)
_TAR, _TAR_AT = b"ustar", 257


@dataclass(frozen=True)
class _Packing:
    """A way of packing one file.

    Attributes:
        what: What a file is that begins with `mark`.
        open: From the packed file and its path to the content.
    """

    mark: bytes
    what: str
    open: Callable[[IO[bytes], Path], Any]


@contextmanager
def opened(path: Path) -> Iterator[IO[bytes]]:
    """A file's content, unpacked where gzip, bzip2, xz or zstd have compressed it or a zip archive holds it alone.

    What is in the file decides, and not what it is called.

    Raises:
        DataError: It cannot be read, is damaged, or is something else than it should be.
    """
    what = ""
    check_file(path)
    try:
        with path.open("rb") as file:
            start = file.peek(LOOKED_AT)
            packing = next((one for one in _PACKINGS if start.startswith(one.mark)), None)
            if packing is None:
                _refuse(path, start)
                yield file
                return
            what = packing.what
            with packing.open(file, path) as content:
                _refuse(path, content.peek(LOOKED_AT))
                yield content
    except _DAMAGED as error:
        raise _damaged(path, what, error) from None
    except OSError as error:
        if error.errno is None and what:  # what bzip2 and zstd say of damaged files
            raise _damaged(path, what, error) from None
        raise unreadable(path, error) from None


def check_file(path: Path) -> None:
    """Refuses what cannot be read as a file, and what stands for one, whatever its format.

    Raises:
        DataError: It is a folder, a pipe or a device, is not readable, or is a web page or a pointer of Git LFS.
    """
    if found := no_file(path):
        reason, remedy = found
        raise DataError(f"{path} {reason}.", remedy="Check --data-dir." if remedy == CHECK else remedy)
    try:
        with path.open("rb") as file:
            refuse_stand_in(path, file.read(LOOKED_AT))
    except OSError as error:
        raise unreadable(path, error) from None


def checked_digest(path: Path) -> str:
    """The digest of a file's bytes, once it is one.

    Raises:
        DataError: As `check_file`.
    """
    check_file(path)
    return file_digest(path)


def refuse_one_line(path: Path) -> None:
    """Raises DataError for a file whose lines end with carriage returns alone."""
    with opened(path) as file:
        refuse_old_line_ends(path, file.read(1 << 20))


def refuse_blank(path: Path) -> None:
    """Raises DataError for a file with nothing but white space, and perhaps the mark of its encoding."""
    with opened(path) as file:
        data = file.read(1 << 20).removeprefix(BOM_UTF8)
        while data:
            if data.strip():
                return
            data = file.read(1 << 20)
    raise empty(path)


def unreadable(path: Path, error: OSError) -> DataError:
    """What is said of a file that the system does not give."""
    if path.is_dir():
        return DataError(f"{path} is a folder, and a file is due.", remedy="Name the files in it.")
    return DataError(f"{path} cannot be read ({error.strerror or error}).", remedy="Check --data-dir.")


def empty(path: Path) -> DataError:
    """What is said of a file without content."""
    return DataError(f"{path} is empty.", remedy="Fill it, or download it again.")


def _refuse(path: Path, start: bytes) -> None:
    refuse_stand_in(path, start)
    found = next((said for mark, said in _NO_TEXT.items() if start.startswith(mark)), None)
    if _ARROW.match(start):
        found = _NO_TEXT[b"ARROW1"]
    if start[_TAR_AT:].startswith(_TAR):
        found = ("a tar archive", "Unpack it.")
    if found:
        raise DataError(f"{path} is {found[0]}.", remedy=found[1])


def _damaged(path: Path, what: str, error: Exception) -> DataError:
    return DataError(
        f"{path} is {what} and damaged ({str(error) or type(error).__name__}).", remedy="Download it again."
    )


def _zstd(file: IO[bytes], path: Path) -> IO[bytes]:
    import pyarrow

    return io.BufferedReader(pyarrow.CompressedInputStream(pyarrow.PythonFile(file, "r"), "zstd"))


@contextmanager
def _zip(file: IO[bytes], path: Path) -> Iterator[IO[bytes]]:
    """The one file of an archive; what macOS adds to those that it makes does not count."""
    with zipfile.ZipFile(file) as archive:
        members = [one for one in archive.infolist() if not one.is_dir() and not one.filename.startswith("__MACOSX/")]
        names = [one.filename for one in members]
        if office := next((said for name, said in _OFFICE.items() if name in names and len(names) > 1), None):
            raise DataError(f"{path} is {office[0]}.", remedy=office[1])
        if len(members) != 1:
            listed = ", ".join(names[:_LISTED]) + (" …" if len(names) > _LISTED else "")
            raise DataError(
                f"{path} is a zip archive with {len(names)} files: {listed or 'none'}.",
                remedy="Unpack it, and name the file that is meant.",
            )
        try:
            content = archive.open(members[0])
        except (RuntimeError, NotImplementedError) as error:  # a password, or a method that Python does not have
            raise DataError(f"{path} is a zip archive that cannot be read ({error}).", remedy="Unpack it.") from None
        with content:
            yield content


# bzip2's mark has the size of its blocks in it.
_BZIP2 = [b"BZh%d1AY&SY" % size for size in range(1, 10)]
_PACKINGS = (
    _Packing(b"\x1f\x8b", "compressed by gzip", lambda file, _: gzip.GzipFile(fileobj=file)),
    *(_Packing(mark, "compressed by bzip2", lambda file, _: bz2.BZ2File(file)) for mark in _BZIP2),
    _Packing(b"\xfd7zXZ\0", "compressed by xz", lambda file, _: lzma.LZMAFile(file)),  # noqa: SIM115 (it is one)
    _Packing(b"\x28\xb5\x2f\xfd", "compressed by zstd", _zstd),
    _Packing(b"PK\x03\x04", "a zip archive", _zip),
)
