"""A new task from the user's own files: what is in them, a recipe that fits, and proof that its rows can be read."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adapterstilts.commands.own.formats import check_shard_encoding, first_records, with_other_formats
from adapterstilts.commands.own.recipe import Examined, NewTaskOptions, draft_recipe
from adapterstilts.commands.own.usable import check_part
from adapterstilts.data.bad_rows import BadRows
from adapterstilts.data.formats.guessing import GuessedFormat, guess_format
from adapterstilts.data.formats.packed import checked_digest
from adapterstilts.data.records.guessing import ColumnGuess, guess_columns
from adapterstilts.data.sources.files import FileRows
from adapterstilts.data.splits import check_learnable
from adapterstilts.errors import DataError, UsageError
from adapterstilts.files import write_whole
from adapterstilts.languages import ENGLISH, LANGUAGES, check_languages
from adapterstilts.tasks.catalogue import Catalogue, in_catalogue
from adapterstilts.tasks.kind import KINDS
from adapterstilts.tasks.label_guessing import LabelGuess
from adapterstilts.tasks.recipe import Recipe
from adapterstilts.tasks.sources import found_under, is_one

# Formats of tables: even under their canonical names, values are as the file has them.
_TABLES = ("csv", "tsv", "json", "jsonl", "parquet", "arrow", "excel")
# Of these, formats whose records need not have all columns.
_LOOSE = ("json", "jsonl")


@dataclass(frozen=True)
class NewTask:
    """A task that was written and can be used.

    Attributes:
        path: The `task.yaml`.
        folder: What `--tasks` has to name.
        rows: Split and language, `test de`, to its number of usable rows.
        left_out: Reason to the number of records that are left out with `--skip-bad-rows`.
        next: Commands that use the task.
    """

    recipe: Recipe
    path: Path
    folder: Path
    data_dir: Path
    rows: dict[str, int]
    left_out: dict[str, int]
    next: list[str]


@in_catalogue
def examine(options: NewTaskOptions, catalogue: Catalogue) -> Examined:
    """Looks at the training file.

    Raises:
        UsageError: The name or kind is not usable, a file is not there, or a format or column cannot be told.
        DataError: The file cannot be read.
    """
    _check_name(options, catalogue)
    check_languages(options.test, available=LANGUAGES, owner="--test")
    _check_files(options)
    features = KINDS.get(options.kind).features()
    first, *shards = options.train
    told = {"encoding": options.encoding, "delimiter": options.delimiter, "sheet": options.sheet}
    found = guess_format(first, features, name=options.format, **told)
    records = first_records(first, found)
    for shard in shards:
        _check_shard(shard, first, records, found)
    if found.name in _TABLES or not set(features) - {"id", "language"} <= records[0].keys():
        guesses = guess_columns(records, features, options.columns)
        labels = label_guess(options.kind, options.options, records, guesses)
        return with_other_formats(Examined(first, found, records, guesses, labels), options)
    if options.columns:
        raise UsageError(
            f"--column has no meaning for the format {found.name}, whose columns are known.", remedy="Leave it out."
        )
    return with_other_formats(Examined(first, found, records, []), options)


def _check_shard(shard: Path, first: Path, records: Sequence[Mapping[str, Any]], found: GuessedFormat) -> None:
    """Refuses a part of a file that has other columns than the first; of JSON lines, one that lacks some.

    Raises:
        DataError: See above, or it is in another encoding.
    """
    check_shard_encoding(shard, first, found)
    due, there = (
        dict.fromkeys(name for one in some for name in one) for some in (records, first_records(shard, found))
    )
    lacking, more = [name for name in due if name not in there], [name for name in there if name not in due]
    if lacking or (more and found.name not in _LOOSE):
        said = " and ".join(
            [
                *([f"lacks {', '.join(lacking)}"] if lacking else []),
                *([f"has {', '.join(more)} besides"] if more else []),
            ]
        )
        raise DataError(
            f"{shard} has other columns than {first.name}: it {said}.",
            remedy="Give files of one table, or leave it out.",
        )


@in_catalogue
def write_task(options: NewTaskOptions, examined: Examined, catalogue: Catalogue) -> NewTask:
    """Writes the recipe, once all rows of all files have been read with it.

    Raises:
        UsageError: The kind needs an option or a metric that nothing tells, there is another task of this name, or a
            file to score or to select by is that of training.
        DataError: A record cannot be used; the message says where it is.
    """
    _check_scored_anew(options)
    data_dir = options.data_dir or common_folder(options)
    source = FileRows(data_dir)
    recipe = draft_recipe(options, examined, source)
    counts: dict[str, int] = {}
    bad = BadRows(skip=options.skip_bad_rows)
    languages = {"train": (ENGLISH,), "validation": (ENGLISH,), "test": recipe.languages}
    for split in recipe.source("files").splits:
        for language in languages[split]:
            name = f"{split} {language}" if split == "test" else split
            check_part(recipe, source, split, language)
            rows = source.load(recipe, split, language, bad)
            counts[name] = len(rows)
            if split == "train":
                check_learnable(recipe, rows)
    folder = options.out / options.name
    write_recipe(folder / "task.yaml", recipe, force=options.force)
    # Read again, as a command with --tasks will.
    catalogue = Catalogue.load((*catalogue.folders, options.out))
    return NewTask(
        recipe=catalogue.recipe(options.name),
        path=folder / "task.yaml",
        folder=options.out,
        data_dir=data_dir,
        rows=counts,
        left_out=dict(bad.counts),
        next=_next(options, recipe, data_dir),
    )


def check_new_rows(told: NewTaskOptions) -> None:
    """Refuses rows to score or to select by that are the rows of training.

    Raises:
        UsageError: A file has the same content as one of those, or one to score as one to select by.
    """
    trained = {checked_digest(path): path for path in told.train}
    selecting = {checked_digest(path): path for path in told.validation}
    for code, path in [(code, path) for code, files in told.test.items() for path in files]:
        if (same := selecting.get(checked_digest(path))) is not None:
            raise UsageError(
                f"--test {code}: {path} has the very rows that checkpoints are selected by, those of {same}: "
                "scored rows must not choose the model.",
                remedy="Give --validation other rows in English, or a share as 0.1.",
            )
    given = {"--validation": told.validation, **{f"--test {code}": files for code, files in told.test.items()}}
    for flag, path in [(flag, path) for flag, files in given.items() for path in files]:
        if (same := trained.get(checked_digest(path))) is not None:
            raise UsageError(
                f"{flag}: {path} has the very rows that are trained on, those of {same}: what a model scores on them "
                "says nothing of others.",
                remedy="Give a file of other rows, or hold some out with --validation 0.2.",
            )


def label_guess(
    kind: str, told: Mapping[str, Any], records: Sequence[Mapping[str, Any]], guesses: Sequence[ColumnGuess]
) -> LabelGuess | None:
    """What the column of labels looks like, if there is one and something has to be said of it."""
    theirs = next((guess.theirs for guess in guesses if guess.column == "label"), ())
    if not is_one(theirs):
        return None
    values = [value for record in records if (value := found_under(record, theirs)) is not None]
    return KINDS.get(kind).guess_labels(values, told)


def _check_scored_anew(options: NewTaskOptions) -> None:
    """As `check_new_rows`, in the words of `tasks new`."""
    try:
        check_new_rows(options)
    except UsageError as error:
        raise UsageError(error.message, remedy="Give a file of other rows, or leave the flag out.") from None


def _check_name(options: NewTaskOptions, catalogue: Catalogue) -> None:
    """Refuses names that another task has."""
    if options.name not in catalogue.names():
        return
    place = catalogue.place(options.name)
    if place.folder != (options.out / options.name).resolve():
        raise UsageError(f"{options.name!r} is already a task of {place.origin}.", remedy="Give another name.")


def _check_files(options: NewTaskOptions) -> None:
    """Refuses files that are not there."""
    named = {"--train": options.train, "--validation": options.validation}
    named |= {f"--test {language}": files for language, files in options.test.items()}
    for flag, path in [(flag, path) for flag, files in named.items() for path in files]:
        if not path.is_file():
            raise UsageError(f"{flag} {path} is not a file.", remedy="Give one.")


def common_folder(options: NewTaskOptions) -> Path:
    """The deepest folder that holds all files, from the working directory if it lies below it."""
    given = (options.train, options.validation, *options.test.values())
    common = Path(os.path.commonpath([path.absolute().parent for files in given for path in files]))
    try:
        return common.relative_to(Path.cwd())
    except ValueError:
        return common


def write_recipe(path: Path, recipe: Recipe, *, force: bool = False, again: bool = False) -> None:
    """Writes a `task.yaml`.

    Args:
        again: Take one that is there with the same content, as a repeated command finds it.

    Raises:
        UsageError: It is there already, or cannot be written.
    """
    import yaml

    head = "# Made by `astilts tasks new`. What else a task can say: `astilts tasks show squad`.\n"
    content = recipe.model_dump(mode="json", exclude_defaults=True)
    text = head + yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=100, default_flow_style=None)
    if again and path.is_file() and path.read_bytes() == text.encode():
        return
    if path.exists() and not force:
        raise UsageError(
            f"{path} is there already.", remedy="Give another name or --out, or write over it with --force."
        )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, text.encode())
    except OSError as error:
        raise UsageError(
            f"{path} cannot be written ({error.strerror}).", remedy="Give a place of yours, or free some space."
        ) from error


def _next(options: NewTaskOptions, recipe: Recipe, data_dir: Path) -> list[str]:
    """The commands that use a task."""
    where = f"--tasks {shlex.quote(str(options.out))} --data-dir {shlex.quote(str(data_dir))}"
    commands = [f"astilts train-intermediate {recipe.name} {where}"]
    if "target" in recipe.phases:
        commands.append(f"astilts transfer --from none --to {recipe.name} {where}")
    return commands
