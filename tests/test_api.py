"""The Python functions: what they tell an editor, a type checker and a reader, and what they refuse."""

from __future__ import annotations

import inspect
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import adapterstilts
from adapterstilts.cli.train_intermediate import train_intermediate
from adapterstilts.commands.options import IntermediateOptions, TransferOptions
from adapterstilts.declared import declared_by
from adapterstilts.errors import UsageError
from adapterstilts.stages.reporter import Silent

ROOT = Path(__file__).resolve().parents[1]


FUNCTIONS = (
    "compare", "doctor", "export_model", "load", "methods", "plan", "predict", "recommend", "study",
    "train_intermediate", "train_language", "train_separately", "transfer", "translate",
)  # fmt: skip


class Notes(Silent):
    def __init__(self) -> None:
        self.noted: list[str] = []

    def note(self, message: str) -> None:
        self.noted.append(message)


def test_completion_lists_the_public_names() -> None:
    names = dir(adapterstilts)
    assert set(FUNCTIONS) <= set(names) and set(names) == {*adapterstilts.__all__, "__version__"}
    assert all(getattr(adapterstilts, name) for name in names)


def test_a_signature_has_every_keyword_with_type_and_default() -> None:
    found = inspect.signature(adapterstilts.transfer)
    assert list(found.parameters)[:3] == ["from_", "to", "reporter"]
    shown = str(found)
    names = "str | PathLike[str] | Sequence[str | PathLike[str]]"
    assert f"(from_: {names}, to: {names}, *, reporter: Reporter | None = None," in shown
    for text in (
        "profile: str = 'paper'", "seeds: int | None = None", "epochs: float | None = None", "baseline: bool = True",
        "split: Literal['test', 'validation'] | None = None", "store: str | PathLike[str] = 'astilts-runs'",
        "language_adapter: str | Mapping[str, str | PathLike[str]] | None = None", "layer: int | str | None = None",
    ):  # fmt: skip
        assert f" {text}," in shown
    assert shown.endswith("-> TransferResult")
    assert len(found.parameters) == 3 + len(declared_by(TransferOptions))


@pytest.mark.parametrize("name", [name for name in FUNCTIONS if name != "plan"])
def test_documentation_has_a_line_for_every_keyword(name: str) -> None:
    function = getattr(adapterstilts, name)
    lines = (inspect.getdoc(function) or "").splitlines()
    listed = [line.split(":")[0].strip() for line in lines[lines.index("Args:") + 1 :] if line.startswith("    ")]
    for parameter in inspect.signature(function).parameters:
        assert parameter in listed
    assert lines[0].endswith(".") and "Raises:" in lines


def test_help_does_not_import_torch() -> None:
    code = "import sys, adapterstilts; help(adapterstilts.transfer); print({'torch', 'numpy'} & set(sys.modules))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT).stdout
    assert "Passes over the training features." in shown and shown.splitlines()[-1] == "set()"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([None], "names is missing. Give it: Intermediate tasks"),
        ([3], "names: Input should be a valid tuple"),
        (["squad,"], "names: A name is empty"),
        ([[]], "No task is given"),
        (["squad", {"epoch": 1}], "Unknown option 'epoch'. Did you mean 'epochs'"),
        (["squad", {"epochs": 0}], "epochs: Input should be greater than 0 (given: 0)."),
    ],
)
def test_wrong_arguments_are_named_as_in_python(given: list[Any], message: str) -> None:
    keywords = given.pop() if isinstance(given[-1], dict) else {}
    with pytest.raises(UsageError) as error:
        adapterstilts.train_intermediate(*given, **keywords)
    assert str(error.value).startswith(message)


def test_arguments_are_bound_as_those_of_any_function() -> None:
    with pytest.raises(TypeError, match=r"transfer\(\) got multiple values for to"):
        adapterstilts.transfer("squad", "mlqa", to="xquad")
    with pytest.raises(TypeError, match=r"transfer\(\) takes 2 positional arguments but 3 were given"):
        adapterstilts.transfer("squad", "mlqa", "xquad")


def test_only_commands_that_train_targets_or_tasks_have_a_plan() -> None:
    with pytest.raises(UsageError, match=r"doctor has no plan.*train_separately, transfer, compare, study"):
        adapterstilts.plan(adapterstilts.doctor)
    with pytest.raises(UsageError, match="Unknown option 'epoch'"):
        adapterstilts.plan(adapterstilts.transfer, "squad", "mlqa", epoch=1)


def test_a_script_finds_the_runs_of_the_command_line(
    quick: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ASTILTS_STORE", str(quick.pop("store")))
    flags = [part for name, value in quick.items() for part in (f"--{name.replace('_', '-')}", str(value))]
    shown = CliRunner().invoke(train_intermediate, ["squad", *flags, "--json"], catch_exceptions=False).stdout
    notes = Notes()
    found = adapterstilts.train_intermediate("squad", **quick, reporter=notes)
    assert str(found.folder) == json.loads(shown)["folder"]
    assert notes.noted == [f"{found.folder.name}: already in the store"]


def test_the_stub_has_the_fields_of_today() -> None:
    command = [sys.executable, str(ROOT / "scripts/build_stub"), "--check"]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr


@pytest.mark.slow
def test_a_type_checker_knows_the_keywords(tmp_path: Path) -> None:
    pytest.importorskip("mypy")
    script = tmp_path / "script.py"
    script.write_text(
        "import adapterstilts\n"
        'adapterstilts.transfer("squad", "mlqa", epoch=3)\n'
        'adapterstilts.transfer("squad", ["mlqa"], epochs=3, split="dev")\n'
        'adapterstilts.plan(adapterstilts.train_intermediate, "squad", seeds=3)\n'
        'reveal_type(adapterstilts.transfer("squad", ["mlqa"], epochs=3, store="runs").rows)\n'
    )
    command = [sys.executable, "-m", "mypy", "--config-file", str(ROOT / "pyproject.toml"), str(script)]
    environment = {"MYPYPATH": str(ROOT), "PATH": "", "MYPY_CACHE_DIR": str(ROOT / ".mypy_cache")}
    result = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, env=environment)
    errors = [line.partition("script.py:")[2] for line in result.stdout.splitlines() if "script.py:" in line]
    assert [error.split(":")[0] for error in errors if ": error:" in error] == ["2", "3", "4"], result.stdout
    assert 'Unexpected keyword argument "epoch" for "transfer"' in errors[0]
    assert "list[adapterstilts.commands.results.TransferRow]" in errors[-1]


def test_intermediate_keywords_are_those_of_each_way_to_train() -> None:
    together, apart = (
        inspect.signature(getattr(adapterstilts, name)) for name in ("train_intermediate", "train_separately")
    )
    assert together.parameters == apart.parameters
    assert len(together.parameters) == 2 + len(declared_by(IntermediateOptions))
