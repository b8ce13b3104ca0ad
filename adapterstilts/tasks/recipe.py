"""The schema of `task.yaml`: what a task is, where its rows come from, and which settings were published for it."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from adapterstilts.specs import Strict
from adapterstilts.tasks.kind import KINDS, Kind


class SourceRecipe(Strict):
    """What every source says about a task.

    Attributes:
        train_on: Another task whose training data this one uses; then `splits` has no `train`.
        splits: Split name to what holds it. `validation` beside a `train` is used to select checkpoints; a task
            without one holds out part of its training data. Results are reported on `test` where there is one.
    """

    train_on: str | None = None
    splits: dict[str, Any] = {}


class HubSource(SourceRecipe):
    """Rows from a dataset on the Hugging Face Hub, at a pinned commit.

    Attributes:
        config: Configuration name; `{language}` stands for the language code.
        splits: Split name to the Hub's name for it.
        id_prefix: Language code to the prefix of its ids, for datasets that keep all languages in one split.
        columns: Canonical column to the dataset's column, where they differ.
    """

    path: str
    revision: str = Field(pattern=r"^[0-9a-f]{40}$")
    config: str | None = None
    splits: dict[str, str]
    id_prefix: dict[str, str] = {}
    columns: dict[str, str] = {}


class FilesSource(SourceRecipe):
    """Rows from the release's own files, in XTREME's download layout.

    Attributes:
        format: Name of a reader in `data.formats`.
        splits: Split name to a path below `--data-dir`; `{language}` stands for the language code.
    """

    format: str
    splits: dict[str, str]


class MiniSource(SourceRecipe):
    """Rows from the embedded suite.

    Attributes:
        generator: Name of a row function in `mini.rows`.
        splits: Split name to number of rows.
        options: Further arguments of the row function.
    """

    generator: str
    splits: dict[str, int]
    options: dict[str, Any] = {}


class Sources(Strict):
    """The three places a task's rows can come from."""

    hub: HubSource
    files: FilesSource
    mini: MiniSource


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
        languages: The languages of the benchmark's test data, English first.
        metric: Name in `metrics.METRICS`.
        options: Options of the kind.
        settings: Published hyperparameters by scope: `all`, or a method family (`full`, `adapter`).
        citation: A BibTeX entry.
    """

    name: str
    title: str
    description: str
    kind: str
    phases: tuple[Literal["intermediate", "target"], ...] = Field(min_length=1)
    benchmarks: tuple[Literal["xtreme", "xtreme-r"], ...] = ()
    languages: tuple[str, ...] = Field(min_length=1)
    metric: str
    options: dict[str, Any] = {}
    settings: dict[Literal["all", "full", "adapter"], dict[str, Any]] = {}
    license: str
    homepage: str
    citation: str
    sources: Sources
    references: tuple[Reference, ...] = ()

    def build_kind(self) -> Kind:
        """The task's kind, with the recipe's options.

        Raises:
            UsageError: The kind does not exist, or an option is unknown or has the wrong type.
        """
        return KINDS.get(self.kind)(self.options)

    def source(self, name: str) -> HubSource | FilesSource | MiniSource:
        """The recipe's part for the source `hub`, `files` or `mini`."""
        return getattr(self.sources, name)
