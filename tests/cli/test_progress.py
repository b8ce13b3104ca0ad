"""What a waiting user reads where no terminal is watched."""

from __future__ import annotations

import pytest

from adapterstilts.cli.progress import Terminal


def test_one_stage_after_another_has_its_own_line_and_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    terminal = Terminal()
    terminal.trained("first", 1, 10, {"loss": 2.0})
    terminal.trained("first", 10, 10, {"eval_score": 50.0})
    terminal.trained("second", 1, 20, {"loss": 3.0})
    assert capsys.readouterr().err.splitlines() == ["first: 10 steps", "second: 20 steps"]
    assert terminal._values == {"loss": "3"} and terminal._first == 0
