"""Rows from the releases' own files."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adapterstilts.data.bad_rows import BadRows
from adapterstilts.data.formats import FORMATS, Records
from adapterstilts.data.formats.files import compressed
from adapterstilts.data.formats.packed import check_file, checked_digest
from adapterstilts.data.sources.held_out import held_out_name, held_out_place, in_split
from adapterstilts.data.sources.rows import (
    ROWS_VERSION,
    Source,
    canonical,
    canonical_rows,
    fill,
    prefixed,
    record_name,
    some,
    with_split,
)
from adapterstilts.errors import DataError, UsageError
from adapterstilts.languages import context_language
from adapterstilts.tasks.recipe import Recipe
from adapterstilts.tasks.sources import FilesSource

if TYPE_CHECKING:
    from datasets import Dataset


class FileRows:
    """Rows from release files below a folder laid out as XTREME's download.

    Args:
        root: The folder given as `--data-dir`.
    """

    name = "files"

    def __init__(self, root: Path) -> None:
        if not root.is_dir():
            raise UsageError(f"--data-dir {root} is not a folder.", remedy="Give the folder that holds the releases.")
        self.root = root

    def of(self, task: Recipe) -> Source:
        return self

    def languages(self, task: Recipe, benchmark: str | None) -> tuple[str, ...]:
        task.source(self.name)
        return task.languages_of(benchmark)

    def missing(self, task: Recipe, split: str, language: str) -> str | None:
        parts = with_split(task.source("files"), split)
        if not parts:
            return f"{split} file of {task.name}"
        for part in parts:
            ways = [one for one in (part, *part.instead) if split in one.splits]
            absent = [self._absent(one, split, language) for one in ways]
            if all(absent):
                if not (named := list(dict.fromkeys(str(paths[0]) for paths in absent if paths[0]))):
                    return f"{split} file of {task.name} in {language!r}"
                return ", or ".join(named)
        return None

    def fingerprint(self, task: Recipe, split: str, language: str) -> str:
        self._check(task, split, language)

        def name(part: FilesSource) -> str:
            digests = ",".join(checked_digest(path) for path in self._paths(part, split, language))
            options = ",".join(f"{name}={value}" for name, value in sorted(part.options.items()))
            shards = ":sharded" if part.sharded else ""
            read_as = f"{record_name(part)}{held_out_name(part, split)}{shards}"
            return f"{part.format}({options}):{read_as}:sha256:{digests}"

        parts = "+".join(name(part) for part in self._parts(task, split, language))
        # Some releases have all languages in one file, so the files alone do not say what is read from them.
        return f"files:{ROWS_VERSION}:{parts}:{split}:{language}"

    def load(self, task: Recipe, split: str, language: str, bad: BadRows) -> Dataset:
        rows = self.rows_of(task, split, language, bad)
        files = self.files(task, split, language)
        where = ", ".join(str(path) for _, path in files) + held_out_place(files[0][0], split)
        return canonical_rows(task, rows, where, bad, split=split)

    def files(self, task: Recipe, split: str, language: str) -> list[tuple[FilesSource, Path]]:
        """The files of a split, each with how it is read."""
        parts = self._parts(task, split, language)
        return [(part, path) for part in parts for path in self._paths(part, split, language)]

    def look(self, task: Recipe, split: str, language: str, size: int, bad: BadRows) -> tuple[int, Dataset] | None:
        return some(self.load(task, split, language, bad), size)

    def rows_of(self, task: Recipe, split: str, language: str, bad: BadRows) -> Records:
        """(place, row) of the rows of a task, before its kind has looked at them."""
        self._check(task, split, language)
        parts, features = self._parts(task, split, language), task.canonical_columns
        return (
            (place, prefixed(row, number, parts))
            for number, part in enumerate(parts)
            for place, row in self.rows(part, features, split, language, bad)
        )

    def rows(self, part: FilesSource, features: Mapping[str, Any], split: str, language: str, bad: BadRows) -> Records:
        """(place, row) of the rows of one part, before the task's kind has looked at them."""
        own, paths = context_language(language), self._paths(part, split, language)
        sharded = part.sharded and len(paths) > 1
        records = _of_shards(part, paths, own, bad) if sharded else _records(part, paths, own, bad)
        where = str(paths[0].parent if sharded else paths[0])
        wanted = in_split(part, features, split)
        return canonical(records, part, features, language=own, where=where, bad=bad, wanted=wanted)

    def _parts(self, task: Recipe, split: str, language: str) -> list[FilesSource]:
        """The sources of a split's rows: of each the first way of naming its files under which they are there."""

        def there(part: FilesSource) -> FilesSource:
            ways = (one for one in (part, *part.instead) if split in one.splits)
            return next((one for one in ways if not self._absent(one, split, language)), part)

        return [there(part) for part in with_split(task.source("files"), split)]

    def _absent(self, part: FilesSource, split: str, language: str) -> list[Path | None]:
        """The files that a part needs and that are not there; None alone if it has none for the language."""
        if part.paths(split, language) is None:
            return [None]
        paths = self._paths(part, split, language)
        needed = paths if part.sharded else paths[: FORMATS.get(part.format).required]
        for path in needed:
            if os.path.lexists(path) and not path.is_file():
                check_file(path)
        return [path for path in needed if not path.is_file()]

    def _paths(self, part: FilesSource, split: str, language: str) -> tuple[Path, ...]:
        templates = part.paths(split, language) or ()
        paths = [self.root / fill(template, language, part.codes) for template in templates]
        paths = [packed if not path.is_file() and (packed := compressed(path)).is_file() else path for path in paths]
        # What a format can do without, such as the gold that a benchmark does not give away, may be absent.
        required = len(paths) if part.sharded else FORMATS.get(part.format).required
        return tuple(path for number, path in enumerate(paths) if number < required or path.is_file())

    def _check(self, task: Recipe, split: str, language: str) -> None:
        if missing := self.missing(task, split, language):
            raise DataError(
                f"{missing} is not there ({task.name}, {split}, {language}).",
                remedy=f"Put the release below {self.root}, or choose other languages with --languages.",
            )


def _records(part: FilesSource, paths: tuple[Path, ...], language: str, bad: BadRows) -> Records:
    return FORMATS.get(part.format)(paths, language, bad, **part.options)


def _of_shards(part: FilesSource, paths: tuple[Path, ...], language: str, bad: BadRows) -> Records:
    """The records of files that are parts of one, each with the name of its own."""
    for path in paths:
        for place, record in _records(part, (path,), language, bad):
            yield f"{place} of {path.name}", record
