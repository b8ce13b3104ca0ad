"""The schema of a recipe's sources: where the rows of a task are, and how records become rows."""

from __future__ import annotations

from collections.abc import Mapping
from string import Formatter
from typing import Annotated, Any, TypeGuard

from pydantic import AfterValidator, Field, model_validator

from adapterstilts.settings import ONE_IS_A_LIST, Strict

Names = str | tuple[str, ...]
"""One name or several; one in a tuple stands for a list of one."""

PLACES = ("language", "question_language", "code")
"""What stands in braces for something that depends on the language."""


def _pattern(text: str) -> str:
    try:
        names = [name for _, name, _, _ in Formatter().parse(text) if name is not None]
    except ValueError as error:
        raise ValueError(f"{text!r} is no pattern: {error}; braces that are meant are doubled") from None
    if odd := [name for name in names if name not in PLACES]:
        known = ", ".join(f"{{{name}}}" for name in PLACES)
        raise ValueError(f"{text!r} has {{{odd[0]}}}, for which nothing stands; there are {known}")
    return text


Pattern = Annotated[str, AfterValidator(_pattern)]
"""A path or name with places for languages."""
Patterns = Pattern | tuple[Pattern, ...]
"""One or several of them."""


def is_one(names: Names) -> TypeGuard[str]:
    """Whether it is a name and not several."""
    return isinstance(names, str)


def listed(names: Names) -> tuple[str, ...]:
    """All of the names."""
    return (names,) if is_one(names) else tuple(names)


def found_under(record: Mapping[str, Any], names: Names) -> Any:
    """What a record has under a name, or the list of what it has under several; None for what is not there."""
    return record.get(names) if is_one(names) else [record.get(name) for name in names]


Values = Annotated[
    dict[Any, str | int | float],
    # YAML reads the keys of {0: entailment} as numbers.
    AfterValidator(lambda given: {str(key): value for key, value in given.items()}),
]
"""What a data set writes for a value, as text, to the value that is meant."""

ANY_LANGUAGE = ""
"""What stands for every language."""

READ_WITH = {
    "hub": ("data set on the Hub", "--profile paper without --data-dir"),
    "files": ("files to read", "--data-dir with its files"),
    "mini": ("rows in the embedded suite", "--profile mini"),
}
"""Name of each source to what a task has there, and how one reads from it."""


class SourceRecipe(Strict):
    """What every source says about a task.

    Attributes:
        train_on: Other tasks whose training data this one uses as a target, one after the other. What `splits` has as
            `train` is then for the intermediate phase alone: of a task whose own training data are not English.
        splits: Split name to what holds it. `validation` beside a `train` is used to select checkpoints; a task
            without one holds out part of its training data. Results are reported on `test` where there is one.
    """

    train_on: Annotated[tuple[str, ...], ONE_IS_A_LIST] = ()
    splits: dict[str, Any] = {}

    def has(self, split: str) -> bool:
        """Whether this source, or one that comes after it, has rows for a split."""
        return split in self.splits or any(part.has(split) for part in getattr(self, "also", ()))


class HoldOut(Strict):
    """Which part of the training rows is the validation data.

    A hash of what belongs together decides for each record, so that records stay where they are when others are added.

    Attributes:
        share: How much of it, between 0 and 1.
        by: The records' columns whose values say what belongs together; by default, all columns that are read as text,
            or as its words.
    """

    share: float = Field(gt=0, lt=1)
    by: Names = ()


