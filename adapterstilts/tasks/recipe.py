"""The schema of `task.yaml`: what a task is, where its rows come from, and which settings were published for it."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from adapterstilts.errors import UsageError
from adapterstilts.settings import Strict
from adapterstilts.tasks.kind import KINDS, Kind

Benchmark = Literal["xtreme", "xtreme-r"]


class SourceRecipe(Strict):
    """What every source says about a task.

    Attributes:
        train_on: Other tasks whose training data this one uses, one after the other; then `splits` has no `train`.
        splits: Split name to what holds it. `validation` beside a `train` is used to select checkpoints; a task
            without one holds out part of its training data. Results are reported on `test` where there is one.
    """

    train_on: tuple[str, ...] = ()
    splits: dict[str, Any] = {}

    def has(self, split: str) -> bool:
        """Whether this source, or one that comes after it, has rows for a split."""
        return split in self.splits or any(part.has(split) for part in getattr(self, "also", ()))

    @model_validator(mode="before")
    @classmethod
    def _one_is_a_list_too(cls, values: Any) -> Any:
        if isinstance(values, dict) and isinstance(values.get("train_on"), str):
            return {**values, "train_on": (values["train_on"],)}
        return values


class HubSource(SourceRecipe):
    """Rows from a dataset on the Hugging Face Hub, at a pinned commit.

    Attributes:
        config: Configuration name; `{language}` stands for the language code, `{question_language}` for that of the
            questions where it differs.
        configs: Language code to configuration name, where they follow no pattern.
        shards: Pattern of the Parquet files to read, with `{language}` as in `config`: for datasets of which a part is
            enough, because a configuration is always downloaded whole.
        record: Name of a function in `data.records`, for rows that do not have the canonical columns.
        table: Name of a function in `data.tables`, for rows that are made from all records together.
        beside: Languages whose records `table` is given besides those of the language that is asked for.
        format: Name of a reader in `data.formats`, for repositories that hold a release's files.
        archive: The tar or zip archive of the repository that holds the files for `format`.
        options: Further arguments of the reader.
        splits: Split name to the Hub's name for it; with `format`, to a file's path, or several.
        id_prefix: Language code to the prefix of its ids, for datasets that keep all languages in one split.
        columns: Canonical column to the dataset's column, where they differ.
        differs: How the rows differ from the benchmark's, where scores cannot be compared for that.
        note: What else one should know of the dataset.
        also: Further datasets, whose rows come after these.
    """

    path: str
    revision: str = Field(pattern=r"^[0-9a-f]{40}$")
    config: str | None = None
    configs: dict[str, str] = {}
    shards: str | None = None
    record: str | None = None
    table: str | None = None
    beside: tuple[str, ...] = ()
    format: str | None = None
    archive: str | None = None
    options: dict[str, Any] = {}
    splits: dict[str, str | tuple[str, ...]]
    id_prefix: dict[str, str] = {}
    columns: dict[str, str] = {}
    differs: str | None = None
    note: str | None = None
    also: tuple[HubSource, ...] = ()

    @model_validator(mode="after")
    def _fields_belong_together(self) -> HubSource:
        needs = {"archive": "format", "options": "format", "beside": "table"}
        against = {
            "table": ("record",),
            "shards": ("config", "configs"),
            "format": ("config", "configs", "shards", "table", "id_prefix", "columns"),
        }
        for name, other in needs.items():
            if getattr(self, name) and not getattr(self, other):
                raise ValueError(f"{name!r} needs {other!r}")
        for name, others in against.items():
            for other in others:
                if getattr(self, name) and getattr(self, other):
                    raise ValueError(f"{name!r} and {other!r} do not go together")
        if several := [split for split, names in self.splits.items() if not isinstance(names, str) and not self.format]:
            raise ValueError(f"the split {several[0]!r} has several files, which need a 'format'")
        return self


class FilesSource(SourceRecipe):
    """Rows from the release's own files, in XTREME's download layout.

    Attributes:
        format: Name of a reader in `data.formats`.
        record: Name of a function in `data.records`, for formats that do not give canonical rows.
        options: Further arguments of the reader.
        splits: Split name to a path below `--data-dir`, or several; `{language}` stands for the language code,
            `{question_language}` for that of the questions where it differs.
        also: Further files, whose rows come after these.
    """

    format: str
    record: str | None = None
    options: dict[str, Any] = {}
    splits: dict[str, str | tuple[str, ...]]
    also: tuple[FilesSource, ...] = ()


class MiniSource(SourceRecipe):
    """Rows from the embedded suite.

    Attributes:
        generator: Name of a row function in `mini.generators`.
        languages: The suite's languages for this task, where they are more than the benchmark's.
        settings: Hyperparameters that suit the suite's sizes, by scope as in a profile, over which they win.
        splits: Split name to number of rows.
        options: Further arguments of the row function.
        also: Further generators, whose rows come after these.
    """

    generator: str
    languages: tuple[str, ...] = ()
    settings: dict[str, dict[str, Any]] = {}
    splits: dict[str, int]
    options: dict[str, Any] = {}
    also: tuple[MiniSource, ...] = ()


class Sources(Strict):
    """The three places a task's rows can come from.

    Attributes:
        hub_absent: Why there is no usable dataset on the Hub, where `hub` is None.
    """

    hub: HubSource | None
    hub_absent: str | None = None
    files: FilesSource
    mini: MiniSource

    @model_validator(mode="after")
    def _absence_is_explained(self) -> Sources:
        if (self.hub is None) != (self.hub_absent is not None):
            raise ValueError("either 'hub' or 'hub_absent' has to say something, and not both")
        return self


class Reference(Strict):
    """A published number to compare with.

    Attributes:
        source: Paper and table, or script, that the value was read in.
    """

    what: str
    value: dict[str, float]
    source: str


class Recipe(Strict):
    """One task of the catalogue.

    Attributes:
        phases: Whether the task can be an intermediate task, a target, or both.
        group: The benchmark's group of tasks, for targets.
        languages: The languages of the benchmark's test data, English first; of the first of `benchmarks`.
        added_languages: Languages that a later version of the benchmark has besides.
        cross_pairs: Whether question and context can be in two languages.
        metric: Name in `metrics.METRICS`.
        options: Options of the kind.
        settings: Published hyperparameters by scope: `all`, or a method family (`full`, `adapter`).
        citation: A BibTeX entry.
        translations: Where XTREME keeps its machine translations of the training set from English and of the test set
            into English: a path below their folder, in which `{language}` stands for the other language's code.
    """

    name: str
    title: str
    description: str
    kind: str
    phases: tuple[Literal["intermediate", "target"], ...] = Field(min_length=1)
    benchmarks: tuple[Benchmark, ...] = ()
    group: Literal["classification", "structured_prediction", "question_answering", "retrieval"] | None = None
    languages: tuple[str, ...] = Field(min_length=1)
    added_languages: dict[Benchmark, tuple[str, ...]] = {}
    cross_pairs: bool = False
    metric: str
    options: dict[str, Any] = {}
    settings: dict[Literal["all", "full", "adapter"], dict[str, Any]] = {}
    license: str
    homepage: str
    citation: str
    sources: Sources
    references: tuple[Reference, ...] = ()
    translations: dict[Literal["train", "test"], str] = {}

    def build_kind(self) -> Kind:
        """The task's kind, with the recipe's options.

        Raises:
            UsageError: The kind does not exist, or an option is unknown or has the wrong type.
        """
        return KINDS.get(self.kind)(self.options)

    def languages_of(self, benchmark: str | None) -> tuple[str, ...]:
        """The languages of one version of the benchmark, or those of the first that has this task."""
        return self.languages + (self.added_languages.get(benchmark, ()) if benchmark else ())  # type: ignore[call-overload]

    @property
    def all_languages(self) -> tuple[str, ...]:
        """The languages of all versions of the benchmark."""
        return tuple(
            dict.fromkeys([*self.languages, *(code for more in self.added_languages.values() for code in more)])
        )

    def differs(self, source: str, split: str) -> str | None:
        """How a source's rows of one split differ from the benchmark's, where scores cannot be compared for that."""
        hub = self.sources.hub
        if source != "hub" or hub is None:
            return None
        said = [part.differs for part in (hub, *hub.also) if part.differs and split in part.splits]
        return "; ".join(dict.fromkeys(said)) or None

    def has_source(self, name: str) -> bool:
        """Whether the task has rows in the source `hub`, `files` or `mini`."""
        return getattr(self.sources, name) is not None

    def source(self, name: str) -> HubSource | FilesSource | MiniSource:
        """The recipe's part for the source `hub`, `files` or `mini`.

        Raises:
            UsageError: The task has no dataset on the Hub.
        """
        found = getattr(self.sources, name)
        if found is None:
            raise UsageError(
                f"{self.name} is not on the Hub: {self.sources.hub_absent}",
                remedy="Use --data-dir with the release's files, or --profile mini.",
            )
        return found
