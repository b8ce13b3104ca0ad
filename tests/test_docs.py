"""Pages in `docs/` that show what the program prints."""

from __future__ import annotations

import re
from pathlib import Path

import adapterstilts
from adapterstilts.reporting.plan import plan_mermaid

DOCS = Path(__file__).resolve().parents[1] / "docs"


def without_keys(text: str) -> str:
    """Keys as numbers in the order in which they appear: they depend on the libraries' versions."""
    keys = list(dict.fromkeys(re.findall(r"\bs[0-9a-f]{12}\b", text)))
    for number, key in enumerate(keys):
        text = text.replace(key, f"stage-{number}")
    return text


def test_the_picture_of_a_graph_is_what_the_command_prints(tmp_path: Path) -> None:
    page = (DOCS / "architecture.md").read_text(encoding="utf-8")
    (picture,) = re.findall(r"^```mermaid\n(.*?)\n^```", page, flags=re.MULTILINE | re.DOTALL)
    plan = adapterstilts.plan(
        adapterstilts.transfer,
        ["squad", "mnli"],
        "mlqa",
        compare=("full", "multi-task"),
        profile="mini",
        store=tmp_path,
    )
    assert without_keys(picture) == without_keys(plan_mermaid(plan))


def test_the_rooms_are_those_of_the_package() -> None:
    page = (DOCS / "architecture.md").read_text(encoding="utf-8")
    rooms = {path.name for path in Path(adapterstilts.__file__).parent.iterdir() if (path / "__init__.py").is_file()}
    assert {f"`{room}/`" for room in rooms} <= set(re.findall(r"`\w+/`", page))
