"""A ranking of intermediate runs as a table."""

from __future__ import annotations

from adapterstilts.commands.recommend import Recommendation
from adapterstilts.reporting.sheets import Notes, Report, Sheet, columns, plain_sheet
from adapterstilts.sharing.places import SHIPPED


def recommendation_report(found: Recommendation) -> Report:
    """The candidates, the best first, what was left out, and the command that goes on."""
    read = f", from at most {found.examples} English training examples" if found.examples else ""
    rows = []
    for one in found.candidates:
        # Of the package's own, the task's name says the rest.
        place = SHIPPED if one.place.startswith(f"{SHIPPED},") else one.place
        rows.append([str(one.rank), one.candidate, _shown(one.score), f"{one.seconds:.1f}", place])
    shown = columns("rank", "task", found.score, "seconds", "from", right=("rank", found.score, "seconds"))
    notes = [f"{found.score}: {found.summary}. {found.seconds:.1f} seconds in all.", *found.left_out]
    notes += [
        f"{one.candidate}: trained on the data that the examples are from ({', '.join(one.shared_data)}), so that its "
        "score is better than on rows that are new to it"
        for one in found.candidates
        if one.shared_data
    ]
    if len(found.candidates) < found.ranked:
        notes.insert(0, f"The best {len(found.candidates)} of {found.ranked}; without --top, all are shown.")
    title = f"{found.title}: intermediate runs by {found.score}{read}"
    names = [column.name for column in shown]
    values = ([one.rank, one.candidate, one.score, one.seconds, one.place] for one in found.candidates)
    data = plain_sheet(names, values)
    return Report([Sheet(title, shown, rows), Notes(notes), Notes([f"Next: {found.command}"], whole=True)], data)


def _shown(score: float) -> str:
    return f"{score:,.0f}" if score == int(score) else f"{score:.3f}"
