"""One stage of a command alone, and what happens as JSON lines."""

from __future__ import annotations

import json
from typing import Any

from click.testing import CliRunner

from adapterstilts.cli.main import astilts
from adapterstilts.errors import UsageError
from adapterstilts.runs.store import RunStore


def test_one_stage_is_made_alone_and_told_as_json(suite: dict[str, Any]) -> None:
    given = [word for name, value in suite.items() for word in (f"--{name.replace('_', '-')}", str(value))]
    words = ["train-intermediate", "squad", "ccg", "--separately", *given, "--json"]
    planned = json.loads(CliRunner().invoke(astilts, [*words, "--plan"]).stdout)["stages"]
    key = next(one["key"] for one in planned if one["label"] == "ccg")
    alone = json.loads(CliRunner().invoke(astilts, [*words, "--plan", "--only", key]).stdout)["stages"]
    assert [one["key"] for one in alone] == [key]
    made = CliRunner().invoke(astilts, [*words, "--only", key, "--json-lines"])
    (run,) = RunStore(suite["store"]).runs()
    assert json.loads(made.stdout) == {"key": key, "folder": str(run.folder)} and run.short_key == key
    events = [json.loads(line) for line in made.stderr.splitlines()]
    assert [one["event"] for one in events if one["event"] != "progress"] == [
        "planned", "started", "finished", "ended",
    ]  # fmt: skip
    steps = [one for one in events if one["event"] == "progress"]
    assert steps[-1]["step"] == steps[-1]["steps"] and steps[-1]["stage"] == run.folder.name
    wrong = CliRunner().invoke(astilts, [*words, "--only", "zz"]).exception
    assert isinstance(wrong, UsageError) and "'zz' is none of the 2 stages" in str(wrong)
