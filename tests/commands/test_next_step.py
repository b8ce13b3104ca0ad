"""The command that is printed after a training works as it stands."""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path
from typing import Any

import pytest

import adapterstilts
from adapterstilts.cli import main
from adapterstilts.reporting.train_intermediate import training_summary


def printed(result: Any) -> str:
    (line,) = (line for line in training_summary(result).splitlines() if line.startswith("  next  "))
    return line.split(maxsplit=1)[1]


def run(line: str, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    monkeypatch.chdir(folder)
    program, *words = shlex.split(line)
    assert program == "astilts"
    main(words)


@pytest.mark.slow
def test_the_next_command_of_an_intermediate_run_works_as_printed(
    trained: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    store = shutil.copytree(trained["store"], tmp_path / "a store")
    result = adapterstilts.train_intermediate("squad", **{**trained, "store": store})
    line = printed(result)
    assert line == result.next
    for word in (f"--from squad@{result.key[:12]}", "--profile mini", f"--backbone {trained['backbone']}", "'"):
        assert word in line
    run(f"{line} --max-train-examples 16 --epochs 1 --max-eval-examples 8 --seeds 1", monkeypatch, tmp_path)
    assert f"squad@{result.key[:12]}" in capsys.readouterr().out


def test_with_release_files_it_names_the_languages_that_are_there(
    quick: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    result = adapterstilts.train_intermediate("squad", max_train_examples=16, **quick)
    line = printed(result)
    assert f"--data-dir {quick['data_dir']}" in line and "--languages en,de" in line and "--max-length 96" in line
    run(f"{line} --max-train-examples 16 --epochs 1 --max-eval-examples 8 --seeds 1", monkeypatch, tmp_path)
    assert f"squad@{result.key[:12]}" in capsys.readouterr().out


@pytest.mark.slow
def test_a_language_adapter_leads_to_the_english_one_and_then_to_a_target(
    suite: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    suite |= {"max_train_examples": 8, "learning_rate": 1e-3}
    german = adapterstilts.train_language("de", **suite)
    assert printed(german).startswith("astilts train-language en --profile mini")
    run(f"{printed(german)} --max-train-examples 8 --epochs 1", monkeypatch, tmp_path)
    again = adapterstilts.train_language("de", **suite)
    assert "--language-adapters --from none" in printed(again) and "--languages en,de" in printed(again)
    run(f"{printed(again)} --max-train-examples 16 --epochs 1 --max-eval-examples 8 --seeds 1", monkeypatch, tmp_path)


def test_of_ones_own_data_it_shows_the_run(
    tmp_path: Path, suite: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    table = tmp_path / "news.csv"
    table.write_text("text,label\n" + "".join(f"word {n} {'good' if n % 2 else 'bad'},{n % 2}\n" for n in range(40)))
    result = adapterstilts.train_intermediate(str(table), **suite)
    assert printed(result).startswith(f"astilts runs show {result.key[:12]} --store")
    run(printed(result), monkeypatch, tmp_path)
