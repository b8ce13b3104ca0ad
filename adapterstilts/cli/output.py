"""Flags that say what a command prints: the command line's own, a Python function returns it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import click
from pydantic import Field, model_validator

from adapterstilts.declared import Flag, Group
from adapterstilts.settings import Strict

if TYPE_CHECKING:
    from adapterstilts.commands.plan import CommandPlan


class Output(Strict):
    """How the result is printed."""

    json_: Annotated[bool, Flag(Group.RUN)] = Field(False, description="Print the result as JSON.")


class PlannedOutput(Output):
    """The same, of a command that can be planned."""

    plan: Annotated[bool, Flag(Group.RUN)] = Field(False, description="Print the stages and start none of them.")
    format: Annotated[Literal["text", "mermaid"] | None, Flag(Group.RUN, unset="text")] = Field(
        None, description="Form of `plan`: text, or a mermaid flowchart."
    )

    @model_validator(mode="after")
    def _check(self) -> PlannedOutput:
        if self.format and not self.plan:
            raise ValueError(f"--format {self.format} has no meaning without --plan")
        if self.format and self.json_:
            raise ValueError(f"--format {self.format} and --json do not go together")
        return self


def show_plan(plan: CommandPlan, output: PlannedOutput) -> None:
    """Prints what a command would do."""
    from adapterstilts.commands.results import to_json
    from adapterstilts.reporting.plan import plan_mermaid, plan_text

    if output.json_:
        click.echo(to_json(plan))
    else:
        click.echo(plan_mermaid(plan) if output.format == "mermaid" else plan_text(plan))
