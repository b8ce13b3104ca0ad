"""What was answered, in a few lines."""

from __future__ import annotations

from adapterstilts.commands.predict import Predictions
from adapterstilts.printable import counted


def predictions_text(result: Predictions) -> str:
    """Where the answers are, and what was left out."""
    before = f", {result.before:,} of them by an earlier process" if result.before else ""
    lines = [f"{result.out}: {counted(result.rows, 'row')} answered by {result.model}{before}"]
    lines += [f"  left out: {counted(count, 'row')} ({reason})" for reason, count in result.left_out.items()]
    return "\n".join([*lines, f"  probabilities: {result.calibration}"])
