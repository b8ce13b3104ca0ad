"""A study as one HTML file, with all scripts and data in it: it is read from the disk, and asks no network."""

from __future__ import annotations

import base64
import gzip
from dataclasses import asdict
from functools import lru_cache
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from adapterstilts.errors import CompatibilityError
from adapterstilts.printable import counted
from adapterstilts.reporting.studies.doubts import doubts
from adapterstilts.reporting.studies.page_data import page_data
from adapterstilts.reporting.studies.report import MARKS, few_shot_tables, measured
from adapterstilts.reporting.transfer_rows import SIGNIFICANT
from adapterstilts.studies.results import Claim, StudyResult

# In the order in which they build on each other.
_SCRIPTS = ("elements.js", "choices.js", "heat_map.js", "tables.js", "drawing.js", "figures.js", "panel.js", "start.js")


def check_page_libraries() -> None:
    """Raises a `CompatibilityError` where a library is lacking that pages are made with."""
    for library in ("jinja2", "plotly"):
        if find_spec(library) is None:
            raise CompatibilityError(f"{library} is not installed.", remedy="pip install 'adapterstilts[report]'.")


def study_page(result: StudyResult, folder: Path) -> str:
    """The page.

    Args:
        folder: Where it will be: links to runs begin there.
    """
    from jinja2 import Environment, StrictUndefined
    from plotly.offline import get_plotlyjs_version

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.policies["json.dumps_kwargs"] = {"sort_keys": False}  # orders of axes and languages mean something
    return environment.from_string(_text("page.html")).render(
        result=result,
        claims=_claims(result),
        doubts=doubts(result),
        few_shots=list(few_shot_tables(result)),
        significant=SIGNIFICANT,
        style=_text("page.css"),
        script="\n".join(map(_text, _SCRIPTS)),
        library=_packed_library(),
        library_version=get_plotlyjs_version(),
        data=page_data(result, folder),
    )


def _text(name: str) -> str:
    return (files(__package__) / "web" / name).read_text(encoding="utf-8")


@lru_cache(maxsize=1)
def _packed_library() -> str:
    """plotly.js as the Python package brings it, compressed to a third; the page unpacks it."""
    from plotly.offline import get_plotlyjs

    return base64.b64encode(gzip.compress(get_plotlyjs().encode(), mtime=0)).decode()


def _claims(result: StudyResult) -> list[dict[str, Any]]:
    """Claims with how they are shown: the verdict's mark, and where its interval is on the scale of all in points."""
    widest = max((_reach(claim) for claim in result.claims), default=0.0) or 1.0
    found = []
    for claim in result.claims:
        mark, _, verdict = MARKS[claim.verdict].partition(" ")
        shown = {
            **asdict(claim),
            "mark": mark,
            "counted": counted(claim.cells, "cell") if claim.cells else "",
            "verdict": verdict,
            "measured": measured(claim).replace("-", "−") if claim.value else measured(claim),
            "bar": None,
        }
        if _reach(claim):
            value = claim.value
            assert value is not None
            ends = (value.low, value.mean, value.high)
            shown["bar"] = [50 + 48 * (value.mean if end is None else end) / widest for end in ends]
        found.append(shown)
    return found


def _reach(claim: Claim) -> float:
    """How far from 0 its interval goes; 0 where it is not in points."""
    if claim.value is None or claim.unit != "points":
        return 0.0
    ends = (claim.value.low, claim.value.mean, claim.value.high)
    return max(abs(end) for end in ends if end is not None)
