"""What `--json` has of few shots."""

from __future__ import annotations

import json
from pathlib import Path

from adapterstilts.commands.results import to_json
from tests.commands.conftest import FewShots


def test_json_says_language_shots_and_draws(few_shots: FewShots) -> None:
    printed = json.loads(to_json(few_shots.result))
    assert [row["intermediate"] for row in printed["rows"]] == [row.intermediate for row in few_shots.result.rows]
    found = [(row["language"], row["shots"], [one["draw"] for one in row["draws"]]) for row in printed["few_shots"]]
    assert found == 2 * [("de", 3, [1, 2]), ("de", 6, [1, 2])]
    row = printed["few_shots"][0]
    draw = row["draws"][0]
    assert draw["shots"].items() >= {"language": "de", "count": 3, "of": 200, "draw": 1, "split": "train"}.items()
    assert len(draw["shots"]["digest"]) == 64 and Path(draw["trained"]).is_dir()
    assert row["settings"] == {"learning_rate": 0.05, "epochs": 2.0, "batch_size": 8}
    assert row["difference"]["f1"].keys() >= {"mean", "low", "high"} and row["contrast"]["draws"] == 2
