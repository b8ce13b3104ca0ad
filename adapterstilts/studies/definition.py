"""What a study asks: axes, sizes, and the sentences that its numbers are held against. One YAML file each."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from adapterstilts.documents import parse_yaml, read_document
from adapterstilts.errors import UsageError, unknown
from adapterstilts.settings import ONE_IS_A_LIST, Strict, validate

SHIPPED = "shipped"
FROM, TO, BASELINE = "from", "to", "baseline"
INTERMEDIATE_EXAMPLES, INTERMEDIATE_LANGUAGES = "intermediate_examples", "intermediate_languages"
# Axes that are rows and tables of one transfer; every other one makes a transfer of its own.
OF_ROWS = (FROM, TO, BASELINE)
INTERMEDIATE_RATE = "intermediate_learning_rate"
# Axes that are about the intermediate phase, which no option of `transfer` is.
OF_PHASE = (INTERMEDIATE_EXAMPLES, INTERMEDIATE_LANGUAGES, INTERMEDIATE_RATE)

Values = Annotated[tuple[Any, ...], ONE_IS_A_LIST]
Selection = dict[str, Values]
"""Axis to the values of the cells that are meant; an axis that is not there is not looked at."""


class Term(Strict):
    """A part of a measure.

    Attributes:
        of: The cells that it is the mean gain of.
        weight: What it is multiplied with.
    """

    of: Selection
    weight: float = 1.0


class Slope(Strict):
    """How the gain goes with a number that values of an axis have.

    Attributes:
        axis: The axis whose values have it.
        by: Its name among the study's `properties`, of which the base-10 logarithm is taken.
        minus: If given, the slope of these cells is taken from that of the others that `of` means.
    """

    axis: str
    by: str
    of: Selection = {}
    minus: Selection = {}


class ClaimText(Strict):
    """A sentence, and what is measured for it: one of `terms`, `mean` (or `mean` and `minus`), `each`, `slope`, `best`.

    Attributes:
        mean: The cells whose mean gain is measured, each target counting alike; `minus` those that it is compared with.
        terms: More of them, with weights: a difference of differences, for one.
        each: Cells of which every group, by the axis `by`, is measured by itself: all have to agree, after Holm, and be
            expected to be `positive` or `negative`.
        slope: How the gain goes with the size of something, in points for a factor of ten.
        best: Cells among which the one with the best English validation score is taken for each target.
        expect: What the sentence says of the measure: that it is `positive`, `negative`, `absent` (within `margin`), or
            `any`: not 0, for sentences that say no direction.
        published: The published value, and `source` where it was read.
    """

    text: str
    mean: Selection | None = None
    minus: Selection | None = None
    terms: tuple[Term, ...] = ()
    each: Selection | None = None
    by: str = FROM
    slope: Slope | None = None
    best: Selection | None = None
    expect: Literal["positive", "negative", "absent", "any"] = "positive"
    margin: float = Field(1.0, gt=0, le=100)
    published: str = ""
    source: str = ""


class Published(Strict):
    """A published value of one cell.

    Attributes:
        source: Paper and table.
    """

    from_: str = Field(alias="from")
    to: str
    value: float
    source: str


class Size(Strict):
    """One size of a study: what takes the place of, or is added to, what the study says."""

    axes: dict[str, Values] = {}
    arms: tuple[dict[str, Any], ...] = ()
    options: dict[str, Any] = {}
    intermediate: dict[str, Any] = {}
    properties: dict[str, dict[str, dict[str, float]]] = {}
    claims: tuple[ClaimText, ...] | None = None
    about: str = ""


class Study(Strict):
    """A study.

    Attributes:
        name: What commands call it: its file's name.
        question: In exact words.
        axes: Name to values: `from`, `to` and `baseline`, which are rows and tables; `intermediate_examples`,
            `intermediate_languages` and `intermediate_learning_rate`; and any option of `transfer`.
        arms: Combinations of values, each taken together, that every other axis is crossed with: for axes that cannot
            be crossed with one another, such as backbones and methods.
        options: Options of `transfer` that all cells have.
        intermediate: Hyperparameters of the intermediate phase.
        properties: Axis to value to numbers that are known of it, such as a backbone's parameters.
        sizes: What is different in each of its sizes.
        reading: How the paragraph that answers the question begins.
    """

    name: str = ""
    title: str
    question: str
    reading: str = ""
    axes: dict[str, Values] = {}
    arms: tuple[dict[str, Any], ...] = ()
    options: dict[str, Any] = {}
    intermediate: dict[str, Any] = {}
    properties: dict[str, dict[str, dict[str, float]]] = {}
    claims: tuple[ClaimText, ...] = ()
    published: tuple[Published, ...] = ()
    sizes: dict[str, Size] = {}
    about: str = ""

    def of_size(self, size: str | None) -> Study:
        """The study as it is in one of its sizes; without any, as it is.

        Raises:
            UsageError: It has no such size.
        """
        if not self.sizes and size is None:
            return self
        if size is None:
            size = next(iter(self.sizes))
        if size not in self.sizes:
            raise unknown(f"size of {self.name}", size, self.sizes)
        own = self.sizes[size]
        return self.model_copy(
            update={
                "axes": {**self.axes, **own.axes},
                "arms": own.arms or self.arms,
                "options": {**self.options, **own.options},
                "intermediate": {**self.intermediate, **own.intermediate},
                "properties": {**self.properties, **own.properties},
                "claims": self.claims if own.claims is None else own.claims,
                "about": own.about or self.about,
                "sizes": {},
            }
        )

    def combinations(self) -> Iterator[dict[str, Any]]:
        """Values of all axes that are not rows and tables of one transfer, one for each arm."""
        crossed = {name: values for name, values in self.axes.items() if name not in OF_ROWS}
        for arm in self.arms or ({},):
            own = {name: values for name, values in crossed.items() if name not in arm}
            for chosen in itertools.product(*own.values()):
                yield {**dict(zip(own, chosen, strict=True)), **arm}


def shipped_studies() -> list[str]:
    """The package's studies."""
    folder = files(__package__).joinpath(SHIPPED)
    return sorted(path.name[: -len(".yaml")] for path in folder.iterdir() if path.name.endswith(".yaml"))


def load_study(text: str) -> Study:
    """The study that is called so, or that a file describes.

    Raises:
        UsageError: There is none, or the file cannot be read as one.
    """
    path = Path(text)
    if text in shipped_studies():
        name, content = text, files(__package__).joinpath(SHIPPED).joinpath(f"{text}.yaml").read_text(encoding="utf-8")
    elif path.suffix in (".yaml", ".yml", ".json"):
        name = path.stem
        content = read_document(path, error=UsageError, remedy="Give a YAML file, or a study's name.")
    else:
        raise unknown("study", text, shipped_studies())
    return read_study(content, name=name, where=text)


def read_study(content: str, *, name: str, where: str) -> Study:
    """The study that a text describes.

    Raises:
        UsageError: It is no YAML, or describes none.
    """
    values = parse_yaml(content, where=where, error=UsageError)
    if not isinstance(values, Mapping):
        raise UsageError(f"{where} describes no study.", remedy="Give a mapping with title, question and axes.")
    return validate(Study, {**values, "name": name}, where=where)
