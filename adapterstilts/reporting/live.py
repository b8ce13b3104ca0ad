"""A table of the stages that are being made, which stays below what is noted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from adapterstilts.printable import printable
from adapterstilts.reporting.numbers import shown_digits
from adapterstilts.stages.reporter import Change, Reporter, Totals
from adapterstilts.stages.watched import Watched

_PER_SECOND = 4


class LiveTable:
    """Shows all stages of a graph on a terminal.

    Args:
        totals: Those of the graph when it begins.
        console: By default standard error.
    """

    def __init__(self, totals: Totals, console: Console | None = None) -> None:
        self._totals = totals
        self._running: dict[str, Watched] = {}
        self._live = Live(
            get_renderable=self._drawn,
            console=console or Console(stderr=True),
            refresh_per_second=_PER_SECOND,
            transient=True,
        )
        self._live.start()

    def note(self, message: str) -> None:
        """Prints a line above the table."""
        self._live.console.print(Text(printable(message)), soft_wrap=True)

    def of(self, stage: str) -> Reporter:
        """The reporter of the row of a stage."""
        return _Row(self, stage)

    def changed(self, change: Change) -> None:
        """Shows how many are done, and a row for each that has begun."""
        self._totals = change.totals
        if change.happened == "started":
            self._running[change.stage] = Watched(change.stage)
        elif change.happened not in ("planned", "ended"):
            self._running.pop(change.stage, None)

    def trained(self, stage: str, step: int, steps: int, logged: dict[str, float]) -> None:
        """A step of a row is done."""
        if stage in self._running:
            self._running[stage].trained(step, steps, logged)

    def batch(self, stage: str, label: str, done: int, total: int) -> None:
        """A batch of a row is done."""
        if stage in self._running:
            self._running[stage].batch(label, done, total)

    def close(self) -> None:
        """Takes the table away."""
        self._live.stop()

    def _drawn(self) -> Group:
        table = Table(box=None, pad_edge=False, expand=True)
        table.add_column("stage", ratio=1, no_wrap=True, overflow="ellipsis")
        for name in ("step", "a second", "loss", "left"):
            table.add_column(name, justify="right", no_wrap=True)
        for one in list(self._running.values()):
            table.add_row(*_cells(one))
        return Group(table, Text(totals_text(self._totals), overflow="ellipsis", no_wrap=True))


class _Row:
    """The reporter of one stage."""

    def __init__(self, table: LiveTable, stage: str) -> None:
        self._table = table
        self._stage = stage

    def note(self, message: str) -> None:
        self._table.note(message)

    def trained(self, stage: str, step: int, steps: int, logged: dict[str, float]) -> None:
        self._table.trained(self._stage, step, steps, logged)

    def track(self, batches: Iterable[Any], total: int, label: str) -> Iterator[Any]:
        self._table.batch(self._stage, label, 0, total)
        for done, batch in enumerate(batches, start=1):
            yield batch
            self._table.batch(self._stage, label, done, total)

    def of(self, stage: str) -> Reporter:
        return _Row(self._table, stage)

    def changed(self, change: Change) -> None:
        self._table.changed(change)


def totals_text(totals: Totals) -> str:
    """How far a graph is, in a line."""
    parts = [f"{totals.done:,} of {totals.stages:,} stages done"]
    for number, what in (
        (totals.failed, "failed"), (totals.dropped, "not made for want of them"), (totals.running, "running"),
        (totals.waiting, "waiting"),
    ):  # fmt: skip
        if number:
            parts.append(f"{number:,} {what}")
    return ", ".join(parts)


def _cells(one: Watched) -> list[str]:
    name = f"{one.name}  {one.doing}" if one.doing else one.name
    steps = f"{one.done:,}/{one.total:,}" if one.total else "begins"
    rate = shown_digits(one.rate) if one.rate else ""
    loss = f"{one.values['loss']:.3g}" if "loss" in one.values and not one.doing else ""
    return [name, steps, rate, loss, duration(one.left) if one.left is not None else ""]


def duration(seconds: float) -> str:
    """A time that is left, as short as it can be read."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"
