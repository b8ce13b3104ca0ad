"""Files in the place of a task: what is in them is told by flags and by looking, and said."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from adapterstilts.commands.new_recipe import Examined, NewTaskOptions, draft_recipe
from adapterstilts.commands.new_task import common_folder, examine, first_records, write_recipe
from adapterstilts.commands.options.own import OwnDataOptions
from adapterstilts.commands.own_tasks import NO_OWN_TASKS, OwnTask, OwnTasks
from adapterstilts.data.formats import FORMATS
from adapterstilts.data.formats.folders import dataset_folder
from adapterstilts.data.formats.guessing import guess_format
from adapterstilts.data.records.guessing import ColumnGuess, guess_columns
from adapterstilts.data.sources.files import FileRows
from adapterstilts.data.sources.rows import Source, with_split
from adapterstilts.data.sources.rows_file import RowsFile
from adapterstilts.declared import declared_by
from adapterstilts.errors import UsageError
from adapterstilts.languages import ENGLISH
from adapterstilts.settings import validate
from adapterstilts.tasks.catalogue import Catalogue
from adapterstilts.tasks.kind import KINDS
from adapterstilts.tasks.recipe import Recipe
from adapterstilts.tasks.sources import FilesSource, HoldOut, listed

_SUFFIXES = (
    ".csv", ".tsv", ".tab", ".txt", ".json", ".jsonl", ".ndjson", ".parquet", ".xlsx", ".arrow", ".conll", ".conllu",
    ".bio", ".iob", ".iob2",
)  # fmt: skip
_PACKED = (".gz", ".bz2", ".xz", ".zst", ".zip")
# Flags that tell the kind of a task, the most telling first.
_TELLING = {
    "context": "span_qa", "answers": "span_qa", "choices": "multiple_choice", "tokens": "tagging", "tags": "tagging",
    "text": "pair_classification", "label": "pair_classification",
}  # fmt: skip
_OF_FORMAT = {"conll": "tagging", "conllu": "tagging", "squad_json": "span_qa"}
_GOLD = ("label", "tags", "answers")
# What a column of a canonical name says of the form, likewise.
_OF_COLUMNS = (
    ({"context", "question", "answers"}, "span_qa"), ({"tokens", "tags"}, "tagging"), ({"choices"}, "multiple_choice"),
)  # fmt: skip


def own_tasks(
    names: Sequence[str],
    options: OwnDataOptions,
    catalogue: Catalogue,
    *,
    note: Callable[[str], None],
    scored: bool = False,
    more: bool = False,
) -> tuple[list[str], OwnTasks]:
    """The names with those of tasks in the place of files, and these tasks.

    Args:
        scored: Whether there have to be rows to score.
        more: Whether there is another file that flags can be about.
        note: Told what was found by looking.

    Raises:
        UsageError: A flag about own data is given and there is none, or the flags do not fit the file.
        DataError: A file cannot be read.
    """
    files = [name for name in names if is_file(name, catalogue)]
    if not files:
        if not more:
            _check_no_flags(options)
        return list(names), NO_OWN_TASKS
    if len(files) > 1:
        raise UsageError(
            f"{' and '.join(files)} are two files, and flags such as --label are about one.",
            remedy="Write the first down with `astilts tasks new`, or give them in commands of their own.",
        )
    own = own_task(Path(files[0]), options, catalogue)
    if scored and "target" not in own.recipe.phases:
        raise UsageError(
            f"{files[0]}: there are no rows to score it on.",
            remedy="Give files with --test CODE=FILE, as en=test.csv, or some of its rows with --validation 0.2.",
        )
    for line in own.found:
        note(line)
    if options.save_task:
        path = Path("tasks") / own.recipe.name / "task.yaml"
        write_recipe(path, own.recipe, force=False)
        note(f"wrote {path}; from now on: --tasks tasks --data-dir {own.root}, and {own.recipe.name} for {files[0]}")
    return [own.recipe.name if name == files[0] else name for name in names], OwnTasks((own,))


def rows_file(
    path: Path, task: Recipe, options: OwnDataOptions, source: Source, *, note: Callable[[str], None]
) -> RowsFile:
    """A file of labelled rows of a task: read as the task's own files, or else as what it looks like.

    Args:
        source: Where the task's rows come from.
        note: Told what was found by looking.

    Raises:
        UsageError: A column is not told by anything, or a flag does not fit.
        DataError: The file cannot be read.
    """
    if source.of(task).name == "files" and (part := _single_file(task.source("files"))):
        return RowsFile(path.resolve(), part)
    features, columns = task.canonical_columns, _columns(task.kind, options)
    guesses: list[ColumnGuess] = []
    try:
        found = guess_format(path, features, encoding=options.encoding, delimiter=options.delimiter)
        records = first_records(path, found)
        if columns or not set(features) - {"id", "language"} <= records[0].keys():
            guesses = guess_columns(records, features, columns)
    except UsageError as error:
        raise _with_own_flags(error) from None
    note(f"{path}: read as {found.name}")
    for guess in guesses:
        if guess.theirs:
            note(f"  {guess.column} from {', '.join(listed(guess.theirs))} ({guess.why})")
    theirs = {guess.column: guess.theirs for guess in guesses}
    return RowsFile(path.resolve(), FilesSource(format=found.name, options=found.options, splits={}, columns=theirs))


def _single_file(files: FilesSource) -> FilesSource | None:
    """How rows of one file are read, by the first split that has its rows in one; they are not to lack anything."""
    for split in ("train", "validation", "test"):
        for part in with_split(files, split):
            if FORMATS.get(part.format).required <= 1:
                return part.model_copy(update={"hold_out": None, "may_lack": ()})
    return None


def is_file(name: str, catalogue: Catalogue) -> bool:
    """Whether a name that stands where a task is due means a file."""
    if name in catalogue.names():
        return False
    plain = name.lower()
    for packed in _PACKED:
        plain = plain.removesuffix(packed)
    return Path(name).exists() or "/" in name or plain.endswith(_SUFFIXES)


def own_task(path: Path, options: OwnDataOptions, catalogue: Catalogue) -> OwnTask:
    """The task that a file of training rows is, with what was found by looking at it.

    Raises:
        UsageError: A column or the kind is not told by anything, or a flag does not fit.
        DataError: The file cannot be read.
    """
    splits = dataset_folder(path) if path.is_dir() else {"train": [path]}
    path, named = _first(splits, "train", path), path
    if not path.is_file():
        raise UsageError(f"{path} is neither a task nor a file.", remedy="`astilts tasks` lists the tasks.")
    kind, why = _kind(path, options)
    share = _share(options.validation)
    values: dict[str, Any] = {
        "name": options.save_task or _name(named, catalogue),
        "kind": kind,
        "train": path,
        "validation": Path(options.validation) if options.validation and share is None else _of(splits, "validation"),
        "test": {code: Path(file) for code, file in (options.test or {}).items()} or _in_english(_of(splits, "test")),
        "columns": _columns(kind, options),
        "options": {name: yaml.safe_load(text) for name, text in (options.task_option or {}).items()},
        "metric": options.metric,
        "title": named.name,
        "encoding": options.encoding,
        "delimiter": options.delimiter,
        "hold_out": _hold_out(share, options),
    }
    told = validate(NewTaskOptions, values, where=str(named))
    try:
        examined = examine(told, catalogue)
    except UsageError as error:
        raise _with_own_flags(error) from None
    root = common_folder(told)
    recipe = _without_gold(draft_recipe(told, examined, FileRows(root)), told, examined)
    return OwnTask(recipe, root.resolve(), tuple(_found(path, kind, why, examined, recipe.options)))


def _with_own_flags(error: UsageError) -> UsageError:
    """An error that names the flags of `tasks new`, with those of a command that is given a file."""
    remedy = re.sub(r"--column (\w+)=NAME", lambda found: _flag(found[1]), error.remedy or "")
    remedy = remedy.replace("Say it with --format", "Give the file the suffix of its format")
    return UsageError(error.message, remedy=remedy or None)


def _first(splits: Mapping[str, Sequence[Path]], split: str, folder: Path) -> Path:
    """The only file of a split."""
    if split not in splits:
        raise UsageError(f"{folder} has no training data; it has {', '.join(splits)}.", remedy="Give a file of them.")
    if len(splits[split]) > 1:
        raise UsageError(
            f"{folder} has its {split} data in {len(splits[split])} files.",
            remedy="Write them into one, for instance with `Dataset.to_parquet`, and give that.",
        )
    return splits[split][0]


def _of(splits: Mapping[str, Sequence[Path]], split: str) -> Path | None:
    return _first(splits, split, Path()) if split in splits else None


def _in_english(path: Path | None) -> dict[str, Path]:
    return {ENGLISH: path} if path else {}


def _without_gold(recipe: Recipe, told: NewTaskOptions, examined: Examined) -> Recipe:
    """The recipe, with columns of gold as ones that records may lack where a file to score has none."""
    gold = {guess.column: guess.theirs for guess in examined.guesses if guess.column in _GOLD}
    lacking = [
        column
        for column, theirs in gold.items()
        if any(
            one not in first_records(path, examined.format)[0] for path in told.test.values() for one in listed(theirs)
        )
    ]
    if not lacking:
        return recipe
    part = recipe.source("files").model_copy(update={"may_lack": tuple(lacking)})
    return recipe.model_copy(update={"sources": recipe.sources.model_copy(update={"files": part})})


def _found(path: Path, kind: str, why: str, examined: Examined, options: Mapping[str, Any]) -> list[str]:
    """What was told by looking, a line each."""
    options_ = {"encoding": examined.format.encoding.name, **examined.format.options}
    read_with = ", ".join(f"{name} {value!r}" for name, value in options_.items() if name != "columns")
    lines = [f"{path}: {kind} ({why}); read as {examined.format.name}, {read_with}"]
    lines += [
        f"  {guess.column} from {', '.join(listed(guess.theirs))} ({guess.why})"
        for guess in examined.guesses
        if guess.theirs
    ]
    labels = options.get("labels") or ()
    if labels:
        shown = ", ".join(map(str, labels[:8])) + (", …" if len(labels) > 8 else "")
        lines.append(f"  {len(labels)} labels, in this order: {shown}")
    told = {name: value for name, value in options.items() if name != "labels"}
    if told:
        lines.append("  " + ", ".join(f"{name} {value}" for name, value in told.items()))
    return lines


def _kind(path: Path, options: OwnDataOptions) -> tuple[str, str]:
    """The kind of a task, and how it is known."""
    if options.kind:
        KINDS.get(options.kind)
        return options.kind, "as you said"
    for name, kind in _TELLING.items():
        if getattr(options, name):
            return kind, f"by --{name}"
    for name in ("tagging", "span_qa", "pair_classification"):
        found = guess_format(path, KINDS.get(name).features(), encoding=options.encoding, delimiter=options.delimiter)
        if found.name in _OF_FORMAT:
            return _OF_FORMAT[found.name], "by its format"

    columns = {name for record in first_records(path, found)[:5] for name in record}
    for needed, kind in _OF_COLUMNS:
        if needed <= columns:
            return kind, "by its columns"
    return "pair_classification", "by default; --kind says another"


def _columns(kind: str, options: OwnDataOptions) -> dict[str, Any]:
    """Canonical column to the file's, as far as it is said and of a meaning for the kind."""
    features, given = KINDS.get(kind).features(), options.columns()
    if options.text:
        names = ("text_a", "text_b") if "text_a" in features else ("text",)
        if len(options.text) > len(names):
            raise UsageError(
                f"--text has {len(options.text)} columns, where {kind} has {len(names)}.", remedy="Give fewer."
            )
        given |= dict(zip(names, options.text, strict=False))
        if len(options.text) < len(names):
            given |= dict.fromkeys(names[len(options.text) :], ())
    for name in given:
        if name not in features:
            flag = "text" if name.startswith("text") else name
            raise UsageError(f"--{flag} has no meaning for {kind}.", remedy="Leave it out, or say another --kind.")
    return given


