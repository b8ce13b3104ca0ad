"""`astilts study`: grids that are described by a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from adapterstilts.cli.flags import GroupedGroup, fields
from adapterstilts.cli.output import PlannedTableOutput, PlanOutput, TableOutput, show, show_plan
from adapterstilts.cli.stages import StageOutput, show_part
from adapterstilts.commands.options import ReportOptions, StudyName, StudyOptions, StudySize, given_values
from adapterstilts.settings import Strict

if TYPE_CHECKING:
    from adapterstilts.stages.reporter import Reporter
    from adapterstilts.studies.results import StudyResult
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
@fields(StudyName, StudySize, StudyOptions, PlanOutput)
def plan(name: StudyName, size: StudySize, options: Strict, output: PlanOutput) -> None:
    """Print the stages of a study with what they will take, and start none of them.

    Backbones of the Hub whose shape is known are planned without it.
    """
    from adapterstilts.reporting.progress import Terminal

    show_plan(_planned(name, size, options, Terminal(), planned_only=True), output)


@study.command("run")
@fields(StudyName, StudySize, StudyOptions, ReportOptions, StageOutput, PlannedTableOutput)
def run(
    name: StudyName,
    size: StudySize,
    options: Strict,
    report: ReportOptions,
    stages: StageOutput,
    output: PlannedTableOutput,
) -> None:
    """Make what is missing of a study, and report what it says. An interrupted one goes on where it stopped."""
    reporter = stages.reporter()
    work = _planned(name, size, options, reporter, planned_only=output.plan)
    if output.plan or stages.only is not None:
        show_part(work, stages, options, output, reporter)  # type: ignore[arg-type]  # its fields are among them
        return
    finish(work, options, report, output, reporter)


@study.command("status")
@fields(StudyName, StudySize, StudyOptions, TableOutput)
def status(name: StudyName, size: StudySize, options: Strict, output: TableOutput) -> None:
    """Show which stages of a study are finished, running, failed or waiting; also while another terminal runs it."""
    from adapterstilts.reporting.progress import Terminal
    from adapterstilts.reporting.study_lists import shown_status, status_report

    found = _planned(name, size, options, Terminal(), planned_only=True).status()
    show([shown_status(one) for one in found], status_report(found), output)


@study.command("report")
@fields(StudyName, StudySize, StudyOptions, ReportOptions, TableOutput)
def report(name: StudyName, size: StudySize, options: Strict, report: ReportOptions, output: TableOutput) -> None:
    """Report what a finished study says, and run nothing."""
    from adapterstilts.reporting.progress import Terminal
    from adapterstilts.studies.run import study_result

    terminal = Terminal()
    _show(study_result(_planned(name, size, options, terminal)), report, output, terminal)


def _planned(
    name: StudyName, size: StudySize, options: Strict, reporter: Reporter, *, planned_only: bool = False
) -> StudyWork:
    from adapterstilts.studies.definition import load_study
    from adapterstilts.studies.run import plan_study

    given = given_values(options)
    return plan_study(load_study(name.name), given, size=size.size, note=reporter.note, planned_only=planned_only)


def finish(work: StudyWork, options: Strict, report: ReportOptions, output: TableOutput, reporter: Reporter) -> None:
    """Runs a planned study, and shows its result."""
    from adapterstilts.commands.engine import chosen_engine
    from adapterstilts.studies.run import run_study

    _check(report)
    result = run_study(work, reporter, engine=chosen_engine(options))  # type: ignore[arg-type]
    _show(result, report, output, reporter)


def _check(report: ReportOptions) -> None:
    """Refuses a report that cannot be written, or lacks the libraries that it takes, before anything has run for it."""
    if report.out is not None:
        from adapterstilts.files import make_writable
        from adapterstilts.reporting.studies.page import check_page_libraries

        check_page_libraries()
        make_writable(report.out, said=f"--out {report.out}")


def _show(result: StudyResult, report: ReportOptions, output: TableOutput, reporter: Reporter) -> None:
    from adapterstilts.reporting.studies.report import study_report
    from adapterstilts.reporting.studies.writing import write_report

    show(result, study_report(result), output)
    if report.out is not None:
        paths = write_report(result, report.out)
        reporter.note(f"Written: {', '.join(str(path) for path in paths)}")
