"""What flags and columns say of one's own data, whether these are files or a data set on the Hub."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from adapterstilts.commands.options.own import OwnDataOptions
from adapterstilts.data.records.answer_texts import are_of_contexts
from adapterstilts.data.records.guessing import ColumnGuess, Table
from adapterstilts.documents import parse_yaml
from adapterstilts.errors import UsageError
from adapterstilts.tasks.kind import KINDS
from adapterstilts.tasks.label_guessing import LabelGuess
from adapterstilts.tasks.recipe import MOST_LETTERS
from adapterstilts.tasks.sources import HoldOut, listed

SUFFIXES = (
    ".csv", ".tsv", ".tab", ".txt", ".json", ".jsonl", ".ndjson", ".parquet", ".xlsx", ".arrow", ".conll", ".conllu",
    ".bio", ".iob", ".iob2",
)  # fmt: skip
"""What names of files of rows end with."""
PACKED = (".gz", ".bz2", ".xz", ".zst", ".zip")
"""What follows that where they are compressed."""

# So many groups of labels that are much alike are shown.
_SHOWN_ALIKE = 4
# Flags that tell the kind of a task, the most telling first.
_TELLING = {
    "context": "span_qa", "answers": "span_qa", "choices": "multiple_choice", "tokens": "tagging", "tags": "tagging",
    "text": "pair_classification", "label": "pair_classification",
}  # fmt: skip
# What columns of such names say of the form, likewise.
_OF_COLUMNS = (
    (("context",), ("question",), ("answers",), "span_qa"),
    (("tokens",), ("tags", "nertags", "postags", "upos", "ner"), "tagging"),
    (("choices",), "multiple_choice"),
)


@contextmanager
def naming_flags() -> Iterator[None]:
    """Errors that name the flags of `tasks new` with those that a command has for its own data."""
    try:
        yield
    except UsageError as error:
        remedy = re.sub(r"--column (\w+)=NAME", lambda found: _flag(found[1]), error.remedy or "")
        remedy = remedy.replace("--option ", "--task-option ")
        remedy = remedy.replace("Name columns with 'by'", "Name columns with --group")
        remedy = remedy.replace("Say it with --format", "Give the file the suffix of its format")
        raise UsageError(error.message, remedy=remedy or None) from None


def _flag(column: str) -> str:
    """The flag that says where a canonical column is."""
    return {"text_a": "--text NAME", "text_b": "--text FIRST,SECOND"}.get(column, f"--{column} NAME")


def kind_by_flags(options: OwnDataOptions) -> tuple[str, str] | None:
    """The kind of a task, and how it is known, where flags say it."""
    if options.kind:
        KINDS.get(options.kind)
        return options.kind, "as you said"
    return next(((kind, f"by --{name}") for name, kind in _TELLING.items() if getattr(options, name)), None)


def kind_by_columns(records: Iterable[Mapping[str, Any]]) -> tuple[str, str]:
    """The kind of a task, and how it is known, by the columns of some records."""
    records = list(records)
    columns = {re.sub("[^a-z0-9]", "", str(name).lower()) for record in records for name in record}
    if Table(records).spans():
        return "tagging", "by its spans"
    for *needed, kind in _OF_COLUMNS:
        if all(columns.intersection(names) for names in needed):
            return str(kind), "by its columns"
    if are_of_contexts(records):
        return "span_qa", "by its answers, which are in their contexts"
    return "pair_classification", "by default; --kind says another"


def given_options(options: OwnDataOptions) -> dict[str, Any]:
    """The options of the kind, as YAML reads them."""
    return {
        name: parse_yaml(text, where=f"--task-option {name}", error=UsageError)
        for name, text in (options.task_option or {}).items()
    }


def given_columns(kind: str, options: OwnDataOptions) -> dict[str, Any]:
    """Canonical column to the file's, as far as it is said and of a meaning for the kind."""
    features, given = KINDS.get(kind).features(), options.columns()
    if options.text:
        own = ("tokens",) if "tokens" in features else ("text",)
        names = ("text_a", "text_b") if "text_a" in features else own
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


def held_out(options: OwnDataOptions) -> HoldOut | None:
    """The part of the training rows that `--validation` gives as a share; None where it is not a number.

    Raises:
        UsageError: It is no share, or `--group` is about none.
    """
    try:
        share = float(options.validation or "")
    except ValueError:
        if options.group:
            raise UsageError(
                "--group has no meaning without --validation SHARE.", remedy="Add --validation 0.1."
            ) from None
        return None
    if not 0 < share < 1:
        raise UsageError(
            f"--validation {options.validation} is no share between 0 and 1.", remedy="Give 0.1, or name them."
        )
    return HoldOut(share=share, by=options.group or ())


def check_group(options: OwnDataOptions, columns: Sequence[str]) -> None:
    """Refuses columns to hold rows out by that are not there.

    Raises:
        UsageError: See above.
    """
    for name in options.group or ():
        if name not in columns:
            there = ", ".join(columns)
            raise UsageError(
                f"--group {name} is no column of the data; they have {there}.", remedy="Name one of these."
            )


def described(guesses: Sequence[ColumnGuess], options: Mapping[str, Any], looks: LabelGuess | None = None) -> list[str]:
    """What is read from which column, and the options that follow from it, a line each.

    Args:
        looks: What the labels look like, where that is said.
    """
    lines = [
        f"  {guess.column} from {', '.join(listed(guess.theirs))} ({guess.why})" for guess in guesses if guess.theirs
    ]
    labels = options.get("labels") or ()
    if labels:
        shown = ", ".join(map(str, labels[:8])) + (", …" if len(labels) > 8 else "")
        lines.append(f"  {len(labels)} labels, in this order: {shown}")
        lines += _much_alike(labels)
    if looks:
        lines.append(f"  labels: {looks.why} (--task-option)")
    told = {name: value for name, value in options.items() if name != "labels"}
    if told:
        lines.append("  " + ", ".join(f"{name} {value}" for name, value in told.items()))
    return lines


def _much_alike(labels: Sequence[Any]) -> list[str]:
    """A line on labels that are one to a reader and several to a model; none where there are no such."""
    groups: dict[str, list[str]] = {}
    for label in map(str, labels):
        groups.setdefault(" ".join(label.split()).casefold(), []).append(label)
    several = [" and ".join(map(repr, group)) for group in groups.values() if len(group) > 1]
    if not several:
        return []
    shown = "; ".join(several[:_SHOWN_ALIKE]) + ("; …" if len(several) > _SHOWN_ALIKE else "")
    return [f"  labels that differ in case or spaces alone are learnt as different ones: {shown}"]


def task_name(named: str, taken: Collection[str], *, folder: str = "") -> str:
    """What a task is called: the file's name without what stands behind it, unless another has it.

    Args:
        folder: That the file lies in.
    """
    stem = named
    while Path(stem).suffix.lower() in (*SUFFIXES, *PACKED):
        stem = Path(stem).stem
    name = re.sub(r"[^A-Za-z0-9_-]+", "_", stem).strip("_-") or "own"
    within = re.sub(r"[^A-Za-z0-9_-]+", "_", f"{folder}_{name}").strip("_-")
    names = (one[:MOST_LETTERS] for one in (name, f"own_{name}", within))
    free = (one for one in names if one not in (*taken, "all", "none"))
    return next(free, f"own_{within}"[:MOST_LETTERS])
