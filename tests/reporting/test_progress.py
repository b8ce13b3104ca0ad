"""What a waiting user reads where no terminal is watched."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys

import pytest

from adapterstilts.reporting.progress import Terminal


def test_one_stage_after_another_has_its_own_line_and_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    terminal = Terminal()
    terminal.trained("first", 1, 10, {"loss": 2.0})
    terminal.trained("first", 10, 10, {"eval_score": 50.0})
    terminal.trained("second", 1, 20, {"loss": 3.0})
    assert capsys.readouterr().err.splitlines() == ["first: 10 steps", "second: 20 steps"]
    terminal._last -= 60
    terminal._begun -= 60
    terminal.trained("second", 2, 20, {})
    terminal._last -= 60
    terminal.trained("third", 1, 5, {})
    terminal._last -= 60
    terminal.trained("third", 5, 5, {})
    printed = capsys.readouterr().err.splitlines()
    assert re.fullmatch(r"second: step 2 of 20, loss 3, about \d+ s left", printed[0])
    assert printed[-1] == "third: step 5 of 5"
    assert terminal._values == {} and terminal._first == 0


def test_a_stage_that_goes_on_before_what_was_seen_of_it_has_a_time_that_is_left(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A command that is repeated sees a job of Slurm at step 100, whose node is lost before the next checkpoint."""
    terminal = Terminal()
    terminal.trained("stage", 100, 200, {})
    for step in (99, 120):
        terminal._last -= 60
        terminal._begun -= 60
        terminal.trained("stage", step, 200, {})
    *_, back, on = capsys.readouterr().err.splitlines()
    assert back == "stage: step 99 of 200"
    assert re.fullmatch(r"stage: step 120 of 200, about 2\d\d s left", on)


_LEVELS = """
from adapterstilts.reporting.progress import quiet_libraries
quiet_libraries()
import json, logging
import accelerate, adapters, datasets, huggingface_hub, transformers
names = ("accelerate", "adapters", "datasets", "huggingface_hub", "transformers")
print(json.dumps([name for name in names if logging.getLogger(name).isEnabledFor(logging.WARNING)]))
"""


@pytest.mark.slow
@pytest.mark.parametrize("loud", [{}, {"HF_HUB_VERBOSITY": "info"}])
def test_libraries_that_are_imported_later_are_quiet_unless_the_environment_asks(loud: dict[str, str]) -> None:
    quiet = {name: value for name, value in os.environ.items() if not name.endswith("_VERBOSITY")}
    told = subprocess.run([sys.executable, "-c", _LEVELS], env=quiet | loud, capture_output=True, text=True, check=True)
    assert json.loads(told.stdout) == ["huggingface_hub"] * len(loud) and told.stderr == ""


_WAITING = """
from adapterstilts.reporting.progress import quiet_libraries
quiet_libraries()
from huggingface_hub.utils import http_backoff
for _ in range(2):
    try:
        http_backoff("HEAD", "http://127.0.0.1:9/", max_retries=2, base_wait_time=0.01)
    except OSError:
        pass
"""


@pytest.mark.parametrize("loud", [{}, {"HF_HUB_VERBOSITY": "warning"}])
def test_that_the_hub_is_asked_again_is_said_once(loud: dict[str, str]) -> None:
    quiet = {name: value for name, value in os.environ.items() if not name.endswith("_VERBOSITY")}
    told = subprocess.run(
        [sys.executable, "-c", _WAITING], env=quiet | loud, capture_output=True, text=True, check=True
    )
    assert told.stderr.count("does not answer, and is asked again") == (0 if loud else 1)
    assert told.stderr.count("Retrying in") == (4 if loud else 0)
    assert loud or told.stderr.count("\n") == 1
