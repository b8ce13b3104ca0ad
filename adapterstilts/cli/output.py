"""Flags that say what a command prints: the command line's own, a Python function returns it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import click
from pydantic import Field, model_validator

from adapterstilts.declared import Flag, Group
from adapterstilts.printable import printable
from adapterstilts.settings import Strict

if TYPE_CHECKING:
    from adapterstilts.commands.plan import Planned
    from adapterstilts.reporting.sheets import Report

_Form = Annotated[Literal["table", "markdown", "csv", "latex", "json"] | None, Flag(Group.RUN, unset="table")]
_On = Annotated[str | None, Flag(Group.RUN, metavar="MACHINE", unset="this machine")]
_FormOrPicture = Annotated[
    Literal["table", "markdown", "csv", "latex", "json", "mermaid"] | None, Flag(Group.RUN, unset="table")
]


def _check_on(on: str | None, plan: bool) -> None:
    if on and not plan:
        raise ValueError(f"--on {on} has no meaning without --plan: a command runs where it is started")


class Output(Strict):
    """How the result is printed."""

    json_: Annotated[bool, Flag(Group.RUN)] = Field(False, description="Print the result as JSON.")

    save_config: Annotated[Path | None, Flag(Group.RUN, metavar="FILE")] = Field(
        None, description="Also write what is given here as a file that the command astilts run takes."
    )

    @property
    def as_json(self) -> bool:
        """Whether it is for programs."""
        return self.json_ or getattr(self, "format", None) == "json"


class TableOutput(Output):
    """The same, of a command that prints tables."""

    format: _Form = Field(None, description="Form of the result; `format=csv` has all digits and no notes.")
    wide: Annotated[bool, Flag(Group.RUN)] = Field(
        False, description="Show all columns, however narrow the terminal is (a pipe and a file get them all)."
    )

    @model_validator(mode="after")
    def _check(self) -> TableOutput:
        if self.format and self.json_ and self.format != "json":
            raise ValueError(f"--format {self.format} and --json do not go together")
        if self.wide and (self.as_json or self.format not in (None, "table")):
            raise ValueError("--wide is about tables on a terminal: it has no meaning with another --format")
        return self


class PlanOutput(Output):
    """The same, of a command that only plans."""

    on: _On = Field(None, description="Machine that costs are estimated for, such as h100, a100, t4 or laptop.")
    format: Annotated[Literal["text", "mermaid"] | None, Flag(Group.RUN, unset="text")] = Field(
        None, description="Form of the plan: text, or a mermaid flowchart."
    )

    @model_validator(mode="after")
    def _check(self) -> PlanOutput:
        if self.format and self.json_:
            raise ValueError(f"--format {self.format} and --json do not go together")
        return self


class PlannedOutput(Output):
    """The same, of a command that can be planned."""

    plan: Annotated[bool, Flag(Group.RUN)] = Field(False, description="Print the stages and start none of them.")
    on: _On = Field(
        None, description="Machine that a `plan` estimates the costs for, such as h100, a100, t4 or laptop."
    )
    format: Annotated[Literal["text", "mermaid"] | None, Flag(Group.RUN, unset="text")] = Field(
        None, description="Form of `plan`: text, or a mermaid flowchart."
    )

    @model_validator(mode="after")
    def _check(self) -> PlannedOutput:
        _check_on(self.on, self.plan)
        if self.format and not self.plan:
            raise ValueError(f"--format {self.format} has no meaning without --plan")
        if self.format and self.json_:
            raise ValueError(f"--format {self.format} and --json do not go together")
        return self


class PlannedTableOutput(TableOutput):
    """The same, of a command that prints tables and can be planned."""

    plan: Annotated[bool, Flag(Group.RUN)] = Field(False, description="Print the stages and start none of them.")
    on: _On = Field(
        None, description="Machine that a `plan` estimates the costs for, such as h100, a100, t4 or laptop."
    )
    format: _FormOrPicture = Field(  # type: ignore[assignment]  # one form more
        None, description="Form of the result; `format=csv` has all digits and no notes; mermaid draws a `plan`."
    )

    @model_validator(mode="after")
    def _check_plan(self) -> PlannedTableOutput:
        _check_on(self.on, self.plan)
        if self.format == "mermaid" and not self.plan:
            raise ValueError("--format mermaid has no meaning without --plan")
        if self.plan and self.format not in (None, "table", "json", "mermaid"):
            raise ValueError(f"--format {self.format} is a form of results, not of a --plan: text, json or mermaid")
        return self


def show(result: Any, report: Report, output: TableOutput) -> None:
    """Prints a result: as JSON, or the report of it."""
    from adapterstilts.commands.results import to_json
    from adapterstilts.reporting.forms import in_form
    from adapterstilts.reporting.terminal import width_here

    if output.as_json:
        say(to_json(result))
    else:
        say(in_form(report, output.format or "table", width=None if output.wide else width_here()), nl=False)


def show_plan(work: Planned, output: PlanOutput | PlannedOutput | PlannedTableOutput) -> None:
    """Prints what a command would do and take."""
    from adapterstilts.commands.results import to_json
    from adapterstilts.reporting.plan import plan_mermaid, plan_text
    from adapterstilts.stages.estimates.machines import HERE

    plan = work.summary(on=output.on or HERE)
    if output.as_json:
        say(to_json(plan))
    else:
        say(plan_mermaid(plan) if output.format == "mermaid" else plan_text(plan))


def say(text: Any, *, nl: bool = True, err: bool = False) -> None:
    """Prints text; what others have written into it cannot steer the terminal."""
    click.echo(printable(str(text)), nl=nl, err=err)
