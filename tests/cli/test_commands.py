"""Every command, found by discovery: help, late imports, errors without tracebacks."""

from __future__ import annotations

import inspect
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

import adapterstilts
from adapterstilts.cli.main import astilts, main
from tests.hub_server import hub_environment
from tests.package_tasks import task_names

ASTILTS = [sys.executable, "-m", "adapterstilts"]
HEAVY = (
    "torch", "transformers", "adapters", "peft", "datasets", "evaluate", "scipy", "rich", "numpy", "faiss",
)  # fmt: skip


def commands(group: click.Command = astilts, path: tuple[str, ...] = ()) -> dict[tuple[str, ...], click.Command]:
    found = {path: group}
    if isinstance(group, click.Group):
        context = click.Context(group)
        for name in group.list_commands(context):
            command = group.get_command(context, name)
            assert command is not None
            found |= commands(command, (*path, name))
    return found


COMMANDS = commands()


def run(*words: str, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*ASTILTS, *words], capture_output=True, text=True, check=False, **options)


def test_all_commands_are_found() -> None:
    assert {" ".join(path) for path in COMMANDS} == {
        "", "train-intermediate", "train-language", "transfer", "score", "export", "run", "runs", "runs list",
        "runs show", "runs verify", "runs clean", "runs remove", "runs export", "runs import", "runs publish",
        "tasks", "tasks about", "tasks list", "tasks show", "tasks card", "tasks new", "methods", "translate", "doctor",
        "push",
        "pull", "info", "search", "verify", "predict", "serve", "export-model",
        "recommend", "compare", "study", "study list", "study plan", "study run", "study status", "study report",
    }  # fmt: skip


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_command_and_option_has_help(path: tuple[str, ...]) -> None:
    command = COMMANDS[path]
    assert command.help and command.help.strip().split("\n")[0].endswith((".", "one."))
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, parameter.name


