"""Progress: a bar when someone watches, a line now and then in a log file."""

from __future__ import annotations

import logging
import os
import sys
import time
import warnings
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

import click

from adapterstilts.printable import printable
from adapterstilts.stages.reporter import Change, Reporter

if TYPE_CHECKING:
    from adapterstilts.reporting.live import LiveTable

_QUIET_SECONDS = 30
# From so many stages on, a terminal shows them in a table; fewer have a bar each.
_MANY = 6
_OPEN: WeakSet[Progress] = WeakSet()
# Library to the variable by which it sets its level when it is imported, whatever it was set to before.
_VERBOSITY = {
    "transformers": "TRANSFORMERS_VERBOSITY",
    "datasets": "DATASETS_VERBOSITY",
    "huggingface_hub": "HF_HUB_VERBOSITY",
}
_ASKING, _AGAIN = "huggingface_hub.utils._http", "Retrying in"


class Progress:
    """Reports to standard error, so that standard output holds the result only.

    Args:
        shown: Whether someone watches, who gets bars and not lines.
    """

    def __init__(self, *, shown: bool) -> None:
        _OPEN.add(self)
        self._shown = shown
        self._bar: Any = None
        self._stage = ""
        self._values: dict[str, str] = {}
        self._begun = self._last = time.monotonic()
        self._first = 0
        self._together = False
        self._table: LiveTable | None = None

    def note(self, message: str) -> None:
        """Prints one line."""
        if self._table is not None:
            self._table.note(message)
        else:
            click.echo(printable(message), err=True)

    def trained(self, stage: str, step: int, steps: int, logged: dict[str, float]) -> None:
        """Moves the bar of a training stage; without a terminal, prints a line every half minute."""
        if stage != self._stage:
            self.close()
            self._stage = stage
        names = {"loss": "loss", "eval_score": "validation"}
        self._values |= {names[name]: f"{value:.3g}" for name, value in logged.items() if name in names}
        if self._bar is None:
            from tqdm.auto import tqdm

            self._begun, self._first = time.monotonic(), step - 1
            self._bar = tqdm(total=steps, initial=max(step - 1, 0), desc=stage, unit="step", disable=not self._shown)
            if self._bar.disable:
                self.note(f"{stage}: {steps:,} steps")
        if step <= self._first:  # it goes on from a checkpoint before what was seen of it first
            self._begun, self._first = time.monotonic(), step - 1
        self._bar.set_postfix(self._values, refresh=False)
        self._bar.update(step - self._bar.n)
        if self._bar.disable and time.monotonic() - self._last > _QUIET_SECONDS:
            self._last = time.monotonic()
            passed = self._last - self._begun
            left = passed / (step - self._first) * (steps - step)
            parts = [f"step {step:,} of {steps:,}", *(f"{name} {value}" for name, value in self._values.items())]
            if step < steps and passed > 1:
                parts.append(f"about {left:.0f} s left")
            self.note(f"{stage}: {', '.join(parts)}")

    def track(self, batches: Iterable[Any], total: int, label: str) -> Iterable[Any]:
        """Shows a bar over batches."""
        from tqdm.auto import tqdm

        self.close()
        return tqdm(batches, total=total, desc=label, unit="batch", leave=False, disable=not self._shown)

    def of(self, stage: str) -> Reporter:
        """The same for all stages that are made one after the other; of several at a time each has its own bar."""
        if self._table is not None:
            return self._table.of(stage)
        return Progress(shown=self._shown) if self._together else self

    def changed(self, change: Change) -> None:
        """Says what becomes of stages: of several at a time, and of those that failed where there are others."""
        if change.happened == "planned":
            self._together = change.totals.jobs > 1
            self._open_table(change)
        if self._table is not None:
            self._table.changed(change)
        if (line := _line(change)) is not None:
            if self._table is None:
                self.close()
            self.note(line)
        if change.happened == "ended":
            self.close()

    def _open_table(self, change: Change) -> None:
        """Overridden where there is a terminal."""

    def close(self) -> None:
        """Ends what is shown: the bar of a training stage, or the table of several."""
        if self._bar is not None:
            self._bar.close()
            self._bar, self._values = None, {}
        if self._table is not None:
            table, self._table = self._table, None
            table.close()


class Terminal(Progress):
    """That of a command, whose process belongs to it."""

    def __init__(self) -> None:
        quiet_libraries()
        super().__init__(shown=sys.stderr.isatty())

    def _open_table(self, change: Change) -> None:
        if self._shown and (self._together or change.totals.stages >= _MANY):
            from adapterstilts.reporting.live import LiveTable

            self._table = LiveTable(change.totals)


def _line(change: Change) -> str | None:
    """What is said of a change, if it is worth a line."""
    totals = change.totals
    if change.happened == "finished" and totals.jobs > 1:
        return f"{change.stage}: finished after {change.seconds:,.0f} s, {totals.done:,} of {totals.stages:,}"
    if totals.stages == 1:  # the command says the same
        return None
    if change.happened == "dropped":
        return f"{change.stage}: not made, because it needs what has failed"
    if change.happened in ("failed", "retried"):
        again = ", and is tried again" if change.happened == "retried" else ""
        more = {"traceback": change.log, "alone": change.command if change.happened == "failed" else ""}
        lines = [
            f"{change.stage}: failed{again}: {change.error}",
            *(f"  {name}: {one}" for name, one in more.items() if one),
        ]
        return "\n".join(lines)
    return None


def close_bars() -> None:
    """Ends the bars that are shown, so that what is printed next is the last line."""
    for one in _OPEN:
        one.close()


def quiet_libraries() -> None:
    """Keeps the libraries' own progress bars and advice off the terminal, unless the environment asks for them.

    Their errors still show, and that the Hub is waited for.
    """
    warnings.filterwarnings("ignore")
    os.environ["HF_DATASETS_DISABLE_PROGRESS_BARS"] = "1"
    if datasets := sys.modules.get("datasets"):
        datasets.disable_progress_bars()
    loud = [name for name, variable in _VERBOSITY.items() if os.environ.setdefault(variable, "error") != "error"]
    for name in (*_VERBOSITY, "adapters", "accelerate"):
        if name not in loud:
            logging.getLogger(name).setLevel(logging.ERROR)
    if "huggingface_hub" not in loud:
        asking = logging.getLogger(_ASKING)
        asking.setLevel(logging.WARNING)
        asking.addFilter(_say_once)


_said: set[str] = set()


def _say_once(record: logging.LogRecord) -> bool:
    """Says once, in place of the Hub's client, that the Hub does not answer and is asked again."""
    if logging.getLogger("huggingface_hub").isEnabledFor(record.levelno):  # whoever has asked for it gets all of it
        return True
    if record.getMessage().startswith(_AGAIN) and _AGAIN not in _said:
        _said.add(_AGAIN)
        click.echo(
            "The Hugging Face Hub does not answer, and is asked again for half a minute. HF_HUB_OFFLINE=1 asks it for "
            "nothing.",
            err=True,
        )
    return False
