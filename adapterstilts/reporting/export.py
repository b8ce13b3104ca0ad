"""What was exported, as text for a terminal."""

from __future__ import annotations

from adapterstilts.commands.export import Export


def export_summary(result: Export, benchmark: str) -> str:
    """A line for each task, for what is missing or left out, and for where it is."""
    return "\n".join(
        [
            *(f"{task}: {len(codes)} languages ({', '.join(codes)})" for task, codes in result.files.items()),
            *(f"left out, not of {benchmark}: {task} {', '.join(codes)}" for task, codes in result.outside.items()),
            *(f"missing: {task} {', '.join(codes)}" for task, codes in result.missing.items()),
            *(f"note: {note}" for note in result.notes),
            f"wrote {result.folder}",
        ]
    )
