"""What `--plan` prints."""

from __future__ import annotations

from typing import Any

import click

from adapterstilts.cli.output import PlannedOutput
from adapterstilts.commands.results import to_json
from adapterstilts.reporting.plan import plan_mermaid, plan_text


def show_plan(planned: Any, output: PlannedOutput) -> None:
    """Prints a planned command as it is asked for."""
    plan = planned.summary()
    if output.json_:
        click.echo(to_json(plan))
    else:
        click.echo(plan_mermaid(plan) if output.format == "mermaid" else plan_text(plan))
