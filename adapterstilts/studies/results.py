"""What a study found: its cells, what they say together, and what it took. Reports are made of this alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from adapterstilts.commands.results import TransferRow
from adapterstilts.commands.table.few_shot_results import FewShotRow
from adapterstilts.metrics.intervals import Interval

Verdict = Literal["supported", "contradicted", "no evidence"]


@dataclass(frozen=True)
class Cell:
    """One way of reaching one target, with every seed.

    Attributes:
        axes: Axis to what the cell has of it, as text: `to` always, `from` (`none` without intermediate phase),
            `method`, `composition`, `backbone`, `baseline` and whatever else the study varies.
        row: Scores, costs, and the folders of its runs; its `contrast` is the gain by each metric and language over
            the row of the same arm without an intermediate phase, adjusted among the rows of its own table.
        gain: That of the task score (`contrasts.SCORE`) over the languages other than English, in points; `p_holm` is
            adjusted for all cells of the study. None for the rows that others are compared with.
        english: Likewise, in English.
        folders: Name of each run that it is made of, in the order in which they were made, to its folder.
    """

    axes: dict[str, str]
    row: TransferRow
    gain: Interval | None = None
    english: Interval | None = None
    folders: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class FewShotCell:
    """What went on from a cell with labelled rows of another language."""

    axes: dict[str, str]
    row: FewShotRow


@dataclass(frozen=True)
class Claim:
    """A sentence that the numbers can support or contradict.

    Attributes:
        text: The sentence.
        measure: What was measured for it, in words, such as `mean gain of squad, mnli, hellaswag minus the others`.
        value: This measure with its interval, in points unless `unit` says otherwise; None where cells are lacking.
        cells: How many cells it is made of.
        published: The published value as it is written there, and `source` where; empty where there is none.
        why: What is lacking where there is no value.
    """

    text: str
    measure: str
    value: Interval | None
    verdict: Verdict
    cells: int = 0
    unit: str = "points"
    published: str = ""
    source: str = ""
    why: str = ""


@dataclass(frozen=True)
class GroupGain:
    """The mean gain over targets in a group of languages.

    Attributes:
        sort: What is grouped by: `family`, `script` or `language`.
        axes: The values of the axes that it is about, such as method and intermediate task.
        languages: Codes of those that were scored.
    """

    sort: str
    name: str
    axes: dict[str, str]
    languages: list[str]
    gain: Interval


@dataclass(frozen=True)
class Efficiency:
    """What an arm (a method with a composition, on a backbone) gains for what it costs.

    Attributes:
        gain: Mean over its cells, in points.
        cells: Intermediate tasks with targets that it has; arms whose sets differ cannot be compared by their means.
        retained: In percent of full fine-tuning's mean gain over the same cells, with interval; None without one.
        parameters: Trained ones of its intermediate phase.
        stored_bytes: Of one intermediate run.
        seconds: Of training, all its stages together, each once; `flops` likewise, and `kwh` by the machine's named
            power; None where unknown.
        per: Points for each of these: `million parameters`, `stored MB`, `hour` and, where it is known, `kWh`.
    """

    axes: dict[str, str]
    gain: Interval
    cells: list[tuple[str, str]]
    retained: Interval | None
    parameters: int
    stored_bytes: int
    seconds: float
    flops: int = 0
    kwh: float | None = None
    per: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Agreement:
    """How alike a model answers the same questions in two languages (as RankC: Qi et al. 2023, of answers).

    Attributes:
        share: Mean share of questions that were answered alike in English and another language, in percent.
        gain: Against the row without an intermediate phase.
        languages: Language to the share.
    """

    axes: dict[str, str]
    share: float
    gain: Interval | None
    languages: dict[str, float]


@dataclass(frozen=True)
class Correlation:
    """How the gains in English go with those in other languages, over cells (Spearman's rank correlation).

    Attributes:
        low, high: Ends of a 95% bootstrap interval over intermediate tasks and targets; None where both are few.
    """

    rho: float
    low: float | None
    high: float | None
    cells: int


@dataclass(frozen=True)
class PublishedValue:
    """A published gain or score of one cell of the heat map, shown apart from what was measured.

    Attributes:
        axes: `from` and `to`.
        source: Paper and table.
    """

    axes: dict[str, str]
    value: float
    source: str


@dataclass(frozen=True)
class StageRecord:
    """A stage of the study.

    Attributes:
        state: `in the store`, `failed`, `running` or `waiting`.
        estimated: What was estimated before it ran, and `measured` what it took: `seconds`, `flops`, `memory_bytes`,
            `disk_bytes`. Values that are not known are not there.
    """

    name: str
    key: str
    state: str
    estimated: dict[str, float] = field(default_factory=dict)
    measured: dict[str, float] = field(default_factory=dict)
    error: str = ""


@dataclass(frozen=True)
class StudyResult:
    """Everything that a report of a study shows.

    Attributes:
        name: What the command calls it, and `size` which of its sizes this is.
        question: In exact words.
        axes: Axis to its values, in the study's order.
        reading: A paragraph that answers the question from the numbers.
        left_out: Combinations that there cannot be, each with its reason.
        trainings: How many there were, and `naive` how many there are if every cell is trained by itself.
        learning: Run folder to its points: `step`, `loss` or `eval_score`.
        surroundings: Versions, machine, commit and time that the report names.
    """

    name: str
    title: str
    size: str
    question: str
    axes: dict[str, list[str]]
    cells: list[Cell]
    claims: list[Claim]
    reading: str
    groups: list[GroupGain] = field(default_factory=list)
    efficiency: list[Efficiency] = field(default_factory=list)
    agreement: list[Agreement] = field(default_factory=list)
    correlation: Correlation | None = None
    published: list[PublishedValue] = field(default_factory=list)
    stages: list[StageRecord] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    trainings: int = 0
    naive: int = 0
    learning: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    surroundings: dict[str, str] = field(default_factory=dict)
    few_shots: list[FewShotCell] = field(default_factory=list)
