"""Options of the commands that compare many ways of reaching many targets."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, create_model

from adapterstilts.commands.options.engine import EngineOptions
from adapterstilts.commands.options.transfer import TransferOptions
from adapterstilts.commands.options.values import LOCAL, Names, PathNames, PathText
from adapterstilts.declared import Flag, Group
from adapterstilts.settings import MOST, Strict


def _choices(given: Any) -> Any:
    """Names with options in brackets, `NAME[OPTION=VALUE,...]`, that commas separate outside of the brackets."""
    if not hasattr(given, "split"):
        return given
    found, depth = [""], 0
    for sign in given:
        depth += {"[": 1, "]": -1}.get(sign, 0)
        if sign == "," and depth == 0:
            found.append("")
        else:
            found[-1] += sign
    return tuple(one.strip() for one in found)


def _named(names: tuple[str, ...]) -> tuple[str, ...]:
    if not all(names):
        raise ValueError("A name is empty")
    return names


Choices = Annotated[tuple[str, ...], BeforeValidator(_choices), AfterValidator(_named)]
"""Several names that may have options in brackets; in one string they are separated by commas."""


def _fields(*, of: type[Strict], names: Any) -> dict[str, Any]:
    """Fields of another model, with their flags, defaults and what reads them."""
    return {name: (field.annotation, field) for name, field in of.model_fields.items() if name in names}


class ComparedTasks(Strict):
    """What `compare` is for."""

    from_: Annotated[PathNames, Flag(Group.TASKS, metavar="TASK[+TASK]|REF,...", positional=True)] = Field(
        description="Intermediate tasks, of which missing ones are trained: names, several that are trained together "
        "with + between them, TASK@KEY for a run, or shared models."
    )
    to: Annotated[PathNames, Flag(Group.TASKS, metavar="TASK|FILE,...", positional=True)] = Field(
        description="Target tasks, or a file of one's own with English training rows; xtreme or xtreme-r for those of "
        "a benchmark, all for every one that there are test data of."
    )


class ComparisonOptions(Strict):
    """What `compare` crosses with intermediate tasks and targets, and what becomes of it."""

    methods: Annotated[
        Choices | None, Flag(Group.METHOD, metavar="NAME[OPTION=VALUE,...],...", unset="the profile's")
    ] = Field(None, description="Tuning methods; the command astilts methods lists them.")
    compositions: Annotated[Choices | None, Flag(Group.METHOD, metavar="NAME,...", unset="each method's first")] = (
        Field(
            None,
            description="How intermediate weights enter the target phase. What a method does not have is left out.",
        )
    )
    baselines: Annotated[Names | None, Flag(Group.BASELINES, metavar="NAME,...", unset="none")] = Field(
        None,
        description="Rows beside them: mlm, mlm-mixed, translate-intermediate, translate-train, multi-task, "
        "longer-target, untrained, knn, logreg, or all; the one without intermediate task is always there.",
    )
    intermediate_examples: Annotated[int | None, Flag(Group.DATA, unit="examples")] = Field(
        None, ge=1, le=MOST, description="Upper bound on training examples of each intermediate task."
    )


class ReportOptions(Strict):
    """Where reports go."""

    out: Annotated[Path | None, LOCAL, Flag(Group.RUN, metavar="DIR")] = Field(
        None, description="Folder for the report: HTML, Markdown, LaTeX and the numbers."
    )


class StudyName(Strict):
    """What `study` is for."""

    name: Annotated[PathText, Flag(metavar="NAME|FILE", positional=True)] = Field(
        description="A study of the package, or a YAML file that describes one."
    )


class StudySize(Strict):
    """Which size of a study."""

    size: Annotated[str | None, Flag(Group.RUN, metavar="NAME", unset="the study's first")] = Field(
        None, description="Size of the study, such as paper or mini."
    )


# What a study says of itself, with flags in its place.
_AXES = ("method", "composition", "compare", "baseline", "select", "against")
_OF_MACHINE = (
    "store", "read_store", "data_dir", "tasks", "device", "precision", "tokens_per_batch", "compile", "cuda_graphs",
    "report_to", "registry", "allow_pickle",
    "backbone", "revision", "seeds", "intermediate_seeds", "translations", "skip_bad_rows", *EngineOptions.model_fields,
)  # fmt: skip
CompareOptions: type[Strict] = create_model(
    "CompareOptions",
    __base__=Strict,
    __doc__="Options of `transfer` that all cells of a `compare` have.",
    **_fields(of=TransferOptions, names=set(TransferOptions.model_fields) - set(_AXES)),
)
StudyOptions: type[Strict] = create_model(
    "StudyOptions",
    __base__=Strict,
    __doc__="Options of `transfer` that count for all cells of a study, over what it says itself.",
    **_fields(of=TransferOptions, names=_OF_MACHINE),
)


def given_values(options: Strict) -> dict[str, Any]:
    """What was given of options, as keywords, hyperparameters among them."""
    values = {name: getattr(options, name) for name in options.model_fields_set if name != "settings"}
    return {**values, **getattr(options, "settings", {})}
