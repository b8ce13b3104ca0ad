"""The three sources of canonical rows: the embedded suite, release files, and the Hugging Face Hub."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from adapterstilts.data.bad_rows import BadRows
from adapterstilts.data.formats import FORMATS
from adapterstilts.errors import DataError, UsageError, explain_hub, unknown
from adapterstilts.files import file_digest
from adapterstilts.tasks.recipe import HubSource, Recipe

if TYPE_CHECKING:
    from datasets import Dataset


class Source(Protocol):
    """Where rows come from. `split` is `train`, `validation` or `test`; `language` an ISO 639-1 code."""

    name: str

    def languages(self, task: Recipe) -> tuple[str, ...]:
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

    def languages(self, task: Recipe) -> tuple[str, ...]:
        from adapterstilts import mini

        return tuple(language for language in task.languages if language in mini.LANGUAGES)

    def missing(self, task: Recipe, split: str, language: str) -> str | None:
        has = split in task.sources.mini.splits and language in self.languages(task)
        return None if has else f"{split} rows of {task.name} in {language!r}"

    def fingerprint(self, task: Recipe, split: str, language: str) -> str:
        from adapterstilts import mini

        part = task.sources.mini
        options = ",".join(f"{name}={value}" for name, value in sorted(part.options.items()))
        return f"mini:{mini.fingerprint()}:{part.generator}({options}):{split}:{part.splits[split]}:{language}"

    def load(self, task: Recipe, split: str, language: str, bad: BadRows) -> Dataset:
        from adapterstilts.mini.rows import GENERATORS

        part = task.sources.mini
        rows = GENERATORS[part.generator](split=split, language=language, size=part.splits[split], **part.options)
        return _dataset(task, rows, f"the {split} split of {task.name} ({language}) in the embedded suite", bad)


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

    def languages(self, task: Recipe) -> tuple[str, ...]:
        return task.languages

    def missing(self, task: Recipe, split: str, language: str) -> str | None:
        path = self._path(task, split, language)
        return None if path and path.is_file() else str(path or f"{split} file of {task.name}")

    def fingerprint(self, task: Recipe, split: str, language: str) -> str:
        return f"{task.sources.files.format}:sha256:{file_digest(self._existing(task, split, language))}"

    def load(self, task: Recipe, split: str, language: str, bad: BadRows) -> Dataset:
        path = self._existing(task, split, language)
        return _dataset(task, FORMATS.get(task.sources.files.format)(path, language, bad), str(path), bad)

    def _path(self, task: Recipe, split: str, language: str) -> Path | None:
        template = task.sources.files.splits.get(split)
        return self.root / template.format(language=language) if template else None

    def _existing(self, task: Recipe, split: str, language: str) -> Path:
        if missing := self.missing(task, split, language):
            raise DataError(
                f"{missing} is not there ({task.name}, {split}, {language}).",
                remedy=f"Put the release below {self.root}, or choose other languages with --languages.",
            )
        path = self._path(task, split, language)
        assert path is not None
        return path


class HubRows:
    """Rows from the Hugging Face Hub at the recipe's pinned revision; the network is used by `load` only."""

    name = "hub"

    def languages(self, task: Recipe) -> tuple[str, ...]:
        return task.languages

    def missing(self, task: Recipe, split: str, language: str) -> str | None:
        has = split in task.sources.hub.splits and language in task.languages
        return None if has else f"{split} rows of {task.name} in {language!r}"

    def fingerprint(self, task: Recipe, split: str, language: str) -> str:
        part = task.sources.hub
        return f"hub:{part.path}@{part.revision}:{_config(part, language)}:{part.splits[split]}:{language}"

    def load(self, task: Recipe, split: str, language: str, bad: BadRows) -> Dataset:
        from datasets import load_dataset

        part = task.sources.hub
        with explain_hub(f"the data set {part.path}"):
            found = load_dataset(part.path, _config(part, language), split=part.splits[split], revision=part.revision)
        if prefix := part.id_prefix.get(language):
            found = found.filter(lambda id_: id_.startswith(prefix), input_columns="id")
        rename = {theirs: ours for ours, theirs in part.columns.items()}
        found = found.rename_columns(rename)
        rows = ({**row, "language": language} for row in found)
        return _dataset(task, rows, f"{part.path}, {split}, {language}", bad)


def _config(part: HubSource, language: str) -> str | None:
    return part.config.format(language=language) if part.config else None


def _dataset(task: Recipe, rows: Iterable[dict[str, Any]], where: str, bad: BadRows) -> Dataset:
    """The usable rows, with the kind's columns only."""
    from datasets import Dataset

    kind = task.build_kind()
    features = kind.features()
    kept = []
    for number, row in enumerate(rows):
        try:
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
