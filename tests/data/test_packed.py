"""Files that are packed, and files that are something else than their name says."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
from pathlib import Path

import pyarrow as pa
import pytest

from adapterstilts.data.bad_rows import BadRows
from adapterstilts.data.formats import FORMATS, read_lines
from adapterstilts.data.formats.guessing import guess_format
from adapterstilts.errors import DataError

TEXT = b"\xef\xbb\xbfa,b\r\n1,\xc3\xbc\r\n" + b"2,x\r\n" * 50_000


def zipped(**files: bytes) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name.replace("__", "."), data)
    return content.getvalue()


def tarred(data: bytes) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        info = tarfile.TarInfo("a.csv")
        info.size = len(data)
        archive.addfile(info, io.BytesIO(data))
    return content.getvalue()


PACKED = {
    "gzip": gzip.compress(TEXT),
    "bzip2": bz2.compress(TEXT),
    "xz": lzma.compress(TEXT),
    "zstd": pa.compress(TEXT, codec="zstd", asbytes=True),
    "zip": zipped(train__csv=TEXT),
}


@pytest.mark.parametrize("how", PACKED)
def test_packed_files_are_read_by_what_is_in_them(tmp_path: Path, how: str) -> None:
    (tmp_path / "x.csv").write_bytes(PACKED[how])
    (_, first), *others = FORMATS.get("csv")((tmp_path / "x.csv",), "en", BadRows(skip=False))
    assert first == {"a": "1", "b": "ü"} and len(others) == 50_000


@pytest.mark.parametrize("how", PACKED)
def test_damaged_ones_say_so(tmp_path: Path, how: str) -> None:
    (tmp_path / "x.csv").write_bytes(PACKED[how][: len(PACKED[how]) // 2])
    with pytest.raises(DataError, match=rf"x.csv is .*{how}.* and damaged \(.*Download it again"):
        list(read_lines(tmp_path / "x.csv"))


def test_what_macos_adds_to_an_archive_does_not_count(tmp_path: Path) -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("folder/", "")
        archive.writestr("folder/a.csv", TEXT)
        archive.writestr("__MACOSX/folder/._a.csv", b"x")
    (tmp_path / "x.zip").write_bytes(content.getvalue())
    assert next(read_lines(tmp_path / "x.zip")) == (1, "a,b")


OTHERS = {
    "several": (zipped(train__csv=b"a", test__csv=b"b"), "is a zip archive with 2 files: train.csv, test.csv. Unpack"),
    "none": (zipped(), "is a zip archive without files"),
    "excel": (zipped(**{"xl/workbook__xml": b"", "b__xml": b""}), r"is an Excel file \(.xlsx\). Read it with"),
    "word": (zipped(**{"word/document__xml": b"", "b__xml": b""}), r"is a Word file \(.docx\)"),
    "ods": (zipped(content__xml=b"", b__xml=b""), "is an OpenDocument file"),
    "old_excel": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", r"is an Excel or Word file of before 2007 .* as \.xlsx"),
    "pdf": (b"%PDF-1.7\n", "is a PDF document. Save its text"),
    "parquet": (b"PAR1....", "is a Parquet file. Read it with the format parquet"),
    "arrow": (b"ARROW1\0\0", "is an Arrow file. Read it with the format arrow"),
    "tar": (gzip.compress(tarred(b"a,b\n")), "is a tar archive. Unpack it"),
    "login": (b"\n<!DOCTYPE html><html><body>Log in", "is an HTML page and no file of data, perhaps one that asks"),
    "empty": (b"", "is empty. Fill it"),
    "blank": (b" \r\n\n", "is empty. Fill it"),
}  # fmt: skip


@pytest.mark.parametrize("format_", ["csv", "tsv", "json", "jsonl"])
@pytest.mark.parametrize("what", OTHERS)
def test_a_file_that_is_something_else_is_called_that(tmp_path: Path, what: str, format_: str) -> None:
    content, message = OTHERS[what]
    (tmp_path / "x.csv").write_bytes(content)
    with pytest.raises(DataError, match=f"x.csv {message}"):
        list(FORMATS.get(format_)((tmp_path / "x.csv",), "en", BadRows(skip=True)))
    with pytest.raises(DataError, match=f"x.csv {message}"):
        guess_format(tmp_path / "x.csv", ["text_a", "label"])


@pytest.mark.parametrize("format_", ["csv", "text", "parquet", "arrow", "excel"])
def test_a_folder_is_no_file(tmp_path: Path, format_: str) -> None:
    with pytest.raises(DataError, match=rf"{tmp_path} is a folder, and a file is due\. Name the files in it"):
        list(FORMATS.get(format_)((tmp_path,), "en", BadRows(skip=False)))


def test_an_archive_with_a_password_is_not_read(tmp_path: Path) -> None:
    content = bytearray(zipped(a__csv=TEXT))
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(mark) + at] |= 1
    (tmp_path / "x.csv").write_bytes(content)
    with pytest.raises(DataError, match=r"x.csv is a zip archive that cannot be read \(.*password.*Unpack it"):
        list(read_lines(tmp_path / "x.csv"))
