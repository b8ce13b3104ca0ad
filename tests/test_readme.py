"""The README's own commands and code, run as a new user would run them, and the effect that the mini suite is for."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import adapterstilts
from tests import processes
from tests.pages import DOCS, PAGES, ROOT, blocks, script

README = ROOT / "README.md"
FIRST = script("readme_blocks").commands(blocks(README, "console")[0])


def run(line: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """What a command of a page does, in a process of its own."""
    done = processes.run_line(line, folder)
    assert done
    return done


def typed(line: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """The same from a shell."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    return subprocess.run(line, shell=True, cwd=folder, capture_output=True, text=True, check=False, env=environment)


@pytest.fixture(scope="module")
def used(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """A folder in which the README's first block has been run, and what its last command printed."""
    folder = tmp_path_factory.mktemp("user")
    output = ""
    for line in FIRST:
        result = typed(line, folder)
        assert result.returncode == 0, result.stderr
        output = result.stdout
    yield folder, output


@pytest.fixture(scope="module")
def rows(used: tuple[Path, str]) -> list[dict[str, Any]]:
    """The rows of the README's transfer, asked for again."""
    result = run("astilts transfer --from squad --to mlqa --profile mini --json", used[0])
    assert result.returncode == 0 and result.stderr.count("already in the store") == 4
    return json.loads(result.stdout)["rows"]


def test_first_commands_are_the_two_of_the_main_job() -> None:
    assert FIRST == [
        "astilts train-intermediate squad --profile mini",
        "astilts transfer --from squad --to mlqa --profile mini",
    ]


@pytest.mark.slow
def test_shown_output_has_the_form_of_the_real_one(used: tuple[Path, str]) -> None:
    """Same titles, columns and rows; the numbers of another machine may differ in their last digits."""
    make = script("readme_blocks")

    def forked(line: str, folder: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
        return processes.run_line(line, folder, environment) or make.in_shell(line, folder, environment)

    shown = [page for page in PAGES if blocks(page, "console")]
    assert shown[0] == README and len(shown) >= 4
    for page in shown:
        text = page.read_text(encoding="utf-8")
        place = make.place_of(page, text, used[0]) if make.TITLE.search(text) else used[0]
        assert make.form(make.with_output(text, place, run=forked)) == make.form(text), page.name


def test_a_table_of_another_form_is_told_from_one_with_other_numbers() -> None:
    form = script("readme_blocks").form
    block = "```console\n$ astilts runs\n run   score\n ───────────\n squad@0123456789ab   12.5\n```\n"
    assert form(block) == form(block.replace("12.5", "9.75").replace("0123456789ab", "ba9876543210"))
    assert form(block) != form(block.replace("score", "F1")) and form(block) != form(block.replace("squad", "mnli"))
    assert form(block) != form("")
    speed = "```console\n$ astilts train-intermediate squad\n  speed  9 tokens/s, {} the rate of products\n```\n"
    assert form(speed.format("23% of")) == form(speed.format("above")) != form(speed.format("below"))


def test_a_command_of_a_page_that_fails_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="Unknown task 'mlqq'"):
        script("readme_blocks").with_output("```console\n$ astilts transfer --from none --to mlqq\n```\n", tmp_path)


def test_it_is_short_and_says_what_each_command_needs() -> None:
    text = README.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 150
    lines = [line for block in blocks(README, "bash")[1:] for line in block.splitlines()]
    assert len(lines) >= 10 and all(re.search(r"  # (mini|Hub)", line) for line in lines)
    assert all("mini" in re.split("  # ", line)[1] for line in lines if "--profile mini" in line)


@pytest.mark.slow
def test_score_gives_the_numbers_that_transfer_printed(used: tuple[Path, str], rows: list[dict[str, Any]]) -> None:
    folder, languages = rows[1]["folder"], rows[1]["languages"]
    scored = run(f"astilts score {folder}/predictions {folder}/labels --json", used[0])
    assert scored.returncode == 0, scored.stderr
    (task,) = json.loads(scored.stdout)["tasks"]
    assert set(task["languages"]) == set(languages)
    for language, metrics in task["languages"].items():
        assert metrics == {name: pytest.approx(languages[language][name], abs=1e-9) for name in metrics}


@pytest.mark.slow
def test_python_example_runs_and_finds_the_same_runs(
    used: tuple[Path, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(used[0])
    (code,) = blocks(DOCS / "python.md", "python")
    names: dict[str, Any] = {}
    exec(compile(code, "python.md", "exec"), names)
    assert len(list((used[0] / "astilts-runs").glob("train-*"))) == 3  # nothing was trained again
    assert isinstance(names["result"], adapterstilts.TransferResult)
    assert "none" in capsys.readouterr().out


@pytest.mark.slow
def test_runs_are_listed_and_shown(used: tuple[Path, str]) -> None:
    listed = run("astilts runs", used[0])
    assert listed.returncode == 0 and listed.stdout.count("train-target") == 2
    keys = json.loads(run("astilts runs --json", used[0]).stdout)
    assert len(keys) == 5
    shown = run(f"astilts runs show {keys[0]['key'][:8]} --json", used[0])
    content = json.loads(shown.stdout)
    assert content["spec"]["stage"] == "train-intermediate" and content["spec"]["seed"] == 42
    assert content["provenance"]["versions"]["torch"] and content["provenance"]["hardware"]["cores"]
    assert content["metrics"]["parameters"]["trained"] > 0
    assert "train_seconds" in run(f"astilts runs show {keys[0]['key'][:8]}", used[0]).stdout


@pytest.mark.slow
def test_intermediate_task_helps_on_the_mini_suite(used: tuple[Path, str]) -> None:
    """With every seed of the target phase, though by how much can differ a lot."""
    seeds = "--seeds 3 --intermediate-seeds 1"
    result = run(f"astilts transfer --from squad --to mlqa --profile mini {seeds} --json", used[0])
    assert result.returncode == 0 and result.stderr.count("already in the store") == 4
    none, squad = json.loads(result.stdout)["rows"]
    assert none["intermediate"] == "none" and list(none["languages"]) == ["en", "de", "es", "zh"]
    assert 25 < none["zero_shot"]["f1"] < 70
    for mine, theirs in zip(squad["seeds"], none["seeds"], strict=True):
        assert mine["seed"] == theirs["seed"] and mine["zero_shot"]["f1"] > theirs["zero_shot"]["f1"]
    assert squad["difference"]["f1"]["mean"] > 3
    assert squad["parameters"]["trained"] < 0.1 * squad["parameters"]["total"]


@pytest.mark.slow
def test_what_was_trained_is_shared_used_again_and_verified(used: tuple[Path, str], tmp_path: Path) -> None:
    """The commands of docs/sharing.md that need no Hub; who uses the model has a store of their own.

    One notebook transfers from a model like this one.
    """
    lines = [
        line.partition("  #")[0].strip() for block in blocks(DOCS / "sharing.md", "bash") for line in block.splitlines()
    ]
    shared = [line for line in lines if "./adapters" in line]
    assert [line.split()[1] for line in shared] == ["push", "search", "info", "transfer", "verify"]
    place = used[0] / "adapters"
    for line in (one for one in shared if " transfer " not in one):
        line = line.replace("./adapters", str(place)) + (
            "" if " search " in line or " push " in line else f" --store {tmp_path}"
        )
        result = run(line, used[0])
        assert result.returncode == 0, (line, result.stderr)
        assert "squad" in result.stdout
    assert f"{place}#squad: agrees" in result.stdout or "agrees." in result.stdout
    # Whoever pushes it again changes nothing.
    assert run(f"astilts push squad --to {place}", used[0]).stdout.startswith("Nothing to do")