@pytest.mark.slow(but=10)
@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_help_imports_nothing_heavy(path: tuple[str, ...]) -> None:
    heavy = HEAVY if path else (*HEAVY, "pydantic")  # flags are made of fields, a list of commands is not
    code = (
        "import sys\nfrom adapterstilts.cli import main\n"
        "try: main(sys.argv[1:])\n"
        f"finally: print('HEAVY', [name for name in {heavy!r} if name in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code, *path, "--help"], capture_output=True, text=True, check=False)
    assert result.returncode == 0 and "Usage: astilts" in result.stdout
    assert result.stdout.rstrip().endswith("HEAVY []")


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="torch brings other threads")
@pytest.mark.parametrize(
    ("environment", "turns"),
    [({}, "30000"), ({"GOMP_SPINCOUNT": "7"}, "7"), ({"OMP_WAIT_POLICY": "ACTIVE"}, "30000000000")],
)
def test_threads_that_wait_do_not_hold_a_core_for_long(environment: dict[str, str], turns: str) -> None:
    code = "from adapterstilts.__main__ import main\ntry: main(['--version'])\nfinally: import torch"
    told = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | environment | {"OMP_DISPLAY_ENV": "VERBOSE"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert told.returncode == 0
    assert f"GOMP_SPINCOUNT = '{turns}'" in told.stderr


def test_the_list_of_commands_has_the_first_line_of_their_help() -> None:
    shown = " ".join(run("--help").stdout.split())
    for path, command in COMMANDS.items():
        if len(path) == 1:
            assert command.help is not None
            assert f"{path[0]} {command.help.partition(chr(10))[0]}" in shown


FUNCTIONS = {
    "train-intermediate": {"separately", "json_", "save_config", "plan", "on", "format", "only", "json_lines"},
    "train-language": {"json_", "save_config"},
    "recommend": {"json_", "save_config", "format", "wide"},
    "transfer": {"json_", "save_config", "plan", "on", "format", "wide", "only", "json_lines"},
    "compare": {"json_", "save_config", "plan", "on", "format", "wide", "only", "json_lines", "out"},
    "translate": {"json_", "save_config"},
    "methods": {"json_", "save_config", "format", "wide"},
    "doctor": {"json_", "save_config", "store"},
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_flags_are_the_keywords_of_the_function(name: str) -> None:
    flags = {parameter.name: parameter for parameter in COMMANDS[(name,)].params}
    keywords = dict(inspect.signature(getattr(adapterstilts, name.replace("-", "_"))).parameters)
    assert keywords.pop("reporter", None) or name in ("methods", "doctor")
    assert flags.keys() - keywords.keys() == FUNCTIONS[name] and keywords.keys() <= flags.keys()
    for keyword in keywords.values():
        flag = flags[keyword.name]
        assert flag.required == (keyword.default is keyword.empty), keyword.name
        if isinstance(flag, click.Option) and keyword.default not in (None, False, True, (), keyword.empty):
            shown = ",".join(keyword.default) if isinstance(keyword.default, tuple) else keyword.default
            assert flag.help is not None and f"default: {shown}]" in flag.help


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_help_fits_into_80_columns(path: tuple[str, ...]) -> None:
    result = CliRunner().invoke(astilts, [*path, "--help"], terminal_width=80)
    flags = result.output.partition("Examples:")[2].partition("\n\n")[2] or result.output
    assert result.exit_code == 0 and max(map(len, flags.splitlines())) <= 80


def test_help_of_a_command_has_a_heading_for_each_group() -> None:
    lines = run("transfer", "--help").stdout.splitlines()
    headings = [line.rstrip(":").partition(" (")[0] for line in lines if line[:1].isalpha() and line.endswith(":")]
    assert headings == [
        "Tasks", "Model", "Method", "Shared models", "Data", "Own data", "Translations", "Training", "Hyperparameters",
        "Language adapters", "Evaluation", "Few shots", "Baselines", "Cluster", "Run",
    ]  # fmt: skip
    flags = [line.split()[0] for line in lines if line.startswith("  -")]
    assert flags[0] == "--from" and flags[-1] == "-h," and len(flags) > 50


WRONG_USE = {
    "transfr": "Unknown command 'transfr'. Did you mean 'transfer'",
    "train-intermediate": "Missing argument 'TASK|FILE...'",
    "train-intermediate sqad": "Unknown task 'sqad'. Did you mean 'squad'",
    "train-intermediate squad --epoch 1": "Did you mean '--epochs'",
    "train-intermediate squad --profile mimi": "Unknown profile 'mimi'. Did you mean 'mini'",
    "train-intermediate squad --profile mini --method seq_nb": "Unknown method 'seq_nb'. Did you mean 'seq_bn'",
    "train-intermediate squad --profile mini --method seq_bn[reduction=2]": "Did you mean 'reduction_factor'",
    "train-intermediate squad --profile mini --epochs -1": "Error: --epochs: Input should be greater than 0",
    "train-intermediate squad --profile mini --stride 95": "skips tokens",
    "train-intermediate squad --profile mini --seed -1": "--seed: Input should be greater than or equal to 0 (given",
    "train-intermediate squad --profile mini --method seq_bn[reduction_factor=-8]": "=-8 is out of range",
    "train-intermediate squad --backbone=": "--backbone is empty",
    "train-intermediate squad --profile mini --tokens-per-batch 0": "--tokens-per-batch: Input should be greater",
    "train-intermediate squad --profile mini --device warp": "--device warp cannot be used",
    "train-intermediate squad --precision fp8": "is not one of 'auto', 'fp32', 'bf16'",
    "train-intermediate squad --backbone ./absent": "--backbone ./absent is not a folder",
    "train-intermediate mlqa": "is not a task for the intermediate phase",
    "train-intermediate squad --data-dir ./absent": "--data-dir absent is not a folder",
    "train-intermediate squad mnli --sampling unifrom": "'unifrom' is not one of",
    "train-intermediate squad mnli --sampling weights --weights squad=2,mnli=x": "--weights.mnli: Input should be a",
    "train-intermediate squad mnli --sampling weights --weights squad": "--weights: It is not of the form NAME=VALUE",
    "train-intermediate squad mnli --separately --sampling uniform": "no meaning for tasks that are trained separately",
    "transfer --from squad+sqad --to mlqa": "Unknown task 'sqad'. Did you mean 'squad'",
    "transfer --from squad+mnli --to mlqa --profile mini": "astilts train-intermediate squad mnli --profile mini",
    "transfer --from squad": "Missing option '--to'",
    "transfer --from squad, --to mlqa": "--from: A name is empty (given: 'squad,')",
    "transfer --from none --to mlqa,mlqa --profile mini": "The target 'mlqa' is given twice",
    "transfer --from none --to mlqa --languages en,dd --profile mini": "Unknown language 'dd'",
    "transfer --from none --to mlqa --languages en,ru --profile mini": "mlqa in the mini source has no Russian (ru)",
    "transfer --from squad --to mlqa --profile mini --method full": "Train it first: astilts train-intermediate squad",
    "transfer --from none --to mlqa --profile mini --composition stak": "Unknown composition 'stak'",
    "transfer --from none --to mlqa --format mermaid": "--format mermaid has no meaning without --plan",
    "transfer --from none --to mlqa --plan --format mermaid --json": "--format mermaid and --json do not go together",
    "train-intermediate squad --on h100": "--on h100 has no meaning without --plan",
    "transfer --from none --to mlqa --profile mini --plan --on h10": "Unknown machine 'h10'. Did you mean 'h100'",
    "train-intermediate squad --plan --format svg": "'svg' is not one of 'text', 'mermaid'",
    "runs show zzz": "No run 'zzz'",
    "tasks show sqad": "Did you mean 'squad'",
    "tasks show SQuAD": "Did you mean 'squad'",
}


@pytest.mark.parametrize("words", WRONG_USE)
def test_wrong_use_is_exit_code_2_and_one_clear_message(
    words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as end:  # the console script's own function: a process for each would take minutes
        main(words.split())
    shown = capsys.readouterr()
    assert end.value.code == 2, shown.err
    assert WRONG_USE[words] in shown.err
    assert "Traceback" not in shown.err and shown.out == ""
    assert not (tmp_path / "astilts-runs").exists()


def test_an_adapter_without_weights_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["methods", "--backbone", "mini", "--method", "seq_bn[leave_out=0-3]"])
    assert end.value.code == 1
    assert "has no weights in mini, all of whose layers it leaves out" in capsys.readouterr().err


def test_bad_data_is_exit_code_1(quick: dict[str, Any], tmp_path: Path) -> None:
    data = tmp_path / "data/squad"
    data.mkdir(parents=True)
    (data / "train-v1.1.json").write_text('{"data": [')
    words = ("train-intermediate", "squad", "--backbone", quick["backbone"], "--data-dir", str(tmp_path / "data"))
    result = run(*words, "--max-length", "128", "--stride", "32", cwd=tmp_path)
    assert result.returncode == 1
    assert "train-v1.1.json: line 1, column 11: not JSON" in result.stderr and "Traceback" not in result.stderr
    debugged = run("tasks", "show", "sqad", "--debug")
    assert debugged.returncode == 1 and "Traceback" in debugged.stderr


@pytest.mark.slow
@pytest.mark.parametrize("words", [("train-intermediate", "squad"), ("methods",)])
def test_hub_out_of_reach_is_one_line_with_two_remedies(tmp_path: Path, words: tuple[str, ...]) -> None:
    result = run(*words, cwd=tmp_path, env=hub_environment(None, tmp_path))
    assert result.returncode == 1 and not result.stdout
    (line,) = result.stderr.strip().splitlines()
    assert "FacebookAI/xlm-roberta-large" in line and "--profile mini" in line
    assert "--data-dir" in line and "--backbone" in line


@pytest.mark.slow
def test_hub_data_out_of_reach_likewise(tmp_path: Path, tiny_backbone: Path) -> None:
    words = ("train-intermediate", "squad", "--backbone", str(tiny_backbone), "--max-length", "128", "--stride", "16")
    result = run(*words, cwd=tmp_path, env=hub_environment(None, tmp_path))
    assert result.returncode == 1
    assert "the data set rajpurkar/squad" in result.stderr and "--data-dir and --backbone" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.slow
def test_tasks_are_listed_and_shown() -> None:
    listed = run("tasks", "--wide").stdout
    assert "MLQA" in listed and "en, ar, de, es, hi, vi, zh" in listed
    assert tuple(task["name"] for task in json.loads(run("tasks", "--json").stdout)) == task_names()
    shown = run("tasks", "show", "squad").stdout
    assert "7b6d24c440a36b6815f21b70d25016731768db1f" in shown and "CC-BY-SA-4.0" in shown
    assert json.loads(run("tasks", "show", "squad", "--json").stdout)["kind"] == "span_qa"
    card = run("tasks", "card", "squad").stdout
    assert "# SQuAD v1.1" in card and "astilts train-intermediate squad" in card


def test_version() -> None:
    assert run("--version").stdout == f"astilts, version {adapterstilts.__version__}\n"


def test_ctrl_c_while_libraries_are_imported_is_one_line() -> None:
    code = (
        "import os, signal, sys\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "sys.addaudithook(lambda event, told: os.kill(os.getpid(), signal.SIGINT) "
        "if event == 'import' and told[0] == 'click' else None)\n"
        "from adapterstilts.__main__ import main\nmain(['runs'])\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (130, "Error: Interrupted before anything was begun.\n")
