"""Files in the place of a task: what is in them is told by flags and by looking."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from adapterstilts.commands.new_task import check_new_rows, common_folder, examine
from adapterstilts.commands.options.own import OwnDataOptions
from adapterstilts.commands.own.columns import (
    check_group,
    described,
    given_columns,
    given_options,
    held_out,
    kind_by_columns,
    kind_by_flags,
    naming_flags,
    task_name,
)
from adapterstilts.commands.own.formats import first_records, read_as
from adapterstilts.commands.own.recipe import Examined, NewTaskOptions, draft_recipe
from adapterstilts.commands.own.tasks import OwnTask
from adapterstilts.data.formats.folders import dataset_folder, matching
from adapterstilts.data.formats.guessing import guess_format
from adapterstilts.data.input_rows import GOLD
from adapterstilts.data.sources.files import FileRows
from adapterstilts.errors import UsageError
from adapterstilts.languages import ENGLISH
from adapterstilts.settings import validate
from adapterstilts.tasks.catalogue import Catalogue
from adapterstilts.tasks.kind import KINDS
from adapterstilts.tasks.recipe import Recipe
from adapterstilts.tasks.sources import listed

_OF_FORMAT = {"conll": "tagging", "conllu": "tagging", "squad_json": "span_qa"}


def own_file(name: str, options: OwnDataOptions, catalogue: Catalogue, *, taken: Sequence[str] = ()) -> OwnTask:
    """The task that training rows in a file, in a folder or in the files of a pattern are.

    Args:
        taken: Names of other tasks.

    Raises:
        UsageError: A column or the kind is not told by anything, a flag does not fit, or a file to score is that of
            training.
        DataError: A file cannot be read, or is no part of the same table.
    """
    named, splits = Path(name), _splits(name)
    first = splits["train"][0]
    kind, why = _kind(first, options)
    hold_out = held_out(options)
    validation = () if hold_out else splits.get("validation", ())
    if options.validation and not hold_out:
        validation = _validation(options.validation)
    test = {code: matching(files) for code, files in (options.test or {}).items()}
    if not test and "test" in splits:
        test = {ENGLISH: splits["test"]}
    values: dict[str, Any] = {
        "name": options.save_task or task_name(named.name, (*catalogue.names(), *taken), folder=named.parent.name),
        "kind": kind,
        "train": splits["train"],
        "validation": validation,
        "test": test,
        "columns": given_columns(kind, options),
        "options": given_options(options),
        "metric": options.metric,
        "title": named.name,
        "encoding": options.encoding,
        "delimiter": options.delimiter,
        "sheet": options.sheet,
        "hold_out": hold_out,
        "skip_bad_rows": getattr(options, "skip_bad_rows", False),
    }
    told = validate(NewTaskOptions, values, where=name)
    with naming_flags():
        examined = examine(told, catalogue)
    check_group(options, list(dict.fromkeys(name for record in examined.records for name in record)))
    check_new_rows(told)
    root = common_folder(told)
    with naming_flags():
        drafted = draft_recipe(told, examined, FileRows(root))
    recipe = _without_gold(drafted, told, examined)
    found = _found(name, kind, why, examined, recipe.options, len(splits["train"]))
    root = root.resolve()
    return OwnTask(recipe, FileRows(root), f" --data-dir {shlex.quote(str(root))}", tuple(found))


def _splits(name: str) -> dict[str, tuple[Path, ...]]:
    """The files of each split, those of training among them.

    Raises:
        UsageError: There are none.
    """
    path = Path(name)
    if path.is_dir():
        found = {split: tuple(files) for split, files in dataset_folder(path).items()}
        if "train" not in found:
            raise UsageError(f"{path} has no training data; it has {', '.join(found)}.", remedy="Give a file of them.")
        return found
    files = matching(name)
    if not files[0].is_file():
        raise UsageError(
            f"{name} is neither a task nor a file.",
            remedy="`astilts tasks` lists the tasks. A data set on the Hub is hf-data://USER/NAME.",
        )
    return {"train": files}


def _validation(given: str) -> tuple[Path, ...]:
    """The files that `--validation` names."""
    files = matching(given)
    if not all(path.is_file() for path in files):
        raise UsageError(f"--validation {given} is not a file.", remedy="Give a file, or a share as 0.1.")
    return files


def _without_gold(recipe: Recipe, told: NewTaskOptions, examined: Examined) -> Recipe:
    """The recipe, with columns of gold as ones that records may lack where a file to score has none."""
    gold = {guess.column: guess.theirs for guess in examined.guesses if guess.column in GOLD}
    lacking = [
        column
        for column, theirs in gold.items()
        if any(
            one not in first_records(path, examined.others.get(path, examined.format))[0]
            for files in told.test.values()
            for path in files
            for one in listed(theirs)
        )
    ]
    if not lacking:
        return recipe
    part, update = recipe.source("files"), {"may_lack": tuple(lacking)}
    instead = tuple(one.model_copy(update=update) for one in part.instead)
    part = part.model_copy(update={**update, "instead": instead})
    return recipe.model_copy(update={"sources": recipe.sources.model_copy(update={"files": part})})


def _found(name: str, kind: str, why: str, examined: Examined, options: Mapping[str, Any], files: int) -> list[str]:
    """What was told by looking, a line each."""
    parts = f", in {files} files" if files > 1 else ""
    lines = [f"{name}: {kind} ({why}); read as {read_as(examined.format)}{parts}"]
    lines += [f"  {path}: read as {read_as(way)}" for path, way in examined.others.items()]
    return lines + described(examined.guesses, options, examined.labels)


def _kind(path: Path, options: OwnDataOptions) -> tuple[str, str]:
    """The kind of a task, and how it is known."""
    if found := kind_by_flags(options):
        return found
    read_with = {"encoding": options.encoding, "delimiter": options.delimiter, "sheet": options.sheet}
    for name in ("tagging", "span_qa", "pair_classification"):
        guessed = guess_format(path, KINDS.get(name).features(), **read_with)
        if guessed.name in _OF_FORMAT:
            return _OF_FORMAT[guessed.name], "by its format"
    return kind_by_columns(first_records(path, guessed)[:5])
