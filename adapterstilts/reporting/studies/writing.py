"""A study's report as files."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

from adapterstilts.commands.results import to_json
from adapterstilts.files import make_writable, write_whole
from adapterstilts.reporting.forms import comma_separated, markdown
from adapterstilts.reporting.sheets import Report
from adapterstilts.reporting.studies.latex import latex_tables
from adapterstilts.reporting.studies.page import check_page_libraries, study_page
from adapterstilts.reporting.studies.records import study_records
from adapterstilts.reporting.studies.report import study_report
from adapterstilts.studies.results import StudyResult


def write_report(result: StudyResult, folder: Path) -> list[Path]:
    """Writes all forms of a report, each whole or not at all.

    Returns:
        `report.md`, `results.csv`, `results.json`, `results.parquet`, `table.tex` and `report.html`, in this order.

    Raises:
        UsageError: The folder cannot be written.
        CompatibilityError: A library that the page is made with is not installed; nothing is written then.
    """
    check_page_libraries()
    make_writable(folder, said=f"The report {folder}")
    report = study_report(result)
    content: dict[str, Callable[[], bytes]] = {
        "report.md": lambda: _bytes(_markdown(result, report)),
        "results.csv": lambda: _bytes(comma_separated(report)),
        "results.json": lambda: _bytes(f"{to_json(result)}\n"),
        "results.parquet": lambda: _parquet(study_records(result)),
        "table.tex": lambda: _bytes(latex_tables(result)),
        "report.html": lambda: _bytes(study_page(result, folder)),
    }
    for name, made in content.items():
        write_whole(folder / name, made())
    return [folder / name for name in content]


def _bytes(text: str) -> bytes:
    """As UTF-8; what has no bytes in it, as in names of files of another encoding, is written as an escape."""
    return text.encode("utf-8", "backslashreplace")


def _markdown(result: StudyResult, report: Report) -> str:
    title = " ".join(result.title.split())
    also = "As a page with figures: [report.html](report.html). Numbers: results.csv, results.json, results.parquet."
    return f"# {title}\n\n{also}\n\n{markdown(report)}"


def _parquet(records: list[dict[str, Any]]) -> bytes:
    import pandas

    file = io.BytesIO()
    readable = [
        {name: _bytes(value).decode() if type(value) is str else value for name, value in record.items()}
        for record in records
    ]
    pandas.DataFrame(readable).to_parquet(file, index=False)
    return file.getvalue()
