"""Files of a user's, and `astilts tasks new` on them."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest
import yaml

from adapterstilts.cli.main import main

HEADLINES = ["headline", "text", "topic"]


def write(name: str, text: str) -> str:
    path = Path("data") / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return str(path)


def write_table(name: str, header: list[str], rows: list[list[Any]]) -> str:
    path = Path("data") / name
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    return str(path)


def news(topics: list[str]) -> list[list[Any]]:
    return [[f"Headline number {n}", f"Text {n}, which is longer", topic] for n, topic in enumerate(topics)]


def new(name: str, kind: str, *words: str) -> dict[str, Any]:
    """Makes the task in `mine` and gives what its file says."""
    main(["tasks", "new", name, "--kind", kind, "--out", "mine", *words])
    return yaml.safe_load(Path(f"mine/{name}/task.yaml").read_text(encoding="utf-8"))


def fails(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    with pytest.raises(SystemExit) as end:
        main(["tasks", "new", *words])
    code = end.value.code
    assert isinstance(code, int)
    return code, capsys.readouterr().err
