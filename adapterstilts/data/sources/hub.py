"""Rows from the Hugging Face Hub, at pinned commits."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from glob import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adapterstilts.data.bad_rows import BadRows
from adapterstilts.data.formats import FORMATS, Records
from adapterstilts.data.records.tables import TABLES, Table
from adapterstilts.data.sources.held_out import held_out_name, held_out_place, in_split
from adapterstilts.data.sources.hub_files import fetch, fetch_matching
from adapterstilts.data.sources.rows import ROWS_VERSION, Source, canonical, canonical_rows, fill, prefixed, with_split
from adapterstilts.errors import explain_hub
from adapterstilts.languages import context_language, question_language
from adapterstilts.tasks.recipe import Recipe
from adapterstilts.tasks.sources import HubSource, listed

if TYPE_CHECKING:
    from datasets import Dataset


class HubRows:
    """Rows from the Hugging Face Hub at the recipe's pinned revision; the network is used by `load` only."""

    name = "hub"

    def of(self, task: Recipe) -> Source:
        return self

    def languages(self, task: Recipe, benchmark: str | None) -> tuple[str, ...]:
        task.source(self.name)
        return task.languages_of(benchmark)

    def missing(self, task: Recipe, split: str, language: str) -> str | None:
        parts = with_split(task.source("hub"), split)
        has = parts and all(
            (not part.configs or language in part.configs) and part.named(split, language) for part in parts
        )
        known = {context_language(language), question_language(language)} <= {"en", *task.all_languages}
        return None if has and known else f"{split} rows of {task.name} in {language!r}"

    def fingerprint(self, task: Recipe, split: str, language: str) -> str:
        parts = [_hub_name(part, split, language) for part in with_split(task.source("hub"), split)]
        return f"hub:{ROWS_VERSION}:{'+'.join(parts)}:{language}"

    def load(self, task: Recipe, split: str, language: str, bad: BadRows) -> Dataset:
        parts = with_split(task.source("hub"), split)
        where = f"{', '.join(part.path for part in parts)}, {split}, {language}{held_out_place(parts[0], split)}"
        return canonical_rows(task, self.rows_of(task, split, language, bad), where, bad, split=split)

    def look(self, task: Recipe, split: str, language: str, size: int, bad: BadRows) -> tuple[int, Dataset] | None:
        return None

    def rows_of(self, task: Recipe, split: str, language: str, bad: BadRows) -> Records:
        """(place, row) of the rows of a task, before its kind has looked at them."""
        parts, features = with_split(task.source("hub"), split), task.canonical_columns
        return (
            (place, prefixed(row, number, parts))
            for number, part in enumerate(parts)
            for place, row in hub_rows(part, features, split, language, bad)
        )


def _hub_name(part: HubSource, split: str, language: str) -> str:
    """What decides the rows of one part."""
    name = (
        f"{part.path}@{part.revision}:{_config(part, language)}:{part.record}:{part.named(split, language)}:"
        f"{sorted(part.columns.items())}:{part.id_prefix.get(language)}"
    )
    if part.separators:
        name += f":{part.separators}"
    if part.values:
        name += f":{part.values}"
    if part.shards:
        name += f":{part.shards}"
    if part.table:
        name += f":{part.table}({','.join(part.beside)})"
    if part.format:
        options = ",".join(f"{name}={value}" for name, value in sorted(part.options.items()))
        name += f":{part.format}({options}):{part.archive}"
    return name + held_out_name(part, split)


def hub_rows(part: HubSource, features: Mapping[str, Any], split: str, language: str, bad: BadRows) -> Records:
    """(place, row) of the rows of one part, before the task's kind has looked at them."""
    own = context_language(language)
    where = f"{part.path}, {split}, {language}"
    if part.format:
        records = FORMATS.get(part.format)(fetch(part, _paths_of(part, split, language)), own, bad, **part.options)
    elif part.table:
        tables = {code: _hub_table(part, split, code) for code in dict.fromkeys((own, *part.beside))}
        records = TABLES.get(part.table)(tables, own, bad)
    else:
        records = _hub_table(part, split, language).records
    wanted = in_split(part, features, split)
    return canonical(records, part, features, language=own, where=where, bad=bad, wanted=wanted)


def _hub_table(part: HubSource, split: str, language: str) -> Table:
    if part.shards:
        files = fetch_matching(part, fill(part.shards, language))
        found = _loaded_files(tuple(map(str, files)), str(part.named(split, language)))
    else:
        found = loaded(part.path, _config(part, language), str(part.named(split, language)), part.revision)
    if prefix := part.id_prefix.get(language):
        found = found.filter(lambda id_: id_.startswith(prefix), input_columns="id")
    # Some records are known by their place only.
    records = ((f"row {number}", {"number": number, **record}) for number, record in enumerate(found))
    return Table(where=f"{part.path}, {split}, {language}", records=records)


@lru_cache(maxsize=32)
def loaded(path: str, config: str | None, split: str, revision: str) -> Dataset:
    """A configuration on the Hub, kept because tables of all languages are needed for the rows of each."""
    from datasets import load_dataset

    with explain_hub(f"the data set {path}"):
        if found := _cached(path, config, split, revision):
            return found
        found = load_dataset(path, config, split=split, revision=revision)
        # While the Hub is out of reach, that is the newest in the cache, whatever revision was asked for.
        commit = Path(found.cache_files[0]["filename"]).parent.name
        if commit != revision:
            raise FileNotFoundError(
                f"the Hub is out of reach, and the cache has commit {commit[:12]} of it, not the pinned {revision[:12]}"
            )
        return found


def _cached(path: str, config: str | None, split: str, revision: str) -> Dataset | None:
    """The tables of a commit in the cache of `datasets`, about which the Hub need not be asked."""
    import datasets
    from datasets.naming import camelcase_to_snakecase
    from datasets.packaged_modules.cache.cache import Cache

    *owner, own = path.split("/")
    root = Path(datasets.config.HF_DATASETS_CACHE) / "___".join([*owner, camelcase_to_snakecase(own)])
    folders = [
        one
        for one in root.glob(f"{escape(config) if config else '*'}/*/{revision}")
        if (one / "dataset_info.json").is_file()
    ]
    if len(folders) != 1:
        return None
    name, version = folders[0].parts[-3:-1]
    builder = Cache(repo_id=path, dataset_name=own, config_name=name, version=version, hash=revision)
    if split not in (builder.info.splits or ()):
        return None
    builder.download_and_prepare()
    return builder.as_dataset(split=split)


@lru_cache(maxsize=32)
def _loaded_files(files: tuple[str, ...], split: str) -> Dataset:
    from datasets import load_dataset

    return load_dataset("parquet", data_files={"train": list(files)}, split=split)


def _paths_of(part: HubSource, split: str, language: str) -> tuple[str, ...]:
    """The files of one split in the repository or its archive."""
    return tuple(fill(template, language) for template in listed(part.named(split, language) or ()))


def _config(part: HubSource, language: str) -> str | None:
    return part.configs.get(language) or (fill(part.config, language) if part.config else None)
