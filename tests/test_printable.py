"""Text of others on a terminal: signs that steer it are shown."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

import adapterstilts.cli
from adapterstilts.cli.main import astilts, main
from adapterstilts.printable import printable, printable_message


def test_control_characters_are_shown_and_everything_else_stays() -> None:
    assert printable("\x1b[2Jgone\x07\r\x9b31m\x7f\0") == r"\u001b[2Jgone\u0007\u000d\u009b31m\u007f\u0000"
    assert printable("a\tb\nä 中 ع ‏ │") == "a\tb\nä 中 ع ‏ │"
    assert printable("\ud800") == r"\ud800"


def test_json_says_the_same_afterwards() -> None:
    value = {"label": "\x1b[31m\x9b\x7f ok\n"}
    shown = printable(json.dumps(value, ensure_ascii=False))
    assert "\x9b" not in shown and json.loads(shown) == value


def test_long_words_of_messages_are_cut() -> None:
    text = printable_message(f"--seeds {'9' * 5000} is no number, and /a/b is a path")
    assert len(text) < 300 and text.endswith("… is no number, and /a/b is a path")


def test_commands_print_by_one_function() -> None:
    """Other ways are for what is raw on purpose: answers to another program, and what `say` itself is made of."""
    folder = Path(adapterstilts.cli.__file__).parent
    raw = {path.name for path in folder.glob("*.py") if "click.echo" in path.read_text(encoding="utf-8")}
    assert raw == {"output.py", "main.py", "predict.py"}


def test_a_recipe_cannot_clear_the_screen(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from tests.package_tasks import recipe

    values = json.loads(recipe("squad").model_dump_json(exclude_defaults=True))
    folder = tmp_path / "mine"
    folder.mkdir()
    values |= {"name": "mine", "title": "\x1b[2JSQuAD\x9b31m"}
    (folder / "task.yaml").write_text(json.dumps(values))
    shown = CliRunner().invoke(astilts, ["tasks", "--tasks", str(tmp_path), "mine"]).output
    assert "SQuAD" in shown and "\x1b" not in shown and "\x9b" not in shown and r"\u001b[2J" in shown
    (folder / "task.yaml").write_text(json.dumps({**values, "kind": "\x1b[2J" + "x" * 5000}))
    with pytest.raises(SystemExit):
        main(["tasks", "--tasks", str(tmp_path), "mine"])
    said = capsys.readouterr().err
    assert r"\x1b[2J" in said and "\x1b[2J" not in said and len(said) < 2000
