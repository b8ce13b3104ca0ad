"""The three sources of canonical rows: the embedded suite, release files, and the Hugging Face Hub.

What sources call a language can also be a pair such as `de-en`: context in German, questions in English.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from adapterstilts.data.bad_rows import BadRows, Omitted
from adapterstilts.data.formats import FORMATS
from adapterstilts.data.hub_files import fetch, fetch_matching
from adapterstilts.data.records import RECORDS
from adapterstilts.data.tables import TABLES, Table
from adapterstilts.errors import DataError, UsageError, explain_hub, unknown
from adapterstilts.files import file_digest
from adapterstilts.languages import context_language, question_language
from adapterstilts.tasks.recipe import FilesSource, HubSource, MiniSource, Recipe

if TYPE_CHECKING:
    from datasets import Dataset


# Part of every fingerprint of files and Hub data: raise it when a reader gives other rows than before, or when other
# rows are held out for validation.
_ROWS_VERSION = 2


class Source(Protocol):
    """Where rows come from. `split` is `train`, `validation` or `test`; `language` an ISO 639-1 code or a pair."""

    name: str

    def languages(self, task: Recipe, benchmark: str | None) -> tuple[str, ...]:
        """The languages of the task's test data that this source has, in the recipe's order."""

    def missing(self, task: Recipe, split: str, language: str) -> str | None:
        """What would have to be there for this split and language, or None when it is."""

    def fingerprint(self, task: Recipe, split: str, language: str) -> str:
        """Identity of the rows' content, found without reading more than necessary."""

    def load(self, task: Recipe, split: str, language: str, bad: BadRows) -> Dataset:
        """The rows, with the canonical columns of the task's kind."""


class MiniRows:
    """Rows of the embedded suite, generated when asked for."""

    name = "mini"

    def languages(self, task: Recipe, benchmark: str | None) -> tuple[str, ...]:
        from adapterstilts import mini

        if task.sources.mini.languages and benchmark is None:
            return task.sources.mini.languages
        return tuple(language for language in task.languages_of(benchmark) if language in mini.LANGUAGES)

    def missing(self, task: Recipe, split: str, language: str) -> str | None:
        from adapterstilts import mini

        # English is the language to train in, even of tasks that are not evaluated in it.
        offered = {"en", *task.all_languages, *task.sources.mini.languages} & set(mini.LANGUAGES)
        has = task.sources.mini.has(split) and {context_language(language), question_language(language)} <= offered
        return None if has else f"{split} rows of {task.name} in {language!r}"

    def fingerprint(self, task: Recipe, split: str, language: str) -> str:
        from adapterstilts import mini

        def name(part: MiniSource) -> str:
            options = ",".join(f"{name}={value}" for name, value in sorted(part.options.items()))
            return f"{part.generator}({options}):{part.splits[split]}"

        parts = "+".join(name(part) for part in _with_split(task.sources.mini, split))
        return f"mini:{mini.fingerprint()}:{parts}:{split}:{language}"

    def load(self, task: Recipe, split: str, language: str, bad: BadRows) -> Dataset:
        rows = _generated(task, split, context_language(language))
        if context_language(language) != question_language(language):
            # The suite's rows are parallel: the same ids in all languages.
            asked = {row["id"]: row["question"] for row in _generated(task, split, question_language(language))}
            rows = [{**row, "question": asked[row["id"]]} for row in rows]
        where = f"the {split} split of {task.name} ({language}) in the embedded suite"
        return canonical_rows(task, ((where, row) for row in rows), where, bad)


def _generated(task: Recipe, split: str, language: str) -> list[dict[str, Any]]:
    parts = _with_split(task.sources.mini, split)
    return [
        _prefixed(row, number, parts)
        for number, part in enumerate(parts)
        for row in _told(part.generator, split, language, part.splits[split], json.dumps(part.options, sort_keys=True))
    ]


