"""Files to select by and to score that are written otherwise than the training file: each is read as it is itself."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

from adapterstilts.commands.own.recipe import Examined, NewTaskOptions
from adapterstilts.data.bad_rows import BadRows
from adapterstilts.data.formats import FORMATS
from adapterstilts.data.formats.blocks import UTF8
from adapterstilts.data.formats.encodings import GuessedEncoding, guess_encoding, is_ascii
from adapterstilts.data.formats.guessing import GuessedFormat, guess_format
from adapterstilts.data.input_rows import GOLD
from adapterstilts.errors import AstiltsError, DataError
from adapterstilts.languages import ENGLISH
from adapterstilts.tasks.kind import KINDS
from adapterstilts.tasks.sources import listed

_LOOKED_AT = 200


def first_records(path: Path, found: GuessedFormat) -> list[dict[str, Any]]:
    """The first records of a file.

    Raises:
        DataError: There are none.
    """
    bad = BadRows(skip=True)
    reader = FORMATS.get(found.name)
    records = [record for _, record in islice(reader((path,), ENGLISH, bad, **found.options), _LOOKED_AT)]
    if not records:
        if not bad.counts:
            raise DataError(f"{path} has no row.", remedy="Fill it, or download it again.")
        raise DataError(
            f"{path} cannot be read as {found.name}: {'; '.join(bad.counts)}.",
            remedy="Check that it is the right file, or say how it is read with --delimiter and --encoding.",
        )
    return records


def with_other_formats(examined: Examined, options: NewTaskOptions) -> Examined:
    """With how the files beside that of training are read where its own way does not fit them.

    Raises:
        DataError: Parts of one file are to be read in different ways.
    """
    needed = {name for guess in examined.guesses if guess.column not in GOLD for name in listed(guess.theirs)}
    others: dict[Path, GuessedFormat] = {}
    for files in (options.validation, *options.test.values()):
        ways = [_way(path, examined.format, options, needed) for path in files]
        for path, way in zip(files, ways, strict=True):
            if way != ways[0]:
                raise _of_several(path, way, files[0], ways[0])
            if way != examined.format:
                others[path] = way
    return replace(examined, others=others)


def check_shard_encoding(shard: Path, first: Path, found: GuessedFormat) -> None:
    """Refuses a part of a training file that is in another encoding than the first.

    Raises:
        DataError: See above.
    """
    own = _encoding(shard, found)
    if own != found.encoding:
        raise _of_several(shard, replace(found, encoding=own), first, found)


def read_as(found: GuessedFormat) -> str:
    """How a file is read, in words."""
    others = {name: value for name, value in found.options.items() if name not in ("encoding", "columns")}
    options = {"encoding": found.encoding.name, **others}
    return ", ".join([found.name, *(f"{name} {value!r}" for name, value in options.items())])


def _of_several(path: Path, way: GuessedFormat, first: Path, other: GuessedFormat) -> DataError:
    return DataError(
        f"{path} and {first} are parts of one file, and one is read as {read_as(way)}, the other as {read_as(other)}.",
        remedy="Save them alike.",
    )


def _way(path: Path, theirs: GuessedFormat, options: NewTaskOptions, needed: Collection[str]) -> GuessedFormat:
    """How a file is read: as that of training if that fits, or else in its own encoding, or else as it looks."""
    if options.encoding and options.delimiter:
        return theirs
    ways = list(_ways(path, theirs, options))
    # Where columns are missing in any way, the last one, as the file looks, names those that are there.
    return next((way for way in ways if _fits(path, way, needed)), ways[-1])


def _ways(path: Path, theirs: GuessedFormat, options: NewTaskOptions) -> Iterator[GuessedFormat]:
    encoding = theirs.encoding if options.encoding else _encoding(path, theirs)
    if encoding == theirs.encoding:
        yield theirs
    else:
        rest = {name: value for name, value in theirs.options.items() if name != "encoding"}
        own = {"encoding": encoding.name} if encoding.name != UTF8 else {}
        yield GuessedFormat(theirs.name, {**rest, **own}, encoding)
    told = {"encoding": options.encoding, "delimiter": options.delimiter}
    try:
        yield guess_format(path, KINDS.get(options.kind).features(), name=options.format, **told)
    except AstiltsError:
        return


def _encoding(path: Path, theirs: GuessedFormat) -> GuessedEncoding:
    """The encoding of a file; that of training where both read it alike."""
    if "encoding" not in FORMATS.get(theirs.name).options:
        return theirs.encoding
    try:
        own = guess_encoding(path)
    except AstiltsError:
        return theirs.encoding
    alike = "a".encode(theirs.encoding.name) == b"a" and is_ascii(path)
    return theirs.encoding if alike else own


def _fits(path: Path, way: GuessedFormat, needed: Collection[str]) -> bool:
    """Whether a file that is read in a way has records with the columns."""
    try:
        records: Sequence[Mapping[str, Any]] = first_records(path, way)
    except AstiltsError:
        return False
    return set(needed) <= {name for record in records for name in record}
