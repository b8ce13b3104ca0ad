"""What the first bytes of a file say of it: that it is no text, in another encoding, or something else altogether."""

from __future__ import annotations

import codecs
import re
from pathlib import Path

from adapterstilts.errors import DataError

LOOKED_AT = 512
"""Bytes at the beginning of a file that are looked at."""

UTF8 = "utf-8"
SAY = "Say it with --encoding where there is such a flag (in a task.yaml: encoding), or save the file as UTF-8."
# Of fewer bytes, zeros say nothing about an encoding.
_ENOUGH = 16
# The longer ones first: that of UTF-32 begins as that of UTF-16 does.
_MARKS = {
    codecs.BOM_UTF32_LE: "utf-32", codecs.BOM_UTF32_BE: "utf-32", codecs.BOM_UTF8: UTF8, codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}  # fmt: skip
_HTML = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*<(?:!doctype html|html[\s>])", re.I | re.S
)
# https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md
_POINTER = b"version https://git-lfs.github.com/spec/"


def marked_encoding(start: bytes) -> str | None:
    """The encoding that a byte order mark names."""
    return next((name for mark, name in _MARKS.items() if start.startswith(mark)), None)


def wide_encoding(start: bytes) -> str | None:
    """UTF-16 of a text that has no mark and is ASCII for the most part: every other byte is zero."""
    even, odd = start[0::2].count(0), start[1::2].count(0)
    half = len(start) / 2
    if len(start) < _ENOUGH or max(even, odd) < 0.4 * half or min(even, odd) > 0.05 * half:
        return None
    return "utf-16-le" if odd > even else "utf-16-be"


def refuse_stand_in(path: Path, start: bytes) -> None:
    """Refuses what is often saved in the place of a file of data.

    Raises:
        DataError: It is a page of the web, or the pointer that Git keeps of a large file.
    """
    if start.startswith(_POINTER):
        raise DataError(
            f"{path} is a pointer of Git LFS, and not the file that it stands for.",
            remedy="Fetch the files in the repository that it is from: git lfs pull.",
        )
    if _HTML.match(start):
        raise DataError(
            f"{path} is an HTML page and no file of data, perhaps one that asks to log in.",
            remedy="Open it in a browser to see what it says, and download the file itself.",
        )


def refuse_other_text(path: Path, start: bytes) -> None:
    """Refuses what is not UTF-8 at first sight.

    Raises:
        DataError: It is in UTF-16 or UTF-32, or is no text.
    """
    wide = marked_encoding(start)
    if wide in (None, UTF8):
        wide = wide_encoding(start)
    if wide:
        mark = "" if marked_encoding(start) else " without a byte order mark"
        raise DataError(
            f"{path} is in {wide.upper()}{mark}, and UTF-8 is due.",
            remedy=f"{SAY} For instance: iconv -f {wide.upper()} -t UTF-8 {path.name} > new",
        )
    if zeros := start.count(0):
        raise DataError(
            f"{path} is no text: {zeros:,} of its first {len(start):,} bytes are zero.",
            remedy="Check that it is the right file, and download it again.",
        )


def refuse_old_line_ends(path: Path, start: bytes) -> None:
    """Refuses lines that end with a carriage return alone, which would be taken for one line.

    Args:
        start: Enough to have a line end in it.

    Raises:
        DataError: See above.
    """
    if b"\r" in start.rstrip(b"\r\n") and b"\n" not in start:
        raise DataError(
            f"{path} has the line ends of old Macs: a carriage return, and no line feed.",
            remedy=f"Change them: tr '\\r' '\\n' < {path.name} > new",
        )