@lru_cache(maxsize=32)
def _told(name: str, split: str, language: str, size: int, options: str) -> list[dict[str, Any]]:
    """Rows of one generator, kept because a comparison asks for the same ones again and again."""
    from adapterstilts.mini.generators import generator

    return generator(name)(split=split, language=language, size=size, **json.loads(options))


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

    def languages(self, task: Recipe, benchmark: str | None) -> tuple[str, ...]:
        return task.languages_of(benchmark)

    def missing(self, task: Recipe, split: str, language: str) -> str | None:
        parts = _with_split(task.sources.files, split)
        if not parts:
            return f"{split} file of {task.name}"
        absent = [
            path
            for part in parts
            for path in self._paths(part, split, language)[: FORMATS.get(part.format).required]
            if not path.is_file()
        ]
        return str(absent[0]) if absent else None

    def fingerprint(self, task: Recipe, split: str, language: str) -> str:
        self._check(task, split, language)

        def name(part: FilesSource) -> str:
            digests = ",".join(file_digest(path) for path in self._paths(part, split, language))
            options = ",".join(f"{name}={value}" for name, value in sorted(part.options.items()))
            return f"{part.format}({options}):{part.record}:sha256:{digests}"

        parts = "+".join(name(part) for part in _with_split(task.sources.files, split))
        # Some releases have all languages in one file, so the files alone do not say what is read from them.
        return f"files:{_ROWS_VERSION}:{parts}:{split}:{language}"

    def load(self, task: Recipe, split: str, language: str, bad: BadRows) -> Dataset:
        self._check(task, split, language)
        parts = _with_split(task.sources.files, split)
        paths = [path for part in parts for path in self._paths(part, split, language)]
        return canonical_rows(task, self._rows(parts, split, language, bad), ", ".join(map(str, paths)), bad)

    def _rows(
        self, parts: list[FilesSource], split: str, language: str, bad: BadRows
    ) -> Iterator[tuple[str, dict[str, Any]]]:
        for number, part in enumerate(parts):
            paths = self._paths(part, split, language)
            records = FORMATS.get(part.format)(paths, context_language(language), bad, **part.options)
            where = str(paths[0])
            for place, row in _canonical(records, part.record, context_language(language), where, bad):
                yield place, _prefixed(row, number, parts)

    def _paths(self, part: FilesSource, split: str, language: str) -> tuple[Path, ...]:
        given = part.splits[split]
        templates = (given,) if isinstance(given, str) else given
        paths = tuple(self.root / _fill(template, language) for template in templates)
        # What a format can do without, such as the gold that a benchmark does not give away, may be absent.
        required = FORMATS.get(part.format).required
        return tuple(path for number, path in enumerate(paths) if number < required or path.is_file())

    def _check(self, task: Recipe, split: str, language: str) -> None:
        if missing := self.missing(task, split, language):
            raise DataError(
                f"{missing} is not there ({task.name}, {split}, {language}).",
                remedy=f"Put the release below {self.root}, or choose other languages with --languages.",
            )


class HubRows:
    """Rows from the Hugging Face Hub at the recipe's pinned revision; the network is used by `load` only."""

    name = "hub"

    def languages(self, task: Recipe, benchmark: str | None) -> tuple[str, ...]:
        return task.languages_of(benchmark)

    def missing(self, task: Recipe, split: str, language: str) -> str | None:
        parts = _with_split(_hub(task), split)
        has = parts and all(not part.configs or language in part.configs for part in parts)
        known = {context_language(language), question_language(language)} <= {"en", *task.all_languages}
        return None if has and known else f"{split} rows of {task.name} in {language!r}"

    def fingerprint(self, task: Recipe, split: str, language: str) -> str:
        parts = [_hub_name(part, split, language) for part in _with_split(_hub(task), split)]
        return f"hub:{_ROWS_VERSION}:{'+'.join(parts)}:{language}"

    def load(self, task: Recipe, split: str, language: str, bad: BadRows) -> Dataset:
        parts = _with_split(_hub(task), split)
        rows = (
            (place, _prefixed(row, number, parts))
            for number, part in enumerate(parts)
            for place, row in _hub_rows(part, split, language, bad)
        )
        return canonical_rows(task, rows, f"{', '.join(part.path for part in parts)}, {split}, {language}", bad)


def _hub(task: Recipe) -> HubSource:
    found = task.source("hub")
    assert isinstance(found, HubSource)
    return found


def _hub_name(part: HubSource, split: str, language: str) -> str:
    """What decides the rows of one part."""
    name = (
        f"{part.path}@{part.revision}:{_config(part, language)}:{part.record}:{part.splits[split]}:"
        f"{sorted(part.columns.items())}:{part.id_prefix.get(language)}"
    )
    if part.shards:
        name += f":{part.shards}"
    if part.table:
        name += f":{part.table}({','.join(part.beside)})"
    if part.format:
        options = ",".join(f"{name}={value}" for name, value in sorted(part.options.items()))
        name += f":{part.format}({options}):{part.archive}"
    return name


def _hub_rows(part: HubSource, split: str, language: str, bad: BadRows) -> Iterator[tuple[str, dict[str, Any]]]:
    own = context_language(language)
    where = f"{part.path}, {split}, {language}"
    if part.format:
        records = FORMATS.get(part.format)(fetch(part, _paths_of(part, split, language)), own, bad, **part.options)
    elif part.table:
        tables = {code: _hub_table(part, split, code) for code in dict.fromkeys((own, *part.beside))}
        records = TABLES.get(part.table)(tables, own, bad)
    else:
        records = _hub_table(part, split, language).records
    return _canonical(records, part.record, own, where, bad)


