"""Flags of commands that make several stages: which of them, and how it is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from adapterstilts.cli.output import PlannedOutput, PlannedTableOutput, say, show_plan
from adapterstilts.declared import Flag, Group
from adapterstilts.settings import Strict

if TYPE_CHECKING:
    from adapterstilts.commands.options import EngineOptions
    from adapterstilts.commands.plan import Planned
    from adapterstilts.stages.reporter import Reporter


class StageOutput(Strict):
    """Which stages are made, and how their progress is printed."""

    only: Annotated[str | None, Flag(Group.RUN, metavar="KEY")] = Field(
        None, description="Make one stage alone, with what it needs, and print its folder; `plan` shows its key."
    )
    json_lines: Annotated[bool, Flag(Group.RUN)] = Field(
        False, description="Print what happens as JSON, one object a line, on standard error."
    )

    def reporter(self) -> Reporter:
        """What progress is told to."""
        from adapterstilts.reporting.json_lines import JsonLines
        from adapterstilts.reporting.progress import Terminal, quiet_libraries

        if not self.json_lines:
            return Terminal()
        quiet_libraries()
        return JsonLines()


def show_part(
    work: Planned,
    stages: StageOutput,
    options: EngineOptions,
    output: PlannedOutput | PlannedTableOutput,
    reporter: Reporter,
) -> None:
    """Prints the plan of a command, of all its stages or of one, or makes that one and prints the folder of its run."""
    from adapterstilts.commands.engine import chosen_engine
    from adapterstilts.commands.results import to_json

    if output.plan:
        show_plan(work if stages.only is None else work.part(stages.only), output)
    elif stages.only is not None:
        run = work.make(stages.only, reporter, engine=chosen_engine(options))
        say(to_json({"key": run.short_key, "folder": run.folder}) if output.as_json else run.folder)