class RecordSource(SourceRecipe):
    """What sources of records say about how these become canonical rows.

    Attributes:
        record: Name of a function in `data.records`, for records that take more than other names to be rows.
        columns: Canonical column to the record's, where they differ: to several where a text is all of theirs with
            spaces between them, or a list has one of each; to none, `[]`, where it is empty. `id` and `language` are
            the record's only if they are named here. With it or `values`, values are read as what the column holds:
            `3` as text or number, a text as a list of its words.
        may_lack: Canonical columns of gold that records may be without, as those of rows that nobody has labelled.
        values: Canonical column to what stands for its values in the data, e.g. `{label: {0: entailment}}`.
        spans: Whether `tokens` is one text, and `tags` are spans of its characters with a label each, as annotation
            tools write them: see `data.records.entity_spans`.
        separators: Canonical column that holds a list to what stands between its parts where the data have one text,
            e.g. `{label: "|"}`; otherwise these are its words.
        hold_out: Which part of `train` is `validation`; `train` is the rest. `splits` need not name it again.
    """

    record: str | None = None
    columns: dict[str, Names] = {}
    values: dict[str, Values] = {}
    separators: dict[str, Annotated[str, Field(min_length=1)]] = {}
    spans: bool = False
    may_lack: tuple[str, ...] = ()
    hold_out: HoldOut | None = None

    @model_validator(mode="after")
    def _record_does_it_all(self) -> RecordSource:
        said = [name for name in ("columns", "values", "separators", "spans") if getattr(self, name)]
        if self.record and said:
            raise ValueError(f"'record' and {said[0]!r} do not go together")
        return self

    @model_validator(mode="after")
    def _held_out_of_training(self) -> RecordSource:
        if self.hold_out is None:
            return self
        if "train" not in self.splits:
            raise ValueError("'hold_out' needs 'train' in 'splits'")
        if self.record and not self.hold_out.by:
            raise ValueError("'hold_out' beside 'record' needs 'by': the columns that say what belongs together")
        if self.splits.setdefault("validation", self.splits["train"]) != self.splits["train"]:
            raise ValueError("'hold_out' makes 'validation' of 'train', and 'splits' has something else for it")
        for name in ("instead", "also"):
            parts = [part for part in getattr(self, name, ()) if "train" in part.splits]
            if any(part.hold_out is None or part.hold_out.share != self.hold_out.share for part in parts):
                raise ValueError(f"{name!r} has training data too, which need a 'hold_out' of the same share")
        return self


class HubSource(RecordSource):
    """Rows from a dataset on the Hugging Face Hub, at a pinned commit.

    Attributes:
        config: Configuration name; `{language}` stands for the language code, `{question_language}` for that of the
            questions where it differs.
        configs: Language code to configuration name, where they follow no pattern.
        shards: Pattern of the Parquet files to read, with `{language}` as in `config`: for datasets of which a part is
            enough, because a configuration is always downloaded whole.
        table: Name of a function in `data.tables`, for rows that are made from all records together.
        beside: Languages whose records `table` is given besides those of the language that is asked for.
        format: Name of a reader in `data.formats`, for repositories that hold a release's files.
        archive: The tar or zip archive of the repository that holds the files for `format`.
        options: Further arguments of the reader.
        splits: Split name to the Hub's name for it, or language code to that; with `format`, to a file's path, or
            several.
        id_prefix: Language code to the prefix of its ids, for datasets that keep all languages in one split.
        differs: How the rows differ from the benchmark's, where scores cannot be compared for that.
        note: What else one should know of the dataset.
        also: Further datasets, whose rows come after these.
    """

    path: str
    revision: str = Field(pattern=r"^[0-9a-f]{40}$")
    config: Pattern | None = None
    configs: dict[str, str] = {}
    shards: Pattern | None = None
    table: str | None = None
    beside: tuple[str, ...] = ()
    format: str | None = None
    archive: str | None = None
    options: dict[str, Any] = {}
    splits: dict[str, Patterns | dict[str, Pattern]]
    id_prefix: dict[str, str] = {}
    differs: str | None = None
    note: str | None = None
    also: tuple[HubSource, ...] = ()

    @model_validator(mode="after")
    def _fields_belong_together(self) -> HubSource:
        needs = {"archive": "format", "options": "format", "beside": "table"}
        against = {
            "table": ("record", "columns", "values", "separators", "spans", "hold_out"),
            "shards": ("config", "configs"),
            "format": ("config", "configs", "shards", "table", "id_prefix"),
        }
        for name, other in needs.items():
            if getattr(self, name) and not getattr(self, other):
                raise ValueError(f"{name!r} needs {other!r}")
        for name, others in against.items():
            for other in others:
                if getattr(self, name) and getattr(self, other):
                    raise ValueError(f"{name!r} and {other!r} do not go together")
        if several := [split for split, names in self.splits.items() if not self.format and type(names) is tuple]:
            raise ValueError(f"the split {several[0]!r} has several files, which need a 'format'")
        return self

    def named(self, split: str, language: str) -> Names | None:
        """The Hub's name of a split in one language; None where there is nothing for it."""
        given = self.splits[split]
        return given.get(language) if isinstance(given, dict) else given


