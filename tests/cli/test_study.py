"""`astilts study` and `astilts compare`: what they print, and what they refuse."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from huggingface_hub.utils import reset_sessions

from adapterstilts.cli.main import astilts
from adapterstilts.errors import AstiltsError, UsageError
from adapterstilts.studies.definition import shipped_studies
from adapterstilts.studies.results import StudyResult
from adapterstilts.studies.work import StudyWork
from tests.studies.made import SMALL

MINI = ("--profile", "mini")


def said(*words: str) -> str:
    done = CliRunner().invoke(astilts, [*words], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


def plan_of(*words: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(said(*words, "--json"))
    return found


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "small.yaml"
    path.write_text(SMALL)
    return str(path)


def test_studies_are_listed_with_their_questions() -> None:
    text = said("study", "list")
    assert all(name in text for name in shipped_studies()) and "intermediate" in text


@pytest.mark.slow
def test_a_plan_counts_what_sharing_saves(tmp_path: Path) -> None:
    words = ("--from", "squad,mnli", "--to", "xnli,tatoeba", *MINI, "--store", str(tmp_path))
    plan = plan_of("compare", *words, "--methods", "full,seq_bn[reduction_factor=4]", "--plan")
    assert plan["to_train"] + plan["saved"] == plan["naive"] and plan["saved"] > plan["naive"] / 4
    assert plan["missing"]["seconds"] > 0 and not list(tmp_path.glob("train-*"))
    text = said("compare", *words, "--plan")
    assert "that the cells of the grid take one by one" in " ".join(text.split())
    assert max(map(len, text.splitlines())) <= 80


@pytest.mark.slow
def test_a_study_is_planned_without_the_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    try:
        plan = plan_of("study", "plan", "model-size", "--size", "paper", "--store", str(tmp_path), "--on", "h100")
    finally:
        reset_sessions()  # the client keeps one that has been opened now, and would be without the Hub for good
    assert plan["to_train"] > 200 and plan["missing"]["flops"] > 1e18


def test_report_and_status_of_a_finished_study(
    small: tuple[StudyWork, StudyResult],
    file: str,
    tmp_path: Path,
) -> None:
    work, result = small
    store = ("--store", str(work.store.root))
    text = said("study", "report", file, *store, "--out", str(tmp_path / "report"))
    assert "Question: Does anything change?" in text and "squad" in text
    assert {path.name for path in (tmp_path / "report").iterdir()} >= {"report.html", "report.md", "table.tex"}
    states = json.loads(said("study", "status", file, *store, "--json"))
    assert len(states) == len(result.stages) and {one["state"] for one in states} == {"in the store"}
    assert f"{len(states)} stages: {len(states)} in the store." in said("study", "status", file, *store)
    again = json.loads(said("study", "run", file, *store, "--json"))
    assert again["reading"] == result.reading


def test_an_unfinished_study_has_no_report(file: str, tmp_path: Path) -> None:
    with pytest.raises(AstiltsError, match="stages of the study are not in the store"):
        said("study", "report", file, "--store", str(tmp_path))


def test_a_report_that_cannot_be_written_is_refused_before_anything_runs(file: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(UsageError, match=r"--out .*file/report cannot be written \("):
        said("study", "run", file, "--store", str(tmp_path / "store"), "--out", str(tmp_path / "file" / "report"))
    assert not list((tmp_path / "store").glob("train-*"))


def test_brackets_may_have_commas() -> None:
    with pytest.raises(UsageError, match="Unknown method 'seq_bm'"):
        said("compare", "--from", "none", "--to", "xnli", *MINI, "--methods", "seq_bn[reduction_factor=4,x=1],seq_bm")