def _flag(column: str) -> str:
    """The flag that says where a canonical column is."""
    return {"text_a": "--text NAME", "text_b": "--text FIRST,SECOND"}.get(column, f"--{column} NAME")


def _share(given: str | None) -> float | None:
    """The share of the training rows that `--validation` gives; None where it is a file, or not given."""
    try:
        share = float(given) if given is not None else None
    except ValueError:
        if not Path(str(given)).is_file():
            raise UsageError(f"--validation {given} is not a file.", remedy="Give a file, or a share as 0.1.") from None
        return None
    if share is not None and not 0 < share < 1:
        raise UsageError(f"--validation {given} is no share between 0 and 1.", remedy="Give 0.1, or a file.")
    return share


def _hold_out(share: float | None, options: OwnDataOptions) -> HoldOut | None:
    if share is None and options.group:
        raise UsageError("--group has no meaning without --validation SHARE.", remedy="Add --validation 0.1.")
    return HoldOut(share=share, by=options.group or ()) if share is not None else None


def _name(path: Path, catalogue: Catalogue) -> str:
    """What the task is called: the file's name without what stands behind it, unless a task has it."""
    stem = path.name
    while Path(stem).suffix.lower() in (*_SUFFIXES, *_PACKED):
        stem = Path(stem).stem
    name = re.sub(r"[^A-Za-z0-9_-]+", "_", stem).strip("_-") or "own"
    return f"own_{name}" if name in (*catalogue.names(), "all", "none") else name


def _check_no_flags(options: OwnDataOptions) -> None:
    for name, one in declared_by(OwnDataOptions).items():
        if getattr(options, name) != one.default:
            raise UsageError(
                f"{one.spelled} is about a file of one's own, and no file is given.",
                remedy="Give one in the place of a task, such as tickets.csv, or leave it out.",
            )
