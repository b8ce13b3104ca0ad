"""RACE: its archive, which has a small JSON file for each text."""

from __future__ import annotations

import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from adapterstilts.data.bad_rows import BadRows
from adapterstilts.data.formats.packed import check_file, unreadable
from adapterstilts.data.formats.registry import Records, register
from adapterstilts.errors import DataError
from adapterstilts.parsed import as_object, from_json, get_list, get_text


@register("race", "RACE.tar.gz")
def read_race(
    paths: tuple[Path, ...], language: str, bad: BadRows, *, split: Literal["train", "dev", "test"] = "train"
) -> Records:
    """The questions of a split, those of middle and high schools; gives {article, question, options, answer}.

    Args:
        split: The folder of the archive that has them.

    Raises:
        DataError: The file is no such archive, or has no such folder.
    """
    path, seen = paths[0], False
    for name, content in _texts(path, split):
        seen = True
        yield from _questions(content, path, name, bad)
    if not seen:
        raise DataError(f"{path} has no texts in a folder {split!r}.", remedy="It should be RACE.tar.gz.")


def _texts(path: Path, split: str) -> Iterator[tuple[str, bytes]]:
    """(name, content) of the files in a folder of the archive."""
    check_file(path)
    try:
        with path.open("rb") as file, tarfile.open(fileobj=file) as archive:
            for member in archive:
                parts = Path(member.name).parts
                content = archive.extractfile(member) if member.isreg() and split in parts[:-1] else None
                if content is not None and parts[-1].endswith(".txt"):
                    yield "/".join(parts[-3:]), content.read()
    except (tarfile.TarError, EOFError, zlib.error) as error:
        raise DataError(f"{path} cannot be unpacked ({error}).", remedy="Download it again.") from None
    except OSError as error:
        raise unreadable(path, error) from None


def _questions(content: bytes, path: Path, name: str, bad: BadRows) -> Records:
    """(place, question) of one text."""
    try:
        record = as_object(from_json(content), "it is not a JSON object")
        article = get_text(record, "article")
        columns = [get_list(record, column) for column in ("questions", "options", "answers")]
        if len(set(map(len, columns))) > 1:
            raise ValueError("it has not as many answers as questions")
    except (ValueError, UnicodeDecodeError) as error:
        bad.report(path, name, str(error))
        return
    for number, (question, options, answer) in enumerate(zip(*columns, strict=True)):
        found = {"article": article, "question": question, "options": options, "answer": answer}
        yield f"question {number} of {name}", found
