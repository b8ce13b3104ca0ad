"""What a plan will cost, as text."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator

from adapterstilts.commands.plan import CommandPlan
from adapterstilts.reporting.numbers import shown_bytes, shown_digits, shown_flops, shown_seconds
from adapterstilts.stages.estimates.stage_costs import StageCost, TotalCost

_WIDTH = 80


def shown_cost(cost: StageCost | None) -> str:
    """The time that a stage takes; `<` before what may end early, `?` for what is not known."""
    if cost is None:
        return ""
    return "?" if cost.seconds is None else f"{'<' if cost.at_most else ''}{shown_seconds(cost.seconds)}"


def cost_lines(plan: CommandPlan) -> list[str]:
    """What is missing will take, and all of it would, if nothing were stored."""
    both = [("missing", plan.missing), ("all", plan.all)] if plan.stored else [("", plan.missing)]
    head = [f"  {'':10}  " + "".join(f"{name:32}" for name, _ in both).rstrip()] if plan.stored else []
    rows = [(name, [how(total) for _, total in both]) for name, how in _ROWS.items()]
    lines = [
        f"  {name:10}  " + "".join(f"{one or '-':32}" for one in shown).rstrip() for name, shown in rows if any(shown)
    ]
    cores = f", threads: {plan.all.cores}" if plan.all.cores else ""
    return [
        f"Estimate for {plan.on}{cores}",
        *head,
        *lines,
        *_wrapped([*_disturbed(plan), *_too_large(plan), *_not_counted(plan.missing)]),
    ]


def _time(total: TotalCost) -> str:
    return f"{'at most ' if total.at_most else ''}{shown_seconds(total.seconds)}"


def _hours(total: TotalCost) -> str:
    return f"{shown_digits(total.device_hours)} {'GPU' if total.cores is None else 'core'}-hours"


def _energy(total: TotalCost) -> str:
    return "" if total.kwh is None else f"{shown_digits(total.kwh)} kWh at full power"


def _memory(total: TotalCost) -> str:
    return ", ".join(f"{shown_bytes(size)} of {what}" for what, size in total.memory.items())


def _disk(total: TotalCost) -> str:
    more = f", {shown_bytes(total.scratch)} more at times" if total.scratch else ""
    return f"{shown_bytes(total.disk)}{more}"


_ROWS = {
    "time": _time,
    "compute": lambda total: f"{shown_flops(total.flops)}FLOP" if total.flops else "0",
    "hours": _hours,
    "energy": _energy,
    "memory": _memory,
    "disk": _disk,
}


def _disturbed(plan: CommandPlan) -> Iterator[str]:
    """Other work beside which the machine's speed was measured."""
    if plan.others:
        yield (
            f"Other programs used {plan.others:.0%} of the processor when its speed was measured: it will be sooner, "
            "and is measured again when there is less to do."
        )


def _too_large(plan: CommandPlan) -> Iterator[str]:
    """Stages that the named machine has no memory for."""
    if plan.memory is None:
        return
    sizes = [max(one.cost.memory.values(), default=0) for one in plan.stages if one.cost and one.cost.memory]
    if count := sum(size > plan.memory for size in sizes):
        yield (
            f"{count} stages need more than its {shown_bytes(plan.memory)}: give fewer --tokens-per-batch, a peft "
            "method with --load-in-4bit, or another machine."
        )


def _not_counted(total: TotalCost) -> Iterator[str]:
    """What the numbers leave out."""
    return (f"Not counted: {one}." for one in total.unknown)


def _wrapped(notes: Iterable[str]) -> Iterator[str]:
    for note in notes:
        yield from (f"  {line}" for line in textwrap.wrap(note, _WIDTH - 2, break_on_hyphens=False))
