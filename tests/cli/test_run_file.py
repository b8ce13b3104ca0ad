"""Commands as files: what is written means what was given, and what is read is checked as the command line is."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import click
import pytest
import yaml

from adapterstilts.cli.main import astilts
from adapterstilts.cli.run_file import read_commands
from adapterstilts.errors import UsageError


def run(*words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "adapterstilts", *words], cwd=folder, capture_output=True, text=True, check=False
    )


def words(folder: Path, text: str) -> list[list[str]]:
    path = folder / "experiment.yaml"
    path.write_text(text, encoding="utf-8")
    assert isinstance(astilts, click.Group)
    return read_commands(path, astilts)


@pytest.mark.slow
def test_a_command_that_was_written_is_the_same_command(tmp_path: Path) -> None:
    given = ("transfer", "--from", "squad,mnli", "--to", "mlqa", "--profile", "mini", "--seeds", "2", "--no-baseline",
             "--method", "seq_bn[reduction_factor=8]", "--from", "none", "--plan", "--json")  # fmt: skip
    first = run(*given, "--save-config", "a.yaml", folder=tmp_path)
    assert first.returncode == 0, first.stderr
    assert yaml.safe_load((tmp_path / "a.yaml").read_text()) == {
        "command": "transfer", "from": "none", "to": "mlqa", "method": "seq_bn[reduction_factor=8]", "profile": "mini",
        "seeds": 2, "baseline": False, "plan": True, "json": True,
    }  # fmt: skip
    again = run("run", "a.yaml", folder=tmp_path)
    assert again.stdout == first.stdout and json.loads(again.stdout)["stages"]
    more = run("run", "a.yaml", "--seeds", "1", folder=tmp_path)
    assert 0 < len(json.loads(more.stdout)["stages"]) < len(json.loads(first.stdout)["stages"])
    refused = run(*given, "--save-config", "a.yaml", folder=tmp_path)
    assert refused.returncode == 2 and "--save-config a.yaml is there" in refused.stderr


def test_values_become_what_a_user_would_type(tmp_path: Path) -> None:
    assert words(
        tmp_path,
        "command: transfer\nfrom: [squad, mnli]\nto: mlqa\nlearning_rate: 1e-4\nseeds: 3\nselect: true\nforce: false\n"
        "baseline: false\ntasks: [a, b]\ntest: {de: x.csv, fr: y.csv}\nmethod: null\n---\n"
        "command: tasks show\ntask: squad\n",
    ) == [
        ["transfer", "--from=squad,mnli", "--to=mlqa", "--learning-rate=1e-4", "--seeds=3", "--select", "--no-baseline",
         "--tasks=a", "--tasks=b", "--test=de=x.csv,fr=y.csv"],
        ["tasks", "show", "--", "squad"],
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("form: squad", "names no command"),
        ("- a", "names no command"),
        ("command: transfr", "Unknown command 'transfr'. Did you mean 'transfer'"),
        ("command: tasks shw", "Unknown command 'tasks shw'"),
        ("command: transfer\nform: squad", "Unknown option 'form'. Did you mean"),
        ("command: transfer\nselect: 3", "select: '3' is neither true nor false"),
        ("command: [", "is no YAML: line 1, column 11"),
        ("command: runs\n---\nx: 1", "document 2 names no command"),
        ("", "is empty"),
        ("command:", "names no command"),
        ("command: ' '", "names no command"),
        ("command: runs\nstore: a\nstore: b", "line 3, column 1: 'store' is there twice"),
        ("command: run\nfile: experiment.yaml", "a file runs no other file"),
        ("command: runs\nstore: &x [*x]", "is no YAML"),
    ],
)
def test_what_is_wrong_in_a_file_is_named(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UsageError) as raised:
        words(tmp_path, text)
    assert message in str(raised.value) and "experiment.yaml" in str(raised.value)


def test_values_stay_as_they_are_written(tmp_path: Path) -> None:
    text = "command: transfer\nfrom: [no]\nto: 012345\nbackbone: 2024-01-01\nselect: yes\nplan: off\n---\n"
    assert words(tmp_path, text) == [["transfer", "--from=no", "--to=012345", "--backbone=2024-01-01", "--select"]]


def test_what_stands_between_quotation_marks_is_a_value(tmp_path: Path) -> None:
    """As `--save-config` writes a column that is called so."""
    text = "command: transfer\nlabel: 'null'\ntext: [null, '~']\nmetric: null\nkind: ~\nquestion:\n"
    assert words(tmp_path, text) == [["transfer", "--label=null", "--text=null,~"]]


def test_a_file_is_of_the_command_that_ran_with_what_its_group_was_given(tmp_path: Path) -> None:
    for number, given in enumerate((["--store", "s", "list", "--save-config"], ["--store", "s", "--save-config"])):
        name = f"{number}.yaml"
        assert run("runs", *given, name, *(["list"] if number else []), folder=tmp_path).returncode == 0
        assert yaml.safe_load((tmp_path / name).read_text()) == {"command": "runs list", "store": "s"}
    assert run("tasks", "--format", "csv", "--save-config", "t.yaml", folder=tmp_path).returncode == 0
    assert yaml.safe_load((tmp_path / "t.yaml").read_text()) == {"command": "tasks", "format": "csv"}
    wrong = run("methods", "--backbone", "mini", "--method", "bad", "--save-config", "m.yaml", folder=tmp_path)
    assert wrong.returncode == 2 and not (tmp_path / "m.yaml").exists()


@pytest.mark.slow
def test_commands_run_one_after_the_other_until_one_fails(tmp_path: Path) -> None:
    (tmp_path / "all.yaml").write_text("command: methods\nbackbone: mini\nmethod: full\nformat: csv\n---\n"
                                       "command: transfer\nto: nothing\nfrom: none\nprofile: mini\n---\n"
                                       "command: tasks\n")  # fmt: skip
    result = run("run", "all.yaml", folder=tmp_path)
    assert result.returncode == 2 and "Unknown task 'nothing'" in result.stderr
    assert result.stdout.startswith("method,library") and "MLQA" not in result.stdout
