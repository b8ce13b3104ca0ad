"""A study on a terminal: the answer, the claims, one table for each arm, and what it took."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from adapterstilts.commands.table.few_shot_results import FewShotRow
from adapterstilts.metrics.intervals import Interval
from adapterstilts.printable import counted
from adapterstilts.reporting.few_shots import few_shot_parts
from adapterstilts.reporting.numbers import shown_digits, shown_megabytes, shown_seconds
from adapterstilts.reporting.sheets import Column, Notes, Report, Sheet, columns, plain_sheet
from adapterstilts.reporting.studies.arms import FROM, NONE, TO, Arm, arms, language_notes, scored, significant
from adapterstilts.reporting.studies.doubts import doubts
from adapterstilts.reporting.studies.records import study_records
from adapterstilts.reporting.transfer_rows import SIGNIFICANT
from adapterstilts.studies.axes import short_names
from adapterstilts.studies.results import Cell, Claim, StudyResult

SHARES = "(1 of 2): the mean is over so many of the targets alone, and not to be compared with those over all."
MARKS = {"supported": "✓ supported", "contradicted": "✗ contradicted", "no evidence": "○ no evidence"}
"""A verdict as it is shown: with a sign, for those who see no colours."""


def study_report(result: StudyResult) -> Report:
    """Question and reading first, then tables, claims, costs, and what is not there."""
    parts: list[Sheet | Notes] = [Notes([f"Question: {result.question}", result.reading])]
    parts += [_table(result, arm) for arm in arms(result)]
    parts.append(Notes([*_legend(result), *doubts(result)]))
    parts += few_shot_tables(result)
    if result.claims:
        parts += [_claims(result), Notes(list(_claim_notes(result)))]
    if result.efficiency:
        parts.append(_efficiency(result))
    parts.append(Notes(list(_costs(result))))
    return Report(parts, data=_data(result))


def shown_interval(one: Interval | None, unit: str = "") -> str:
    """A gain with its sign and interval; empty where there is none."""
    if one is None:
        return ""
    ends = "" if one.low is None or one.high is None else f" [{one.low:+.1f}, {one.high:+.1f}]"
    return f"{one.mean:+.1f}{ends}" + (f" {unit}" if unit else "")


def _data(result: StudyResult) -> Sheet:
    records = study_records(result)
    names = list(records[0]) if records else ["cell"]
    return plain_sheet(names, (list(record.values()) for record in records))


def _table(result: StudyResult, arm: Arm) -> Sheet:
    targets = arm.targets
    shown = [Column(name, right=True, block="targets") for name in targets]
    rows = []
    short = short_names(result.axes.get(FROM, ()))
    for source in arm.sources:
        gains = [_shown(arm.cells.get((source, target))) for target in targets]
        rows.append([short.get(source, source), *gains, _mean(arm, source)])
    named = f"{result.title}: {arm.name}" if arm.name else result.title
    return Sheet(named, [Column("from"), *shown, Column("mean Δ", right=True)], rows)


def _mean(arm: Arm, source: str) -> str:
    mean = arm.mean_gain(source)
    return "" if mean is None else f"{mean:+.1f} {arm.share(source)}".rstrip()


def few_shot_tables(result: StudyResult) -> Iterator[Sheet | Notes]:
    """From zero to few shots: tables for each target and language, and for each combination of the other axes."""
    shared = {FROM, TO} | {axis for axis, values in result.axes.items() if len(values) == 1}
    ways: dict[tuple[str, str], list[FewShotRow]] = {}
    for cell in result.few_shots:
        name = "; ".join(f"{axis} {value}" for axis, value in cell.axes.items() if axis not in shared)
        ways.setdefault((name, cell.row.task), []).append(cell.row)
    for (name, _), rows in ways.items():
        for part in few_shot_parts(rows):
            yield replace(part, title=f"{name}: {part.title}") if name and isinstance(part, Sheet) else part


def _shown(cell: Cell | None) -> str:
    if cell is None or (value := scored(cell)) is None:
        return ""
    if cell.gain is None:
        return f"{value:.1f}"
    return f"{value:.1f} {cell.gain.mean:+.1f}" + ("*" if significant(cell) else " ")


def _legend(result: StudyResult) -> Iterator[str]:
    tested = sum(cell.gain is not None and cell.gain.p_holm is not None for cell in result.cells)
    yield (
        "Task score in percent, mean of the languages other than English and of all seeds; then its gain over the row "
        f"`{NONE}` of the same table, in points."
    )
    if tested:
        yield f"*: p < {SIGNIFICANT:g} after Holm's correction for the {tested} gains of the study."
    if any(arm.share(source) for arm in arms(result) for source in arm.sources):
        yield SHARES
    yield from language_notes(arms(result))
    for source, shown in short_names(result.axes.get(FROM, ())).items():
        yield f"{shown}: {source.replace('+', ', ')}."
    if result.correlation:
        one = result.correlation
        ends = "" if one.low is None or one.high is None else f" [{one.low:.2f}, {one.high:.2f}]"
        yield f"Gains in English and in other languages: Spearman's rho {one.rho:.2f}{ends} over {one.cells} cells."


def _claims(result: StudyResult) -> Sheet:
    words = ("claim", "verdict", "measured", "published")
    shown = columns("no.", *words, right=["no."], wraps=words)
    rows = [
        [str(number), claim.text, MARKS[claim.verdict], measured(claim), claim.published]
        for number, claim in enumerate(result.claims, start=1)
    ]
    return Sheet("Claims", shown, rows, sections=frozenset(range(1, len(rows))))


def measured(claim: Claim) -> str:
    """What was found for a claim, or why nothing was."""
    return shown_interval(claim.value, claim.unit) or claim.why or "not measured"


def _claim_notes(result: StudyResult) -> Iterator[str]:
    for number, claim in enumerate(result.claims, start=1):
        yield f"{number}: {claim.measure}" + (f", {counted(claim.cells, 'cell')}." if claim.cells else ".")
    if sum(claim.value is not None for claim in result.claims) > 1:
        yield "An interval is about its own claim, and not adjusted for how many there are."
    for source in dict.fromkeys(claim.source for claim in result.claims if claim.source):
        yield f"Published: {source}."


def _efficiency(result: StudyResult) -> Sheet:
    names = list(dict.fromkeys(axis for one in result.efficiency for axis in one.axes))
    units = list(dict.fromkeys(unit for one in result.efficiency for unit in one.per))
    per = tuple(f"per {unit}" for unit in units)
    every = {cell for one in result.efficiency for cell in one.cells}
    differ = any(len(one.cells) < len(every) for one in result.efficiency)
    numbers = ("gain", "over", "of full", "parameters", "stored", "seconds", "kWh", *per)
    rows = [
        [
            *(one.axes.get(axis, "") for axis in names),
            shown_interval(one.gain),
            f"{len(one.cells)} of {len(every)}" if differ else "",
            f"{one.retained.mean:.0f}%" if one.retained else "",
            f"{one.parameters:,}",
            shown_megabytes(one.stored_bytes),
            f"{one.seconds:,.0f}",
            "" if one.kwh is None else shown_digits(one.kwh),
            *(shown_digits(one.per[unit], "+") if unit in one.per else "" for unit in units),
        ]
        for one in result.efficiency
    ]
    shown = columns(*names, *numbers, right=numbers, wraps=names, detail=("kWh", "stored", *per))
    filled = [place for place in range(len(shown)) if any(row[place] for row in rows)]
    rows = [[row[place] for place in filled] for row in rows]
    return Sheet("Gain for what it costs", [shown[place] for place in filled], rows)


def _costs(result: StudyResult) -> Iterator[str]:
    if result.trainings:
        share = f", in place of {result.naive:,} if every cell trained its own" if result.naive else ""
        yield f"Trainings: {result.trainings:,}{share}."
    ran = [stage.measured["seconds"] for stage in result.stages if "seconds" in stage.measured]
    if ran:
        guessed = [stage.estimated["seconds"] for stage in result.stages if {*stage.estimated} >= {"seconds"}]
        estimate = f", estimated {shown_seconds(sum(guessed))}" if len(guessed) == len(result.stages) else ""
        yield f"Stages: {len(ran):,} took {shown_seconds(sum(ran))}{estimate}."
    for stage in result.stages:
        if stage.state == "failed":
            yield f"Failed: {stage.name}: {stage.error}"
    waiting = sum(stage.state in ("waiting", "running") for stage in result.stages)
    if waiting:
        yield f"Not finished: {waiting:,} stages."
    yield from (f"Left out: {reason}" for reason in result.left_out)
