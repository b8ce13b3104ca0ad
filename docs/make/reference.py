"""Pages about the public names of the package: every function, and every class that one of them returns."""

from __future__ import annotations

import adapterstilts
from adapterstilts import _EXPORTS, api, errors

# What results are made of, beside the classes that have a public name.
_PARTS = (
    "commands.results.TransferRow", "commands.results.SeedScores", "commands.results.TaskResult",
    "commands.results.Cost", "commands.table.contrasts.Contrast", "metrics.intervals.Interval",
)  # fmt: skip
_FUNCTIONS = """# Functions

Each command is a function of `adapterstilts`. Its keywords are the command's flags; everything but a few first
arguments is given by name. What they return is in [Results](results.md), and what they raise is
[below](#adapterstilts.errors.AstiltsError).
"""
_RESULTS = """# Results

What the functions return, and `--json` prints with the same names. Scores are in percent.
"""


def pages() -> dict[str, str]:
    """Name to text."""
    functions = [name for name in adapterstilts.__all__ if _EXPORTS[name] == api.__name__]
    others = [name for name in adapterstilts.__all__ if name not in functions and _EXPORTS[name] != errors.__name__]
    classes = [f"{_EXPORTS[name]}.{name}" for name in others]
    raised = [
        f"{errors.__name__}.{one.__name__}" for one in (errors.AstiltsError, *errors.AstiltsError.__subclasses__())
    ]
    parts = [f"adapterstilts.{name}" for name in _PARTS]
    return {
        "functions": _page(_FUNCTIONS, [f"adapterstilts.{name}" for name in functions] + raised),
        "results": _page(_RESULTS, [*classes, *parts]),
    }


def _page(head: str, names: list[str]) -> str:
    return "\n".join([head, *(f"::: {name}\n" for name in names)])
