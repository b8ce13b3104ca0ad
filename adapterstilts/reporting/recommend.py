"""A ranking of intermediate runs as a table."""

from __future__ import annotations

import textwrap

from adapterstilts.commands.recommend import Recommendation
from adapterstilts.reporting.text_table import plain_table, text_of
from adapterstilts.sharing.places import SHIPPED

_WIDTH = 80


def recommendation_text(found: Recommendation) -> str:
    """The candidates, the best first, what was left out, and the command that goes on."""
    read = f", from {found.examples} English training examples" if found.examples else ""
    table = plain_table("")
    for name in ("rank", "task", found.score, "seconds", "from"):
        table.add_column(name, no_wrap=True, justify="left" if name in ("task", "from") else "right")
    for one in found.candidates:
        # Of the package's own, the task's name says the rest.
        place = SHIPPED if one.place.startswith(f"{SHIPPED},") else one.place
        table.add_row(str(one.rank), one.candidate, _shown(one.score), f"{one.seconds:.1f}", place)
    notes = [f"{found.score}: {found.summary}. {found.seconds:.1f} seconds in all."]
    notes += [f"Left out: {one}." for one in found.left_out]
    if len(found.candidates) < found.ranked:
        notes.insert(0, f"The best {len(found.candidates)} of {found.ranked}; without --top, all are shown.")
    fold = textwrap.TextWrapper(
        _WIDTH, initial_indent="  ", subsequent_indent="  ", break_long_words=False, break_on_hyphens=False
    )
    lines = [line for note in notes for line in fold.wrap(note)]
    title = f"{found.title}: intermediate runs by {found.score}{read}"
    return "\n".join([title, text_of(table).rstrip(), "", *lines, "", f"Next: {found.command}"])


def _shown(score: float) -> str:
    return f"{score:,.0f}" if score == int(score) else f"{score:.3f}"
