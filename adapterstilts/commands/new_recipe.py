"""What a new task's recipe has to say, from the user's files and what is known of them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adapterstilts.data.bad_rows import BadRows
from adapterstilts.data.formats import FORMATS
from adapterstilts.data.formats.guessing import GuessedFormat
from adapterstilts.data.records.guessing import ColumnGuess
from adapterstilts.data.sources.files import FileRows
from adapterstilts.errors import UsageError
from adapterstilts.languages import ENGLISH
from adapterstilts.settings import Strict
from adapterstilts.tasks.catalogue import read_recipe
from adapterstilts.tasks.kind import KINDS
from adapterstilts.tasks.label_guessing import LabelGuess
from adapterstilts.tasks.recipe import Recipe, TaskName
from adapterstilts.tasks.sources import FilesSource, HoldOut, Names, found_under


class NewTaskOptions(Strict):
    """What is known of a new task.

    Attributes:
        train: File of English training rows.
        validation: File of English rows to select checkpoints by; default: some are held out of the training rows.
        test: Language to file of the rows that are scored.
        out: Folder of tasks to which the task's folder is added.
        data_dir: Folder that `--data-dir` will name; default: the deepest that holds all files.
        format: Name of a reader in `data.formats`; default: what the files look like.
        encoding: Of files of text; default: what the training file looks like. So is `delimiter`, of tables.
        hold_out: Which training rows select checkpoints, where that is not left to the stage.
        columns: Canonical column to the files' column, or several; default: what they look like.
        options: Options of the kind; default: what the training rows need.
        metric: Default: the kind's usual one.
        title: What tables call the task; default: its name.
        skip_bad_rows: Count records that do not follow their format, instead of stopping.
        force: Write over a `task.yaml` that is there.
    """

    name: TaskName
    kind: str
    train: Path
    validation: Path | None = None
    test: dict[str, Path] = {}
    out: Path = Path()
    data_dir: Path | None = None
    format: str | None = None
    encoding: str | None = None
    delimiter: str | None = None
    hold_out: HoldOut | None = None
    columns: dict[str, Names] = {}
    options: dict[str, Any] = {}
    metric: str | None = None
    title: str | None = None
    skip_bad_rows: bool = False
    force: bool = False


@dataclass(frozen=True)
class Examined:
    """What the training file looks like.

    Attributes:
        records: Its first records.
        guesses: What the canonical columns are read from; none where the format gives canonical rows.
        labels: What the column of labels looks like, where that has to be said.
    """

    path: Path
    format: GuessedFormat
    records: Sequence[Mapping[str, Any]]
    guesses: list[ColumnGuess]
    labels: LabelGuess | None = None

    @property
    def options(self) -> Mapping[str, Any]:
        """Options of the kind that follow from it."""
        return self.labels.options if self.labels else {}


def draft_recipe(options: NewTaskOptions, examined: Examined, source: FileRows) -> Recipe:
    """The recipe of a new task.

    Args:
        source: The folder that holds its files.

    Raises:
        UsageError: The kind needs an option or a metric that nothing tells, or a file lies elsewhere.
        DataError: A training record cannot be read.
    """
    kind = KINDS.get(options.kind)
    told = {**examined.options, **options.options}
    part = _with_columns(_source(options, examined, source.root), kind.columns(told))
    rows = source.rows(part, kind.columns(told), "train", ENGLISH, BadRows(skip=options.skip_bad_rows))
    kind_options = {**kind.starting_options((row for _, row in rows), told), **told}
    part = _with_columns(part, kind.columns(kind_options))
    try:
        metric = options.metric or kind(kind_options).usual_metric
    except UsageError as error:
        raise UsageError(error.message, remedy=error.remedy or "Say it with --option NAME=VALUE.") from None
    if metric is None:
        raise UsageError(f"The kind {options.kind} has no usual metric.", remedy="Name one with --metric.")
    scored = part.has("validation") or part.has("test")
    values = {
        "name": options.name,
        "title": options.title or options.name,
        "kind": options.kind,
        "phases": ["intermediate", *(["target"] if scored else [])],
        "languages": sorted(options.test, key=lambda code: code != ENGLISH) or [ENGLISH],
        "metric": metric,
        "options": kind_options,
        "sources": {"files": part.model_dump(mode="json", exclude_defaults=True)},
    }
    return read_recipe(values, where=f"task {options.name!r}")


def _source(options: NewTaskOptions, examined: Examined, data_dir: Path) -> FilesSource:
    """Where the rows are, and how records become rows."""
    splits: dict[str, Any] = {"train": _below(options.train, data_dir)}
    if options.validation:
        splits["validation"] = _below(options.validation, data_dir)
    if options.test:
        paths = {language: _below(path, data_dir) for language, path in options.test.items()}
        splits["test"] = _pattern(paths) or paths
    columns = {guess.column: guess.theirs for guess in examined.guesses}
    values = _positions(options, examined) if {"label", "choices"} <= columns.keys() else {}
    separator = examined.labels.separator if examined.labels else None
    name, read_with = examined.format.name, examined.format.options
    return FilesSource(
        format=name,
        options=read_with,
        splits=splits,
        columns=columns,
        values=values,
        separators={"label": separator} if separator else {},
        hold_out=options.hold_out,
    )


def _with_columns(part: FilesSource, columns: Mapping[str, Any]) -> FilesSource:
    """The source without columns that rows do not have."""
    kept = {name: theirs for name, theirs in part.columns.items() if name in columns}
    return part.model_copy(update={"columns": kept})


def _below(path: Path, data_dir: Path) -> str:
    """A path as a recipe has it: from the data folder, and without patterns."""
    try:
        below = path.absolute().relative_to(data_dir.absolute())
    except ValueError:
        raise UsageError(
            f"{path} does not lie below --data-dir {data_dir}.", remedy="Name a folder that holds all files."
        ) from None
    return below.as_posix().replace("{", "{{").replace("}", "}}")


def _pattern(paths: Mapping[str, str]) -> str | None:
    """The path with `{language}` that gives the paths of several languages, if there is one; that of English alone."""
    if set(paths) == {ENGLISH}:
        return paths[ENGLISH]
    first, path = next(iter(paths.items()))
    for found in re.finditer(rf"(?<![A-Za-z]){first}(?![A-Za-z])", path):
        pattern = f"{path[: found.start()]}{{language}}{path[found.end() :]}"
        if len(paths) > 1 and all(pattern.format(language=language) == one for language, one in paths.items()):
            return pattern
    return None


def _positions(options: NewTaskOptions, examined: Examined) -> dict[str, dict[str, str | int | float]]:
    """What stands for the positions of choices where the data count from 1 or use letters; nothing if from 0.

    Raises:
        UsageError: The labels are neither.
    """
    label, choices = (
        next(guess.theirs for guess in examined.guesses if guess.column == name) for name in ("label", "choices")
    )
    records = FORMATS.get(examined.format.name)(
        (options.train,), ENGLISH, BadRows(skip=True), **examined.format.options
    )
    given, most = set(), 0
    for _, record in records:
        given.add(str(found_under(record, label)).strip())
        found = found_under(record, choices)
        most = max(most, len(found) if isinstance(found, list | tuple) else 0)
    for first in ("0", "1", "A", "a"):
        names = [chr(ord(first) + position) for position in range(min(most, 9 if first.isdigit() else 26))]
        if given <= set(names):
            return {} if first == "0" else {"label": {name: position for position, name in enumerate(names)}}
    odd = sorted(given)[:3]
    raise UsageError(
        f"{examined.path}: the labels in {label!r} ({', '.join(map(repr, odd))}) are not positions of {most} choices.",
        remedy="Name the column that says which choice is right with --column label=NAME: 0, 1, ... or A, B, ....",
    )
