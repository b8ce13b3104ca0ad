"""What the rows of a table are called, and which of them a name means."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from adapterstilts.errors import UsageError
from adapterstilts.languages import ENGLISH
from adapterstilts.modeling.methods import METHODS
from adapterstilts.runs.specs import ModelSpec

WITHOUT = "no intermediate task"
# So many intermediate runs of a row are written out in its name.
_NAMED_RUNS = 2


@dataclass(frozen=True)
class RowName:
    """What a row is called in a table and below it.

    Attributes:
        intermediate: `none`, or the labels of its intermediate runs with ` + ` between them.
        runs: How many these are.
        composition: How they enter the target phase; None where nothing is trained.
        variant: What is different about a baseline.
        alone: Whether that says all, because no model is trained with or without an intermediate task.
        train_languages: Languages of the target phase's training data.
        translate_test: Whether English translations of the test rows were scored.
    """

    intermediate: str
    runs: int = 0
    composition: str | None = None
    variant: str | None = None
    alone: bool = False
    train_languages: tuple[str, ...] = ()
    translate_test: bool = False

    def __str__(self) -> str:
        if self.alone:
            return f"{self.variant}{self.translated}"
        return (f"{self.variant}: " if self.variant else "") + self._way + self.translated

    @property
    def _way(self) -> str:
        if not self.runs:
            return WITHOUT
        named = f"{self.runs} runs" if self.shortened else self.intermediate
        return f"{named} ({self.composition})" if self.composition else named

    @property
    def shortened(self) -> bool:
        """Whether its intermediate runs are too many to be written out in it."""
        return self.runs > _NAMED_RUNS

    @property
    def translated(self) -> str:
        """What is added to the name of a row that was trained on translations or scored in translation."""
        foreign = [code for code in self.train_languages if code != ENGLISH]
        trained = f", translate-train {'+'.join(self.train_languages)}" if foreign else ""
        return trained + (", translate-test" if self.translate_test else "")


def composition_name(spec: ModelSpec, sources: Sequence[ModelSpec]) -> str:
    """The composition, and what it is made of where that is not what it usually is.

    Args:
        sources: What made the models that it starts from.
    """
    if spec.composition.name == "stack" and any(not METHODS.get(one.method.name).adds_adapter for one in sources):
        return f"{spec.composition} on its backbone"
    merged = METHODS.get(spec.method.name).library_name == "peft" and spec.composition.name == "stack"
    return f"{spec.composition} by merging" if merged else str(spec.composition)


def find_row(text: str, names: Sequence[RowName], *, flag: str) -> int:
    """The number of the row that `text` means.

    It means the row of that name; or else the baseline of that name without an intermediate task; or else the row of
    `--from` with that intermediate task, with its key or without; or else the only one whose name it is a part of.

    Args:
        flag: Where `text` was given.

    Raises:
        UsageError: It means none of them, or several.
    """
    ways: tuple[Callable[[RowName], bool], ...] = (
        lambda one: str(one) == text,
        lambda one: one.variant == text and not one.runs,
        lambda one: one.variant is None and text in (one.intermediate, tasks_of(one.intermediate)),
        lambda one: text in str(one),
    )
    for fits in ways:
        found = [number for number, one in enumerate(names) if fits(one)]
        if len(found) == 1:
            return found[0]
        if found:
            listed = "\n".join(f"  {names[number]}" for number in found)
            raise UsageError(f"{flag} {text!r} means several rows:\n{listed}", remedy="Give more of the name of one.")
    listed = "\n".join(f"  {one}" for one in names)
    raise UsageError(f"{flag} {text!r} is no row of the table.", remedy=f"Its rows are:\n{listed}")


def tasks_of(intermediate: str) -> str:
    """Labels of runs without their keys."""
    return " + ".join(label.partition("@")[0] for label in intermediate.split(" + "))
