"""Results and progress in notebooks."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from adapterstilts.reporting.forms import html
from adapterstilts.reporting.sheets import Notes, Report


def shell() -> Any:
    """IPython's shell, if this process is one's."""
    ipython = sys.modules.get("IPython")
    return ipython.get_ipython() if ipython else None


def in_notebook() -> bool:
    """Whether output is shown in a notebook, which has no terminal but draws bars."""
    return type(shell()).__name__ == "ZMQInteractiveShell"


def show_results() -> None:
    """Lets IPython show results as tables; their classes are imported when there is one."""
    if (here := shell()) is None:
        return
    formatter = here.display_formatter.formatters["text/html"]
    for (module, name), report in _REPORTS.items():
        formatter.for_type_by_name(module, name, _as_html(report))


def _as_html(report: Callable[[Any], Report]) -> Callable[[Any], str]:
    return lambda result: html(report(result))


def _transfer(result: Any) -> Report:
    from adapterstilts.reporting.transfer import transfer_report

    return transfer_report(result)


def _training(result: Any) -> Report:
    from adapterstilts.reporting.train_intermediate import training_summary

    return Report([Notes([line.strip() for line in training_summary(result).splitlines()])])


def _study(result: Any) -> Report:
    from adapterstilts.reporting.studies.report import study_report

    return study_report(result)


def _plan(plan: Any) -> Report:
    from adapterstilts.reporting.plan import plan_report

    return plan_report(plan)


_REPORTS: dict[tuple[str, str], Callable[[Any], Report]] = {
    ("adapterstilts.commands.results", "TransferResult"): _transfer,
    ("adapterstilts.commands.results", "TrainResult"): _training,
    ("adapterstilts.commands.plan", "CommandPlan"): _plan,
    ("adapterstilts.studies.results", "StudyResult"): _study,
}