def _hub_table(part: HubSource, split: str, language: str) -> Table:
    if part.shards:
        files = fetch_matching(part, _fill(part.shards, language))
        found = _loaded_files(tuple(map(str, files)), str(part.splits[split]))
    else:
        found = _loaded(part.path, _config(part, language), part.splits[split], part.revision)
    if prefix := part.id_prefix.get(language):
        found = found.filter(lambda id_: id_.startswith(prefix), input_columns="id")
    found = found.rename_columns({theirs: ours for ours, theirs in part.columns.items()})
    # Some records are known by their place only.
    records = ((f"row {number}", {"number": number, **record}) for number, record in enumerate(found))
    return Table(where=f"{part.path}, {split}, {language}", records=records)


@lru_cache(maxsize=32)
def _loaded(path: str, config: str | None, split: str, revision: str) -> Dataset:
    """A configuration on the Hub, kept because tables of all languages are needed for the rows of each."""
    from datasets import load_dataset

    with explain_hub(f"the data set {path}"):
        return load_dataset(path, config, split=split, revision=revision)


@lru_cache(maxsize=32)
def _loaded_files(files: tuple[str, ...], split: str) -> Dataset:
    from datasets import load_dataset

    return load_dataset("parquet", data_files={"train": list(files)}, split=split)


def _paths_of(part: HubSource, split: str, language: str) -> tuple[str, ...]:
    """The files of one split in the repository or its archive."""
    given = part.splits[split]
    return tuple(_fill(template, language) for template in ((given,) if isinstance(given, str) else given))


def _config(part: HubSource, language: str) -> str | None:
    return part.configs.get(language) or (_fill(part.config, language) if part.config else None)


def _fill(template: str, language: str) -> str:
    return template.format(language=context_language(language), question_language=question_language(language))


def _with_split(part: Any, split: str) -> list[Any]:
    """A source and those that come after it, as far as they have this split."""
    return [one for one in (part, *part.also) if split in one.splits]


def _prefixed(row: dict[str, Any], number: int, parts: list[Any]) -> dict[str, Any]:
    """The row with an id that is its own among all parts."""
    return {**row, "id": f"{number}-{row['id']}"} if len(parts) > 1 else row


def _canonical(
    records: Iterable[tuple[str, dict[str, Any]]], record: str | None, language: str, where: str, bad: BadRows
) -> Iterator[tuple[str, dict[str, Any]]]:
    """(place, row) of every record that can be read; rows get language and id where the record gives none."""
    convert: Callable[..., Any] = RECORDS.get(record) if record else lambda found, _: found
    for number, (place, found) in enumerate(records):
        try:
            rows = convert(found, language)
        except Omitted as reason:
            bad.omit(str(reason))
        except ValueError as error:
            bad.report(where, place, str(error))
        else:
            for row in rows if isinstance(rows, list) else [rows]:
                yield f"{where}: {place}", {"id": str(number), "language": language, **row}


def canonical_rows(task: Recipe, rows: Iterable[tuple[str, dict[str, Any]]], where: str, bad: BadRows) -> Dataset:
    """The usable rows, with the kind's columns only."""
    from datasets import Dataset

    kind = task.build_kind()
    features = kind.features()
    found = [row for _, row in rows]
    # Benchmarks keep the labels of some test sets to themselves; then no row has one.
    unlabelled = all(kind.unlabelled(row) for row in found)
    kept = []
    for number, row in enumerate(found):
        try:
            if absent := [name for name in features if name not in row]:
                raise ValueError(f"it has no {absent[0]!r}")
            if not unlabelled:
                kind.check(row)
        except ValueError as error:
            bad.report(where, f"row {row.get('id', number)!r}", str(error))
        else:
            kept.append({name: row[name] for name in features})
    if not kept:
        raise DataError(f"{where}: there is no usable row.", remedy="Check that it is the right data set.")
    return Dataset.from_list(kept, features=features)


_SOURCES: dict[str, Callable[[], Source]] = {"hub": HubRows, "mini": MiniRows}


def open_source(name: str, data_dir: Path | None) -> Source:
    """The source called `name`; `files` needs the folder given as `--data-dir`.

    Raises:
        UsageError: There is no such source, or `files` has no folder.
    """
    if name == "files":
        if data_dir is None:
            raise UsageError("Source 'files' needs a folder.", remedy="Give it with --data-dir.")
        return FileRows(data_dir)
    if name not in _SOURCES:
        raise unknown("source", name, [*_SOURCES, "files"])
    return _SOURCES[name]()
