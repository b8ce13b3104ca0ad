"""A small study from its file to its result, and again from the store."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path

import pytest

from adapterstilts.errors import AstiltsError
from adapterstilts.languages import zero_shot_languages
from adapterstilts.reporting.studies import study_report
from adapterstilts.stages.reporter import Silent
from adapterstilts.studies.definition import read_study
from adapterstilts.studies.grid import plan_grid
from adapterstilts.studies.results import StudyResult
from adapterstilts.studies.run import plan_study, study_result
from adapterstilts.studies.work import StudyWork
from tests.studies.made import SMALL

Small = tuple[StudyWork, StudyResult]


def test_every_cell_is_there_with_its_gain(small: Small) -> None:
    _, result = small
    by = {
        tuple(cell.axes[axis] for axis in ("method", "composition", "to", "from", "baseline")): cell
        for cell in result.cells
    }
    assert len(by) == len(result.cells)
    for name in ("squad", "mnli"):
        cell = by["seq_bn[reduction_factor=4]", "stack", "tatoeba", name, "none"]
        base = by["seq_bn[reduction_factor=4]", "stack", "tatoeba", "none", "none"]
        assert cell.gain and cell.gain.mean == pytest.approx(score(cell) - score(base), abs=1e-9)
        assert base.gain is None and cell.gain.p_holm is not None and cell.gain.p_holm >= (cell.gain.p or 0)
    assert any(cell.axes["baseline"] == "longer-target" and cell.axes["to"] == "xnli" for cell in result.cells)
    assert not any(cell.axes["baseline"] == "longer-target" and cell.axes["to"] == "tatoeba" for cell in result.cells)


def test_a_longer_target_phase_is_a_row_of_the_table(small: Small) -> None:
    _, result = small
    table = next(study_report(result).sheets())
    cell = next(one for one in result.cells if one.axes["baseline"] == "longer-target")
    assert [row[0] for row in table.rows] == ["none", "squad", "mnli", "longer-target"] and cell.gain
    assert table.rows[-1][1].startswith(f"{score(cell):.1f} {cell.gain.mean:+.1f}") and not table.rows[-1][2]


def test_runs_of_one_task_that_are_named_by_key_are_cells_of_their_own(small: Small) -> None:
    """Under the task's name, a table would show the one in the place of the other."""
    store = small[0].store
    runs = [run for run in store.runs() if run.spec.stage == "train-intermediate" and run.spec.task == "squad"]
    named = [f"squad@{run.short_key}" for run in runs if run.training.method.name == "seq_bn"]
    assert len(named) == 2  # one of them the untrained baseline
    text = f"title: T\nquestion: Q\naxes: {{from: {named}, to: [xnli], baseline: [full]}}\noptions: {{profile: mini}}"
    (arm,) = plan_grid(read_study(text, name="own", where="own"), {"store": store.root}).arms
    cells = [tuple(axes[axis] for axis in ("from", "to", "baseline")) for axes, _ in arm.cells()]
    assert len(set(cells)) == len(cells) == 6 and {name for name, *_ in cells} >= {"none", *named}


def score(cell) -> float:  # type: ignore[no-untyped-def]
    """The task score in languages other than English."""
    return float(cell.row.zero_shot["accuracy"])


def test_what_cannot_be_is_said(small: Small) -> None:
    _, result = small
    assert any(one.startswith("bitfit with stack") for one in result.left_out)
    assert any(
        one.startswith("untrained with bitfit: it needs intermediate runs that are adapters") for one in result.left_out
    )


def test_nothing_is_trained_twice(small: Small) -> None:
    work, result = small
    keys = [stage.key for stage in work.graph]
    assert len(set(keys)) == len(keys) and result.trainings < result.naive
    made = [path for path in work.store.root.glob("train-*") if path.is_dir()]
    assert len(made) == result.trainings


