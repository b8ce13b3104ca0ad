"""What `--json` has of few shots."""

from __future__ import annotations

import json
import re
from pathlib import Path

import adapterstilts
from adapterstilts.commands.results import to_json
from adapterstilts.reporting.studies.page import study_page
from adapterstilts.reporting.studies.report import study_report
from adapterstilts.reporting.terminal import as_text
from adapterstilts.runs.store import RunStore
from tests.commands.conftest import FEW, FewShots


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


def test_the_report_of_a_grid_has_them_too(few_shots: FewShots, tmp_path: Path) -> None:
    store = RunStore(few_shots.options["store"])
    before = {run.key for run in store.runs()}
    (squad,) = (run for run in store.runs() if run.folder.name.startswith("train-intermediate"))
    result = adapterstilts.compare(f"squad@{squad.key[:12]}", "mlqa", **FEW, **few_shots.options)
    assert {run.key for run in store.runs()} == before
    # Two targets, and two sizes of two draws from each. One by one, the second takes squad and the first besides.
    assert (result.trainings, result.naive) == (10, 12)
    text = as_text(study_report(result))
    assert "from zero to few shots: test split" in text
    for row in few_shots.result.few_shots:
        (same,) = (
            one.row.scores
            for one in result.few_shots
            if (one.row.shots, one.row.intermediate.partition("@")[0])
            == (row.shots, row.intermediate.partition("@")[0])
        )
        assert same == row.scores
    for shown in ("3", "6"):
        assert re.search(rf"^ +{shown} +2 +\d", text, re.MULTILINE)
    page = study_page(result, tmp_path)
    (section,) = re.findall(r'<section id="few-shots">.*?</section>', page, re.DOTALL)
    found = re.findall(r'<td class="number">([36])</td><td class="number">2</td>', section)
    assert found == ["3", "6"] * len(result.cells) and ", from zero to few shots: test split" in section
