"""The schema of `task.yaml`: what a task is, where its rows come from, and which settings were published for it."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, get_args, overload

from pydantic import AfterValidator, BeforeValidator, Field

from adapterstilts.errors import UsageError, unknown
from adapterstilts.languages import ENGLISH, LANGUAGES, canonical
from adapterstilts.settings import LONGEST, Strict
from adapterstilts.tasks.kind import KINDS, Kind, shown_metrics
from adapterstilts.tasks.sources import READ_WITH, FilesSource, HubSource, MiniSource, Pattern, Sources

Benchmark = Literal["xtreme", "xtreme-r"]
Family = Literal["full", "adapter"]


def _known(codes: tuple[str, ...]) -> tuple[str, ...]:
    for code in codes:
        if code not in LANGUAGES:
            raise ValueError(str(unknown("language", code, LANGUAGES)).rstrip("."))
        if code != canonical(code):
            raise ValueError(f"the language {code!r} is written {canonical(code)!r}")
    return codes


MOST_LETTERS = 100
"""Of a task's name, which folders, modules and shared models are called by."""


def _usable(name: str) -> str:
    if name in ("all", "none") or len(name) > MOST_LETTERS or not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*", name):
        raise ValueError(f"a name has letters, digits, '_' and '-', {MOST_LETTERS} at most, and is not 'all' or 'none'")
    return name


TaskName = Annotated[str, AfterValidator(_usable)]
"""What commands call a task; `all` and `none` stand for others, `+` and `@` separate names and keys."""

Languages = Annotated[tuple[str, ...], AfterValidator(_known)]
"""Tags of languages, as `adapterstilts.languages` writes them."""

Language = Annotated[str, AfterValidator(lambda code: _known((code,))[0])]
"""One of them."""


class Reference(Strict):
    """A published number to compare with.

    Attributes:
        source: Paper and table, or script, that the value was read in.
    """

    what: str
    value: dict[str, float]
    source: str


class Hyperparameters(Strict):
    """Hyperparameters from one source, by what is trained.

    Attributes:
        source: The script or paper that they were read in; empty for our own.
        all: For every method; `full` and `adapter` for one family, over these.
    """

    source: str = ""
    all: dict[str, Any] = {}
    full: dict[str, Any] = {}
    adapter: dict[str, Any] = {}

    def of(self, family: Family) -> dict[str, Any]:
        """Those of a method family."""
        return {**self.all, **getattr(self, family)}


class Published(Strict):
    """How much data a task has, for what is not counted before it is fetched.

    Attributes:
        rows: Split to its number of rows, or to that of each language.
        lengths: Tokens of a row's sequence by XLM-R's tokenizer, special tokens included, before anything is cut: some
            that are equally frequent, in order.
        sequences: How many sequences a row is.
        source: Where the numbers of rows were read, and what the lengths were measured on.
    """

    rows: dict[str, int | dict[str, int]]
    lengths: tuple[int, ...] = ()
    sequences: int = Field(1, ge=1, le=LONGEST)
    source: str

    def rows_of(self, split: str, language: str) -> int | None:
        """The rows of a split in one language; None where that is not known."""
        return (found.get(language) if isinstance(found, dict) else found) if (found := self.rows.get(split)) else None


OURS = "ours"
"""What hyperparameters are called in recipes that no one has published."""


def _by_source(given: Any) -> Any:
    """Hyperparameters by scope alone, which a recipe of one's own may have, are one's own."""
    told = isinstance(given, dict) and given and set(given) <= {"all", *get_args(Family)}
    return {OURS: given} if told else given


