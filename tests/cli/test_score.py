"""`astilts score` on small folders."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from adapterstilts.cli.score import score
from adapterstilts.errors import DataError
from adapterstilts.metrics.submission import write_answers, write_gold_answers


@pytest.fixture
def folders(tmp_path: Path) -> list[str]:
    for language, mine in (("en", "red car"), ("de", "blue car")):
        for part in ("predictions", "labels"):
            (tmp_path / part / "xquad").mkdir(parents=True, exist_ok=True)
        write_answers({"q": mine}, tmp_path / f"predictions/xquad/test-{language}.json")
        write_gold_answers({"q": ["red car", "bus"]}, tmp_path / f"labels/xquad/test-{language}.json")
    return [str(tmp_path / "predictions"), str(tmp_path / "labels")]


def run(*words: str) -> str:
    result = CliRunner().invoke(score, list(words), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_tables(folders: list[str]) -> None:
    lines = [line.split() for line in run(*folders).splitlines()]
    assert ["xquad", "test", "2", "of", "2", "EM", "50.0", "·", "F1", "75.0", "62.5"] in lines
    assert ["mean", "of", "1", "task", "62.5"] in lines
    assert "of no benchmark: --benchmark xtreme or xtreme-r" in run(*folders)
    assert ["XQuAD,", "test", "split", "en", "de"] in lines
    assert ["exact_match", "100.0", "0.0"] in lines and ["f1", "100.0", "50.0"] in lines


def test_benchmark_marks_parts_and_lists_what_is_missing(folders: list[str]) -> None:
    output = run(*folders, "--benchmark", "xtreme")
    assert "2 of 11" in output and "62.5*" in output
    assert "Missing for a complete submission to xtreme" in output
    assert "  xquad: ar, el, es, hi, ru, th, tr, vi, zh\n" in output
    assert "  mlqa: en, ar, de, es, hi, vi, zh (no predictions for this task)\n" in output


def test_json(folders: list[str]) -> None:
    scores = json.loads(run(*folders, "--json", "--benchmark", "xtreme-r"))
    (task,) = scores["tasks"]
    assert task["languages"] == {"en": {"exact_match": 100.0, "f1": 100.0}, "de": {"exact_match": 0.0, "f1": 50.0}}
    assert scores["overall"] == {"score": 62.5, "complete": False, "tasks": ["xquad"]}
    assert scores["benchmark"] == "xtreme-r" and "tydiqa" in scores["missing"]


def test_errors_reach_the_command(folders: list[str]) -> None:
    (Path(folders[0]) / "xquad/test-de.json").write_text('{"q": "x"')
    with pytest.raises(DataError, match="test-de.json, line 1, column 10: not JSON"):
        CliRunner().invoke(score, folders, catch_exceptions=False)


def test_unknown_benchmark_is_wrong_use(folders: list[str]) -> None:
    result = CliRunner().invoke(score, [*folders, "--benchmark", "glue"])
    assert result.exit_code == 2 and "'xtreme', 'xtreme-r'" in result.output