def test_claims_have_values_and_verdicts(small: Small) -> None:
    _, result = small
    claims = {claim.text: claim for claim in result.claims}
    assert claims["No difference"].verdict == "supported"  # a margin of 100 points holds everything
    assert claims["No difference"].measure.endswith(", within 100 points of 0")
    assert claims["Nothing"].value is None and "no cell" in claims["Nothing"].why
    assert claims["Nothing"].verdict == "no evidence"
    gain = claims["A gain"].value
    cells = [
        cell for cell in result.cells if cell.axes["to"] == "tatoeba" and cell.gain and cell.axes["baseline"] == "none"
    ]
    assert gain and gain.mean == pytest.approx(sum(cell.gain.mean for cell in cells if cell.gain) / len(cells))
    slope = claims["It grows"].value
    means = {name: sum(mean_gain(result, name, to) for to in ("xnli", "tatoeba")) / 2 for name in ("squad", "mnli")}
    # Two points: the slope is the difference by the difference of the logarithms of 10 and 1000.
    assert slope and slope.mean == pytest.approx((means["mnli"] - means["squad"]) / (math.log10(1000) - math.log10(10)))
    for text in result.reading.split("Supported:")[1:]:
        assert "95% interval" in text
    assert "With one seed" in result.reading


def mean_gain(result: StudyResult, name: str, to: str) -> float:
    """Over all arms."""
    wanted = {"from": name, "to": to, "baseline": "none"}
    found = [
        c.gain.mean for c in result.cells if c.gain and all(c.axes[axis] == value for axis, value in wanted.items())
    ]
    return sum(found) / len(found)


def test_statistics_beside_the_cells(small: Small) -> None:
    _, result = small
    families = {one.name: one for one in result.groups if one.sort == "family"}
    assert "Indo-European" in families and set(families["Indo-European"].languages) <= {"de", "es", "ru"}
    assert {one.name for one in result.groups if one.sort == "language"} == {"de", "es", "ru", "sw", "zh"}
    scripts = {one.name: set(one.languages) for one in result.groups if one.sort == "script"}
    assert scripts["Cyrl"] == {"ru"} or scripts.get("Cyrillic") == {"ru"}
    assert {one.axes["method"] for one in result.efficiency} == {"seq_bn[reduction_factor=4]", "bitfit"}
    assert all(one.parameters > 0 and one.seconds > 0 and one.flops > 0 for one in result.efficiency)
    for one in result.efficiency:
        own = [c.axes for c in result.cells if c.gain and c.axes["method"] == one.axes["method"]]
        assert set(one.cells) == {(axes["from"], axes["to"]) for axes in own if axes["baseline"] == "none"}
    assert {one.axes["to"] for one in result.agreement} == {"xnli"}
    for one in result.agreement:
        assert set(one.languages) == set(zero_shot_languages(one.languages)) and 0 <= one.share <= 100


def test_stages_were_estimated_before_they_ran(small: Small) -> None:
    _, result = small
    made = [one for one in result.stages if one.measured]
    assert made and all(one.estimated.get("disk_bytes") and one.measured["disk_bytes"] for one in made)


def test_the_store_answers_without_torch_and_to_the_digit(small: Small, tmp_path: Path) -> None:
    work, result = small
    file = tmp_path / "small.yaml"
    file.write_text(SMALL)
    words = [sys.executable, "-X", "importtime", "-m", "adapterstilts", "study", "run", str(file), "--json"]
    done = subprocess.run([*words, "--store", str(work.store.root)], capture_output=True, text=True, check=True)
    again = json.loads(done.stdout)
    assert again["reading"] == result.reading and len(again["cells"]) == len(result.cells)
    assert [one["gain"] and one["gain"]["low"] for one in again["cells"]] == [
        one.gain.low if one.gain else None for one in result.cells
    ]
    assert " torch" not in done.stderr.replace(" torch_", "")


def test_one_stage_alone(tmp_path: Path) -> None:
    text = SMALL.replace("bitfit]", "]").replace("bitfit}", "seq_bn}").partition("claims:")[0]
    work = plan_study(read_study(text, name="small", where="SMALL"), {"store": tmp_path})
    stage = next(one for one in work.graph if one.trains and not one.needs and one.run is None)
    assert work.make(stage.key[:12], Silent()).key == stage.key
    assert [path.name for path in tmp_path.glob("train-*")] == [stage.name]
    states = {one.state for one in work.status()}
    assert states == {"in the store", "waiting"}
    with pytest.raises(AstiltsError, match="stages of the study are not in the store"):
        study_result(work)
