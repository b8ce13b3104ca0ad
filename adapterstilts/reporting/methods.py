"""The list of tuning methods as text for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from adapterstilts.commands.results import MethodCost
from adapterstilts.reporting.sheets import Notes, Report, Sheet, columns, plain_sheet

_NUMBERS = ("trained", "share", "stored")


def methods_report(costs: Sequence[MethodCost]) -> Report:
    """One row for each method: what it trains and stores, and where its weights can go."""
    rows = []
    for cost in costs:
        numbers = ["-", "-", "-"]
        if cost.trained is not None and cost.total is not None and cost.stored_bytes is not None:
            share, stored = 100 * cost.trained / cost.total, cost.stored_bytes / 1e6
            numbers = [f"{cost.trained:,}", f"{share:.3f}%", f"{stored:,.2f} MB"]
        rows.append([cost.method, cost.library, *numbers, ", ".join(cost.compositions), cost.summary])
    names = ("method", "library", *_NUMBERS, "compositions", "what is trained")
    shown = columns(*names, right=_NUMBERS, detail=("library", "share"), wraps=("compositions", "what is trained"))
    notes = ["trained and stored: without heads, which come on top; stored in fp32."]
    notes += [f"{cost.method}: {cost.obstacle}" for cost in costs if cost.obstacle]
    return Report([Sheet("", shown, rows), Notes(notes)], data=_data(costs))


def _data(costs: Sequence[MethodCost]) -> Sheet:
    values = [
        [one.method, one.library, one.trained, one.total, one.stored_bytes, " ".join(one.compositions), one.summary]
        for one in costs
    ]
    names = ("method", "library", "trained", "total", "stored_bytes", "compositions", "what is trained")
    return plain_sheet(names, values)
