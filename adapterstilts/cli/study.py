"""`astilts study`: grids that are described by a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from adapterstilts.cli.flags import GroupedGroup, fields
from adapterstilts.cli.output import PlannedOutput, TableOutput, show, show_plan
from adapterstilts.commands.options import ReportOptions, StudyName, StudyOptions, StudyPart, StudySize, given_values
from adapterstilts.settings import Strict

if TYPE_CHECKING:
    from adapterstilts.reporting.progress import Terminal
    from adapterstilts.studies.work import StudyWork


@click.group("study", cls=GroupedGroup)
def study() -> None:
    """Answer a question with a grid of runs: plan it, run it, and report what it says.

    \b
    Examples:
      astilts study list
      astilts study plan paper-main --size paper --on h100
      astilts study run paper-main --size mini
    """


@study.command("list")
@fields(TableOutput)
def list_(output: TableOutput) -> None:
    """List the studies of the package."""
    from adapterstilts.reporting.study_lists import studies_report
    from adapterstilts.studies.definition import load_study, shipped_studies

    found = [load_study(name) for name in shipped_studies()]
    show(found, studies_report(found), output)


@study.command("plan")
@fields(StudyName, StudySize, StudyOptions, PlannedOutput)
def plan(name: StudyName, size: StudySize, options: Strict, output: PlannedOutput) -> None:
    """Print the stages of a study with what they will take, and start none of them.

    Backbones of the Hub whose shape is known are planned without it.
    """
    show_plan(_planned(name, size, options, planned_only=True)[0], output)


@study.command("run")
@fields(StudyName, StudySize, StudyPart, StudyOptions, ReportOptions, TableOutput)
def run(
    name: StudyName, size: StudySize, part: StudyPart, options: Strict, report: ReportOptions, output: TableOutput
) -> None:
    """Make what is missing of a study, and report what it says. An interrupted one goes on where it stopped."""
    work, terminal = _planned(name, size, options)
    finish(work, options, report, output, terminal, only=part.only)


@study.command("status")
@fields(StudyName, StudySize, StudyOptions, TableOutput)
def status(name: StudyName, size: StudySize, options: Strict, output: TableOutput) -> None:
    """Show which stages of a study are finished, running, failed or waiting; also while another terminal runs it."""
    from adapterstilts.reporting.study_lists import status_report
    from adapterstilts.stages.status import graph_status

    work, _ = _planned(name, size, options, planned_only=True)
    found = graph_status(work.graph, work.store)
    show(found, status_report(found), output)


@study.command("report")
@fields(StudyName, StudySize, StudyOptions, ReportOptions, TableOutput)
def report(name: StudyName, size: StudySize, options: Strict, report: ReportOptions, output: TableOutput) -> None:
    """Report what a finished study says, and run nothing."""
    from adapterstilts.studies.run import study_result

    work, terminal = _planned(name, size, options)
    _show(study_result(work), report, output, terminal)


def _planned(
    name: StudyName, size: StudySize, options: Strict, *, planned_only: bool = False
) -> tuple[StudyWork, Terminal]:
    from adapterstilts.reporting.progress import Terminal
    from adapterstilts.studies.definition import load_study
    from adapterstilts.studies.run import plan_study

    terminal = Terminal()
    given = given_values(options)
    found = plan_study(load_study(name.name), given, size=size.size, note=terminal.note, planned_only=planned_only)
    return found, terminal


def finish(
    work: StudyWork,
    options: Strict,
    report: ReportOptions,
    output: TableOutput,
    terminal: Terminal,
    *,
    only: str | None = None,
) -> None:
    """Runs a planned study, and shows its result."""
    from adapterstilts.commands.engine import chosen_engine
    from adapterstilts.studies.run import run_study

    result = run_study(work, terminal, engine=chosen_engine(options), only=only)  # type: ignore[arg-type]
    if result is not None:
        _show(result, report, output, terminal)


def _show(result: Any, report: ReportOptions, output: TableOutput, terminal: Terminal) -> None:
    from adapterstilts.reporting.studies.report import study_report
    from adapterstilts.reporting.studies.writing import write_report

    show(result, study_report(result), output)
    if report.out is not None:
        paths = write_report(result, report.out)
        terminal.note(f"Written: {', '.join(str(path) for path in paths)}")
