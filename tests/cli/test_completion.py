"""What a shell is told when a user presses the tabulator."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import adapterstilts


def completed(line: str, **environment: str) -> list[str]:
    variables = {"_ASTILTS_COMPLETE": "bash_complete", "COMP_WORDS": line, "COMP_CWORD": str(line.count(" "))}
    result = subprocess.run(
        [sys.executable, "-c", "from adapterstilts.cli import main; main()"],
        env=os.environ | variables | environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return [entry.partition(",")[2] for entry in result.stdout.splitlines()]


@pytest.mark.slow(but=2)
@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("astilts tra", ["train-intermediate", "train-language", "transfer", "translate"]),
        ("astilts transfer --to xq", ["xquad"]),
        ("astilts transfer --to mlqa,xn", ["mlqa,xnli"]),
        ("astilts transfer --languages en,s", ["en,sw"]),
        ("astilts transfer --method peft:lo", ["peft:loha", "peft:lokr", "peft:lora"]),
        ("astilts train-intermediate squ", ["squad", "squad_v2"]),
        ("astilts transfer --match s", ["steps"]),
        ("astilts doctor --backbone mini-d", ["mini-dense-active", "mini-dense-total"]),
    ],
)
def test_names_are_completed(line: str, expected: list[str]) -> None:
    assert completed(line) == expected


def test_runs_are_those_of_the_store(quick: dict[str, Any], tmp_path: Path) -> None:
    run = adapterstilts.train_intermediate("squad", **quick)
    label = f"squad@{run.key[:12]}"
    assert label in completed("astilts predict squ", ASTILTS_STORE=str(quick["store"]))
    # What is no run may be a folder.
    assert completed("astilts predict squad@", ASTILTS_STORE=str(tmp_path)) == ["squad@"]
