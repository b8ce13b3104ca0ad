"""Studies of the package, and how far one is."""

from __future__ import annotations

from collections.abc import Sequence

from adapterstilts.reporting.sheets import Report, Sheet, columns
from adapterstilts.studies.definition import Study


def studies_report(found: Sequence[Study]) -> Report:
    """Each study with its sizes and its question."""
    rows = [[one.name, ", ".join(one.sizes), " ".join(one.question.split())] for one in found]
    return Report([Sheet("", columns("study", "sizes", "question", wraps=("sizes", "question")), rows)])