class Recipe(Strict):
    """One task of the catalogue.

    Attributes:
        name: What commands call it.
        title: What tables call it.
        phases: Whether the task can be an intermediate task, a target, or both.
        group: The benchmark's group of tasks, for targets.
        languages: The languages of the benchmark's test data, English first; of the first of `benchmarks`.
        training_language: The language of its training data, English unless it was made in another one.
        added_languages: Languages that a later version of the benchmark has besides.
        cross_pairs: Whether question and context can be in two languages.
        parallel: Whether the test rows of all languages are translations of each other, under the same ids.
        contains: Tasks whose training data are part of this one's in the releases, which the suite's are not.
        originals: Split to the task whose English rows of that split its own are translations of.
        metric: Name in `metrics.METRICS`.
        options: Options of the kind.
        settings: Hyperparameters by who used them: `jiant` (the STILTs authors' toolkit), `xtreme` (the benchmark's
            scripts), or `ours`, which count for what is not published.
        license: The data's. It is there for every task of the package, as are `homepage` and `citation`.
        derivatives: Whether the licence allows to pass on what was made of the data, such as an adapter.
        citation: A BibTeX entry.
        published: How much data there is.
        translations: Where XTREME keeps its machine translations of the training set from English and of the test set
            into English: a path below their folder, in which `{language}` stands for the other language's code.
    """

    name: TaskName
    title: str
    description: str = ""
    kind: str
    phases: tuple[Literal["intermediate", "target"], ...] = Field(min_length=1)
    benchmarks: tuple[Benchmark, ...] = ()
    group: Literal["classification", "structured_prediction", "question_answering", "retrieval"] | None = None
    languages: Languages = Field(min_length=1)
    training_language: Language = ENGLISH
    added_languages: dict[Benchmark, Languages] = {}
    cross_pairs: bool = False
    parallel: bool = False
    contains: tuple[TaskName, ...] = ()
    originals: dict[str, TaskName] = {}
    metric: str
    options: dict[str, Any] = {}
    settings: Annotated[dict[str, Hyperparameters], BeforeValidator(_by_source)] = {}
    license: str = ""
    derivatives: bool = True
    homepage: str = ""
    citation: str = ""
    sources: Sources
    references: tuple[Reference, ...] = ()
    published: Published | None = None
    translations: dict[Literal["train", "test"], Pattern] = {}

    def build_kind(self) -> Kind:
        """The task's kind, with the recipe's options.

        Raises:
            UsageError: The kind does not exist, or an option is unknown or has the wrong type.
        """
        return KINDS.get(self.kind)(self.options)

    @property
    def canonical_columns(self) -> Any:
        """The columns of the task's rows, as `datasets.Features`."""
        return KINDS.get(self.kind).columns(self.options)

    @property
    def metric_labels(self) -> dict[str, str]:
        """The values that tables show, with what they call them; the last one counts."""
        return shown_metrics(self.build_kind(), self.metric)

    def hyperparameters(self, family: Family, prefer: str | None = None) -> dict[str, Any]:
        """Hyperparameters for a method family: our own, over which those go that are published.

        Args:
            prefer: Whose are taken where several have published some; by default, and where they have none, the first.
        """
        published = {name: values for name, values in self.settings.items() if name != OURS}
        chosen = published.get(prefer or "") or next(iter(published.values()), Hyperparameters())
        return {**self.settings.get(OURS, Hyperparameters()).of(family), **chosen.of(family)}

    def languages_of(self, benchmark: str | None) -> tuple[str, ...]:
        """The languages of one version of the benchmark, or those of the first that has this task."""
        return self.languages + (self.added_languages.get(benchmark, ()) if benchmark else ())  # type: ignore[call-overload]

    @property
    def all_languages(self) -> tuple[str, ...]:
        """The languages of all versions of the benchmark."""
        return tuple(
            dict.fromkeys([*self.languages, *(code for more in self.added_languages.values() for code in more)])
        )

    def training_data(self, source: str) -> set[str]:
        """The tasks whose training data one trains on with this one from a source: its own, and what they contain."""
        return {self.name, *(self.contains if source != "mini" else ())}

    def differs(self, source: str, split: str) -> str | None:
        """How a source's rows of one split differ from the benchmark's, where scores cannot be compared for that."""
        hub = self.sources.hub
        if source != "hub" or hub is None:
            return None
        said = [part.differs for part in (hub, *hub.also) if part.differs and split in part.splits]
        return "; ".join(dict.fromkeys(said)) or None

    @overload
    def source(self, name: Literal["hub"]) -> HubSource: ...

    @overload
    def source(self, name: Literal["files"]) -> FilesSource: ...

    @overload
    def source(self, name: Literal["mini"]) -> MiniSource: ...

    @overload
    def source(self, name: str) -> HubSource | FilesSource | MiniSource: ...

    def source(self, name: str) -> HubSource | FilesSource | MiniSource:
        """The recipe's part for the source `hub`, `files` or `mini`.

        Raises:
            UsageError: The task has no rows there; the message says where it has some.
        """
        found = getattr(self.sources, name)
        if found is None:
            there = self.sources.names()
            reason = f" ({self.sources.hub_absent.rstrip('.')})" if name == "hub" and self.sources.hub_absent else ""
            raise UsageError(
                f"{self.name} has no {READ_WITH[name][0]}{reason}; its sources: {', '.join(there)}.",
                remedy=f"Use {', or '.join(READ_WITH[other][1] for other in there)}.",
            )
        return found