class FilesSource(RecordSource):
    """Rows from the release's own files, in XTREME's download layout.

    Attributes:
        format: Name of a reader in `data.formats`.
        options: Further arguments of the reader.
        splits: Split name to a path below `--data-dir`, or several; `{language}` stands for the language code,
            `{question_language}` for that of the questions where it differs, `{code}` for what `codes` has. Where the
            paths have no such pattern, language code to path.
        codes: Language code to what file names say for it.
        sharded: Whether several paths of a split are parts of it: files of the format by themselves, one after another.
        instead: Where else the same data can be, under other names or in another format: for a split whose files are
            not there, those of the first of these whose files are.
        also: Further files, whose rows come after these.
    """

    format: str
    options: dict[str, Any] = {}
    splits: dict[str, Patterns | dict[str, Patterns]]
    codes: dict[str, str] = {}
    sharded: bool = False
    instead: tuple[FilesSource, ...] = ()
    also: tuple[FilesSource, ...] = ()

    @model_validator(mode="after")
    def _instead_of_something(self) -> FilesSource:
        if more := [split for part in self.instead for split in part.splits if split not in self.splits]:
            raise ValueError(f"'instead' has files for {more[0]!r}, which 'splits' does not have")
        return self

    def paths(self, split: str, language: str) -> tuple[str, ...] | None:
        """The paths of a split in one language or pair, with their patterns; None where there is nothing for it."""
        paths = self.by_language(split)
        return paths.get(ANY_LANGUAGE, paths.get(language))

    def by_language(self, split: str) -> dict[str, tuple[str, ...]]:
        """The paths of a split by language, or by `ANY_LANGUAGE` where they have a pattern."""
        given = self.splits[split]
        own = given if isinstance(given, dict) else {ANY_LANGUAGE: given}
        return {language: listed(names) for language, names in own.items()}


class MiniSource(SourceRecipe):
    """Rows from the embedded suite.

    Attributes:
        generator: Name of a row function in `mini.generators`.
        languages: The suite's languages for this task, where they are more than the benchmark's.
        settings: Hyperparameters that suit the suite's sizes, by scope as in a profile, over which they win.
        splits: Split name to number of rows.
        options: Further arguments of the row function.
        turned: Whether what it gives as candidates are the queries, each looked for among what it gives as queries.
        also: Further generators, whose rows come after these.
    """

    generator: str
    languages: tuple[str, ...] = ()
    settings: dict[str, dict[str, Any]] = {}
    splits: dict[str, int]
    options: dict[str, Any] = {}
    turned: bool = False
    also: tuple[MiniSource, ...] = ()


class Sources(Strict):
    """The places a task's rows can come from, at least one of the three.

    Attributes:
        hub_absent: Why there is no usable dataset on the Hub, where that is known.
    """

    hub: HubSource | None = None
    hub_absent: str | None = None
    files: FilesSource | None = None
    mini: MiniSource | None = None

    @model_validator(mode="after")
    def _rows_come_from_somewhere(self) -> Sources:
        if not self.names():
            raise ValueError(f"a task needs one of {', '.join(map(repr, READ_WITH))}")
        if self.hub and self.hub_absent:
            raise ValueError("'hub' and 'hub_absent' cannot both say something")
        return self

    def names(self) -> tuple[str, ...]:
        """The sources that there are."""
        return tuple(name for name in READ_WITH if getattr(self, name) is not None)
