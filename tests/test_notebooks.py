"""The notebooks run from beginning to end, and show what they show when they run."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.pages import DOCS, script

NOTEBOOKS = sorted((DOCS / "notebooks").glob("*.ipynb"))


def texts(notebook: Any) -> list[list[str]]:
    """The words of each cell's outputs, with one sign for every number and key; what is no text by its type."""
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    return [[word for one in cell.outputs for word in words(one)] for cell in cells]


def words(output: Any) -> list[str]:
    if output.output_type == "stream":
        text = output.text
    elif "image/png" in output.data:
        text = "image/png"
    elif "text/html" in output.data:
        # Said of runs that another machine has made, and so of the package's own, on some machines.
        text = re.sub(r"<li>Runs made differently.*?</li>", "", output.data["text/html"])
        text = re.sub(r"<style.*?</style>|<[^>]+>", " ", text, flags=re.DOTALL)
    else:
        text = output.data["text/plain"]
    text = re.sub(r"@?\b[0-9a-f]{12,64}\b", "KEY", text)
    return re.sub(r"[+-]?\d[\d.,e-]*", "N", text.replace("...", " ")).split()


def test_there_are_three_and_none_has_an_error_or_a_path_of_a_machine() -> None:
    assert [path.stem for path in NOTEBOOKS] == ["own-data", "share", "table"]
    for path in NOTEBOOKS:
        text = path.read_text(encoding="utf-8")
        assert '"output_type": "error"' not in text and not re.search(r"/(home|root|tmp|work|Users)/", text)


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_shows_what_it_shows_when_it_runs(path: Path, tmp_path: Path) -> None:
    nbformat = pytest.importorskip("nbformat")
    pytest.importorskip("nbclient")
    pytest.importorskip("matplotlib")
    shown = nbformat.read(path, as_version=4)
    assert all(cell.outputs or "import" in cell.source for cell in shown.cells if cell.cell_type == "code")
    assert texts(shown) == texts(script("notebooks").executed(path, tmp_path))
