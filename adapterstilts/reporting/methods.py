"""The list of tuning methods as text for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from adapterstilts.commands.results import MethodCost
from adapterstilts.reporting.text_table import plain_table, text_of


def methods_table(costs: Sequence[MethodCost]) -> str:
    """One row for each method: what it trains and stores, and where its weights can go."""
    table = plain_table("")
    for name in ("method", "library", "trained", "share", "stored", "compositions", "what is trained"):
        table.add_column(name, justify="right" if name in ("trained", "share", "stored") else "left", no_wrap=True)
    for cost in costs:
        numbers = ["-", "-", "-"]
        if cost.trained is not None and cost.total is not None and cost.stored_bytes is not None:
            share, stored = 100 * cost.trained / cost.total, cost.stored_bytes / 1e6
            numbers = [f"{cost.trained:,}", f"{share:.3f}%", f"{stored:,.2f} MB"]
        table.add_row(cost.method, cost.library, *numbers, ", ".join(cost.compositions), cost.summary)
    obstacles = "".join(f"  {cost.method}: {cost.obstacle}\n" for cost in costs if cost.obstacle)
    legend = "  trained and stored: without heads, which come on top; stored in fp32.\n"
    return text_of(table) + legend + obstacles
