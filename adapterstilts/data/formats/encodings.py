"""In which encoding a file of text is that nobody described."""

from __future__ import annotations

import codecs
from dataclasses import dataclass, field
from pathlib import Path

from adapterstilts.data.formats.blocks import UTF8, known_encoding
from adapterstilts.data.formats.marks import SAY, marked_encoding, wide_encoding
from adapterstilts.data.formats.packed import empty, opened
from adapterstilts.errors import DataError

_LOOKED_AT = 1 << 22
_SAMPLE = 1 << 14
# What files are in that are not in Unicode; without the many encodings that nobody has used for long.
_CANDIDATES = [
    "cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "cp1258", "koi8_r", "koi8_u",
    "iso8859_2", "iso8859_5", "iso8859_7", "gb18030", "big5", "cp932", "euc_jp", "cp949", "tis_620",
]  # fmt: skip
_WESTERN = frozenset("äöüßéèêëàâáåæøçñíìîïóòôõúùûÄÖÜÉÈÀÂÁÅÆØÇÑÍÓÔÚœŒ€–—‘’“”„…«»©®°·ã¿¡§")


@dataclass(frozen=True)
class GuessedEncoding:
    """An encoding by Python's name, and why a file is taken to be in it."""

    name: str = UTF8
    why: str = field(default="its text is valid UTF-8", compare=False)


def guess_encoding(path: Path) -> GuessedEncoding:
    """The encoding of a file of text.

    A byte order mark decides; then whether the text is valid UTF-8, or most of its lines with other characters than
    ASCII's are; and then which encoding gives the likeliest text. Only the first megabytes are looked at.

    Raises:
        DataError: The file is empty or no text, or no encoding suits it.
    """
    with opened(path) as file:
        data = file.read(_LOOKED_AT)
    if not data.removeprefix(codecs.BOM_UTF8).strip():
        raise empty(path)
    if marked := marked_encoding(data):
        return GuessedEncoding(marked, "it begins with a byte order mark")
    if wide := wide_encoding(data[:4096]):
        return GuessedEncoding(wide, "every other byte is zero")
    lines = data.splitlines()
    if len(data) == _LOOKED_AT:
        lines.pop()  # it is cut off, perhaps within a character
    other = [line for line in lines if not line.isascii()]
    odd = [line for line in other if not _is_utf8(line)]
    if not odd:
        return GuessedEncoding()
    if 2 * len(odd) < len(other):
        return GuessedEncoding(why=f"all but {len(odd):,} of {len(other):,} lines beyond ASCII are valid UTF-8")
    return _likeliest(b"\n".join(odd)[:_SAMPLE], path, f"{len(odd):,} of {len(other):,} lines beyond ASCII")


def is_ascii(path: Path) -> bool:
    """Whether what is looked at of a file reads the same in most encodings."""
    with opened(path) as file:
        return file.read(_LOOKED_AT).isascii()


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode(UTF8)
    except UnicodeDecodeError:
        return False
    return True


def _likeliest(sample: bytes, path: Path, lines: str) -> GuessedEncoding:
    """The encoding other than UTF-8 in which a sample is the likeliest text."""
    from charset_normalizer import from_bytes

    why = f"{lines} are not valid UTF-8, and in it they make sense"
    western = sample.decode("cp1252", "replace")
    beyond = [one for one in western if not one.isascii()]
    # Of short western texts, statistics take one for the other.
    if all(one in _WESTERN for one in beyond):
        return GuessedEncoding("cp1252", why)
    best = from_bytes(sample, cp_isolation=_CANDIDATES).best()
    if best is None:
        raise DataError(f"{path}: no encoding is found in which its text makes sense.", remedy=SAY)
    return GuessedEncoding(known_encoding(best.encoding), why)
