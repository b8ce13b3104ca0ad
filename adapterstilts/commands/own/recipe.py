"""What a new task's recipe has to say, from the user's files and what is known of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, count
from pathlib import Path
from typing import Annotated, Any, TypeVar

from adapterstilts.data.bad_rows import BadRows, told_why
from adapterstilts.data.formats import FORMATS, Records
from adapterstilts.data.formats.guessing import GuessedFormat
from adapterstilts.data.records.guessing import ColumnGuess, has_spans
from adapterstilts.data.sources.files import FileRows
from adapterstilts.errors import DataError, UsageError
from adapterstilts.languages import ENGLISH
from adapterstilts.settings import ONE_IS_A_LIST, Strict
from adapterstilts.tasks.catalogue import read_recipe
from adapterstilts.tasks.kind import KINDS
from adapterstilts.tasks.label_guessing import LabelGuess
from adapterstilts.tasks.recipe import Recipe, TaskName
from adapterstilts.tasks.sources import FilesSource, HoldOut, HubSource, Names, found_under, is_one, listed

# Fewer rows with a class each may be an example of a table.
_FEW_ROWS = 10
P = TypeVar("P", FilesSource, HubSource)
Files = Annotated[tuple[Path, ...], ONE_IS_A_LIST]
"""A file, or several that are parts of one."""


class NewTaskOptions(Strict):
    """What is known of a new task.

    Attributes:
        train: File of English training rows, or several that are parts of it.
        validation: Likewise, of English rows to select checkpoints by; default: some are held out of the training rows.
        test: Language to file of the rows that are scored, likewise.
        out: Folder of tasks to which the task's folder is added.
        data_dir: Folder that `--data-dir` will name; default: the deepest that holds all files.
        format: Name of a reader in `data.formats`; default: what the files look like.
        encoding: Of files of text; default: what the training file looks like. So is `delimiter`, of tables.
        sheet: Of workbooks; default: the first.
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
    train: Files
    validation: Files = ()
    test: dict[str, Files] = {}
    out: Path = Path()
    data_dir: Path | None = None
    format: str | None = None
    encoding: str | None = None
    delimiter: str | None = None
    sheet: str | None = None
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
        others: How files to select by and to score are read, where that is otherwise.
    """

    path: Path
    format: GuessedFormat
    records: Sequence[Mapping[str, Any]]
    guesses: list[ColumnGuess]
    labels: LabelGuess | None = None
    others: Mapping[Path, GuessedFormat] = field(default_factory=dict)

    @property
    def options(self) -> Mapping[str, Any]:
        """Options of the kind that follow from it."""
        return self.labels.options if self.labels else {}


@dataclass(frozen=True)
class Draft:
    """What a recipe says beside where its rows are.

    Attributes:
        options: Options of the kind, as far as they are known without looking at rows.
        metric: Default: the kind's usual one.
        languages: Of the rows that are scored.
    """

    name: str
    title: str
    kind: str
    options: Mapping[str, Any]
    metric: str | None
    languages: Sequence[str]

    def recipe(self, source: str, part: P, rows: Callable[[P, Mapping[str, Any]], Records], bad: BadRows) -> Recipe:
        """The recipe of rows from one source.

        Args:
            source: Name of the source.
            part: What the recipe says of it.
            rows: The training rows of it, with such columns.
            bad: What `rows` tells of those that cannot be read.

        Raises:
            UsageError: The kind needs an option or a metric that nothing tells.
            DataError: A training record cannot be read.
        """
        kind = KINDS.get(self.kind)
        part = _with_columns(part, kind.columns(self.options))
        seen = count()
        found = (row for (_, row), _ in zip(rows(part, kind.columns(self.options)), seen, strict=False))
        options = {**kind.starting_options(found, self.options), **self.options}
        if options.get("labels") in ([], ()):
            raise DataError(
                f"No training row of {self.title} has a label{told_why(bad.counts)}.",
                remedy="Check that the column of labels is the right one, and that the file is that of training.",
            )
        part = _with_columns(part, kind.columns(options))
        scored: bool = part.has("validation") or part.has("test")
        values = {
            "name": self.name,
            "title": self.title,
            "kind": self.kind,
            "phases": ["intermediate", *(["target"] if scored else [])],
            "languages": sorted(self.languages, key=lambda code: code != ENGLISH) or [ENGLISH],
            "metric": self._metric(options),
            "options": options,
            "sources": {source: part.model_dump(mode="json", exclude_defaults=True)},
        }
        recipe = read_recipe(values, where=f"task {self.name!r}")
        self._check_classes(options, next(seen), part)
        return recipe

    def _check_classes(self, options: Mapping[str, Any], rows: int, part: FilesSource | HubSource) -> None:
        """Refuses a column of labels that has another value in every row, as one of names or numbers of rows has.

        Args:
            rows: How many training rows there are; a few can be an example of each class.
        """
        said = "labels" in self.options or "regression" in self.options or options.get("multi_label")
        classes = 0 if said else len(options.get("labels") or ())
        if "label" in part.columns and classes >= max(rows, _FEW_ROWS):
            column = ", ".join(listed(part.columns["label"]))
            raise UsageError(
                f"Each of the {rows:,} training rows of {self.title} has a label of its own in {column!r}, so that no "
                "class can be learnt.",
                remedy="Name the column of the labels with --column label=NAME. Numbers that are to be predicted are "
                "--option regression=true.",
            )

    def _metric(self, options: Mapping[str, Any]) -> str:
        try:
            metric = self.metric or KINDS.get(self.kind)(dict(options)).usual_metric
        except UsageError as error:
            raise UsageError(error.message, remedy=error.remedy or "Say it with --option NAME=VALUE.") from None
        if metric is None:
            raise UsageError(f"The kind {self.kind} has no usual metric.", remedy="Name one with --metric.")
        return metric


def draft_recipe(options: NewTaskOptions, examined: Examined, source: FileRows) -> Recipe:
    """The recipe of a new task.

    Args:
        source: The folder that holds its files.

    Raises:
        UsageError: The kind needs an option or a metric that nothing tells, or a file lies elsewhere.
        DataError: A training record cannot be read.
    """
    told = {**examined.options, **options.options}
    title, bad = options.title or options.name, BadRows(skip=options.skip_bad_rows)
    draft = Draft(options.name, title, options.kind, told, options.metric, tuple(options.test))
    part = _source(options, examined, source.root)
    return draft.recipe("files", part, lambda part, columns: source.rows(part, columns, "train", ENGLISH, bad), bad)


def _source(options: NewTaskOptions, examined: Examined, data_dir: Path) -> FilesSource:
    """Where the rows are, and how records become rows."""
    splits = {"train": _below(options.train, data_dir), **_splits(options, examined, data_dir, examined.format)}
    given = (options.train, options.validation, *options.test.values())
    columns = {guess.column: guess.theirs for guess in examined.guesses}
    values = _positions(options, examined) if {"label", "choices"} <= columns.keys() else {}
    separator = examined.labels.separator if examined.labels else None
    source = FilesSource(
        format=examined.format.name,
        options=examined.format.options,
        splits=splits,
        sharded=any(len(files) > 1 for files in given),
        columns=columns,
        values=values,
        separators={"label": separator} if separator else {},
        spans=has_spans(examined.records, examined.guesses),
        hold_out=options.hold_out,
    )
    return source.model_copy(update={"instead": tuple(_otherwise(source, options, examined, data_dir))})


def _splits(options: NewTaskOptions, examined: Examined, data_dir: Path, way: GuessedFormat) -> dict[str, Any]:
    """The files to select by and to score that are read in one way; of those that are not, that there are some."""

    def so(files: Sequence[Path]) -> bool:
        return all(examined.others.get(path, examined.format) == way for path in files)

    splits: dict[str, Any] = {}
    if options.validation:
        splits["validation"] = _below(options.validation, data_dir) if so(options.validation) else {}
    if options.test:
        paths = {language: _below(files, data_dir) for language, files in options.test.items() if so(files)}
        splits["test"] = (_pattern(paths) if len(paths) == len(options.test) else None) or paths
    return splits


def _otherwise(
    source: FilesSource, options: NewTaskOptions, examined: Examined, data_dir: Path
) -> Iterator[FilesSource]:
    """Where the rows are that are read in another way than those of training."""
    given = list(examined.others.values())
    for way in (way for at, way in enumerate(given) if way not in given[:at]):
        splits = {name: paths for name, paths in _splits(options, examined, data_dir, way).items() if paths}
        update = {"format": way.name, "options": way.options, "splits": splits, "hold_out": None}
        yield source.model_copy(update=update)


def _with_columns(part: P, columns: Mapping[str, Any]) -> P:
    """The source, and those after it and in its place, without columns that rows do not have."""
    kept = {name: theirs for name, theirs in part.columns.items() if name in columns}
    update: dict[str, Any] = {"columns": kept, "also": tuple(_with_columns(one, columns) for one in part.also)}
    if isinstance(part, FilesSource):
        update["instead"] = tuple(_with_columns(one, columns) for one in part.instead)
    return part.model_copy(update=update)


def _below(files: Sequence[Path], data_dir: Path) -> Names:
    """Paths as a recipe has them: from the data folder, and without patterns; one alone, or several."""
    found = []
    for path in files:
        try:
            below = path.absolute().relative_to(data_dir.absolute())
        except ValueError:
            raise UsageError(
                f"{path} does not lie below --data-dir {data_dir}.", remedy="Name a folder that holds all files."
            ) from None
        found.append(below.as_posix().replace("{", "{{").replace("}", "}}"))
    return found[0] if len(found) == 1 else tuple(found)


def _pattern(paths: Mapping[str, Names]) -> Names | None:
    """The path with `{language}` that gives the paths of several languages, if there is one; that of English alone."""
    if set(paths) == {ENGLISH}:
        return paths[ENGLISH]
    first, path = next(iter(paths.items()))
    if not is_one(path):
        return None
    for found in re.finditer(rf"(?<![A-Za-z]){first}(?![A-Za-z])", path):
        pattern = f"{path[: found.start()]}{{language}}{path[found.end() :]}"
        if len(paths) > 1 and all(pattern.format(language=language) == one for language, one in paths.items()):
            return pattern
    return None


def _positions(options: NewTaskOptions, examined: Examined) -> dict[str, dict[str, str | int | float]]:
    """As `positions`, of the training files."""
    label, choices = (
        next(guess.theirs for guess in examined.guesses if guess.column == name) for name in ("label", "choices")
    )
    reader, read_with = FORMATS.get(examined.format.name), examined.format.options
    shards = (reader((path,), ENGLISH, BadRows(skip=True), **read_with) for path in options.train)
    records = (record for _, record in chain.from_iterable(shards))
    return positions(records, label, choices, where=str(examined.path))


def positions(
    records: Iterable[Mapping[str, Any]], label: Names, choices: Names, *, where: str
) -> dict[str, dict[str, str | int | float]]:
    """What stands for the positions of choices where the data count from 1 or use letters; nothing if from 0.

    Args:
        label: The records' column of the label, and `choices` of the choices.

    Raises:
        UsageError: The labels are neither.
    """
    given, most = set(), 0
    for record in records:
        given.add(str(found_under(record, label)).strip())
        found = found_under(record, choices)
        most = max(most, len(found) if isinstance(found, list | tuple) else 0)
    for first in ("0", "1", "A", "a"):
        names = [chr(ord(first) + position) for position in range(min(most, 9 if first.isdigit() else 26))]
        if given <= set(names):
            return {} if first == "0" else {"label": {name: position for position, name in enumerate(names)}}
    odd = sorted(given)[:3]
    raise UsageError(
        f"{where}: the labels in {label!r} ({', '.join(map(repr, odd))}) are not positions of {most} choices.",
        remedy="Name the column that says which choice is right with --column label=NAME: 0, 1, ... or A, B, ....",
    )
