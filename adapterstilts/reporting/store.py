"""What was found in a run store, deleted or carried, as text for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from adapterstilts.commands.runs import Cleaned, Published, Removed, RunVerification
from adapterstilts.reporting.sheets import Notes, Report, Sheet, columns, plain_sheet
from adapterstilts.runs.archive import Archive
from adapterstilts.runs.file_system import FileSystemReport
from adapterstilts.runs.full_disk import size

_WIDTH = 14


def verification_report(found: Sequence[RunVerification]) -> Report:
    """A line for each run, and what is wrong below."""
    rows = [[one.name, one.state, size(one.bytes)] for one in found]
    problems = [f"{problem}." for one in found for problem in one.problems]
    sheet = Sheet("", columns("run", "state", "size", right=("size",)), rows)
    values = ([one.name, one.state, one.bytes, " ".join(one.problems)] for one in found)
    data = plain_sheet(("run", "state", "bytes", "problems"), values)
    return Report([sheet, *([Notes(problems)] if problems else [])] if rows else [Notes(["No run is there."])], data)


def cleaned_report(result: Cleaned) -> Report:
    """What was found, with sizes, and their sum."""
    data = plain_sheet(("what", "name", "bytes"), ([one.sort, one.path.name, one.bytes] for one in result.leftovers))
    if not result.leftovers:
        return Report([Notes(["Nothing is left over."])], data)
    rows = [[one.sort, one.path.name, size(one.bytes)] for one in result.leftovers]
    sheet = Sheet("", columns("what", "name", "size", right=("size",)), rows)
    done = "deleted" if result.deleted else "would be deleted"
    return Report([sheet, Notes([f"{size(result.bytes)} in {len(rows)} places {done}."])], data)


def removed_text(result: Removed) -> str:
    """A line for each run, and their size."""
    return "\n".join([*(f"removed {name}" for name in result.runs), f"{size(result.bytes)} are free again"])


def archive_text(result: Archive, done: str) -> str:
    """A line for each run, and the file."""
    told = [f"{name}{' (there already)' if name in result.there else ''}" for name in result.runs]
    runs = "run" if len(told) == 1 else "runs"
    return "\n".join([*told, f"{done} {result.file}: {len(told)} {runs}, {size(result.bytes)}"])


def published_text(result: Published) -> str:
    """How many runs were copied, and how many were there."""
    copied = len(result.runs) - len(result.there)
    there = f"; {len(result.there)} there already" if result.there else ""
    runs = "run" if copied == 1 else "runs"
    return f"{copied} {runs} copied to {result.to}, {size(result.bytes)}{there}"


def file_system_text(report: FileSystemReport) -> str:
    """What a file system can do, one ability a line, and what follows."""
    lines = [f"{'store':{_WIDTH}}{report.store}", f"{'free':{_WIDTH}}{size(report.free)}"]
    for one in report.abilities:
        lines.append(f"{one.name:{_WIDTH}}{'yes' if one.able else 'no'}: {one.text}")
    verdict = "A store can be here." if report.usable else "No store can be written here."
    return "\n".join([*lines, verdict]) + "\n"
