"""With what a command ends, in the form that it was asked for."""

from __future__ import annotations

import json
import signal
import time
from typing import Any

import pytest

from adapterstilts.cli.main import main
from tests.processes import Command


def fails(words: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code
    return capsys.readouterr().err


def trains(suite: dict[str, Any], *more: str) -> list[str]:
    given = [word for name, value in suite.items() for word in (f"--{name.replace('_', '-')}", str(value))]
    return ["train-intermediate", "squad", *given, *more]


def test_an_error_is_json_for_the_command_that_prints_json(
    suite: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    late, early = trains(suite, "--only", "zz"), trains(suite, "--learning-rate", "-1")
    for words in (late, early, trains(suite, "--epochs", "many")):
        (line,) = fails([*words, "--json-lines"], capsys).splitlines()
        told = json.loads(line)
        assert (told["event"], told["code"]) == ("error", 2)
        assert fails(words, capsys).endswith(f"Error: {told['message']}\n")  # the next one of the process is not


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_what_a_signal_ends_says_so_in_json_alone(suite: dict[str, Any], number: int, code: int) -> None:
    command = Command(*trains(suite, "--epochs", "500", "--json-lines"))
    until = time.monotonic() + 300
    while '"step"' not in command.stderr:
        assert time.monotonic() < until, command.stderr
        time.sleep(0.05)
    command.send_signal(number)
    assert command.wait() == code
    told = [json.loads(line) for line in command.stderr.splitlines()]
    assert (told[-1]["event"], told[-1]["code"]) == ("error", code) and "Interrupted" in told[-1]["message"]
