"""`astilts tasks`, `tasks show` and `tasks card`, with tasks from outside the package."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from adapterstilts.cli.main import main
from adapterstilts.tasks.catalogue import Catalogue

OUTSIDE = Path(__file__).parents[1] / "outside/examples/task"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ASTILTS_TASKS", raising=False)


def shown(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    main(["tasks", *words])
    return capsys.readouterr().out


def test_flags_before_a_task_or_command_count_for_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(capsys, "--json", "squad") == shown(capsys, "squad", "--json") != shown(capsys, "squad")
    assert shown(capsys, "--json", "show", "squad") == shown(capsys, "show", "squad", "--json")
    listed = shown(capsys, "--language", "sw", "--format", "csv", "--save-config", "a.yaml", "list")
    assert listed == shown(capsys, "--language", "sw", "--format", "csv") and "afrixnli" in listed
    assert yaml.safe_load(Path("a.yaml").read_text())["command"] == "tasks list"
    for flag, word in ((["--language", "sw"], "squad"), (["--wide"], "card"), (["--format", "csv"], "new")):
        with pytest.raises(SystemExit) as ended:
            main(["tasks", *flag, word])
        said = capsys.readouterr().err
        assert ended.value.code == 2 and f"{flag[0]} has no meaning for `astilts tasks {word}`" in said


def test_the_list_says_where_tasks_come_from(capsys: pytest.CaptureFixture[str]) -> None:
    lines = shown(capsys, "--tasks", str(OUTSIDE)).splitlines()
    assert lines[2].split() == ["task", "title", "kind", "phases", "languages", "metric", "licence", "from"]
    for name, origin in (("headlines", str(OUTSIDE)), ("squad", "adapterstilts")):
        (line,) = [line for line in lines if line.split()[:1] == [name]]
        assert line.endswith(f" {origin}")
    listed = {task["name"]: task for task in json.loads(shown(capsys, "--tasks", str(OUTSIDE), "--json"))}
    assert set(listed) == {*Catalogue().names(), "headlines"}
    assert listed["headlines"]["origin"] == {"kind": "folder", "name": str(OUTSIDE)}
    assert listed["headlines"]["folder"] == str(OUTSIDE / "headlines")
    assert listed["squad"]["origin"] == {"kind": "package", "name": "adapterstilts"}


def test_the_list_is_read_in_a_terminal(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    lines = shown(capsys).splitlines()
    assert max(map(len, lines)) <= 80 and len(lines) < 100
    assert {line for line in lines if line[:1].isalpha()} == {
        "Classification and choices", "Structured prediction", "Question answering", "Retrieval", "Others",
    }  # fmt: skip
    (line,) = [line for line in lines if line.split()[:1] == ["sib200"]]
    assert line.endswith("205 languages")


def test_what_there_is_in_a_language_or_a_group(capsys: pytest.CaptureFixture[str]) -> None:
    def named(*languages: str) -> set[str]:
        given = [word for language in languages for word in ("--language", language)]
        return {task["name"] for task in json.loads(shown(capsys, *given, "--json"))}

    assert named("sw") == named("swh_Latn") == {
        "afrixnli", "belebele", "flores200", "masakhaner", "masakhapos", "mlm", "ntrex", "panx", "sib200", "tatoeba",
        "taxixnli", "tydiqa", "xcopa", "xnli", "xstorycloze",
    }  # fmt: skip
    assert named("nqo") == {"sib200"} and named("nah") == {"americasnli"}
    assert named("nqo", "nah") == {"sib200", "americasnli"}
    assert named("group:quechuan") == {"americasnli", "flores200", "mlm", "panx", "sib200", "xcopa"}
    with pytest.raises(SystemExit):
        main(["tasks", "--language", "tlh"])
    assert "No task has Klingon." in capsys.readouterr().err


def test_one_task_and_all_its_languages(capsys: pytest.CaptureFixture[str]) -> None:
    text = shown(capsys, "americasnli")
    for part in ("AmericasNLI (americasnli)", "as a target on mnli", "Americas (10): Aymara (ay), Bribri (bzd)"):
        assert part in text
    assert json.loads(shown(capsys, "sib200", "--json"))["languages"][:2] == ["en", "ace"]
    with pytest.raises(SystemExit):
        main(["tasks", "sib20"])
    assert "Unknown task 'sib20'. Did you mean 'sib200'?" in capsys.readouterr().err


def test_folders_are_given_before_or_after_the_subcommand_or_in_the_environment(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = ["--tasks", str(OUTSIDE)]
    first = shown(capsys, *folder, "show", "headlines", "--json")
    assert json.loads(first)["sources"]["files"]["values"] == {"label": {"0": "different", "1": "same"}}
    assert shown(capsys, "show", "headlines", *folder, "--json") == first
    assert json.loads(first) == yaml.safe_load(shown(capsys, "show", "headlines", *folder))
    monkeypatch.setenv("ASTILTS_TASKS", str(OUTSIDE))
    assert shown(capsys, "show", "headlines", "--json") == first


def test_cards_say_what_is_known(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "mine/headlines"
    folder.mkdir(parents=True)
    (folder / "task.yaml").write_text((OUTSIDE / "headlines/task.yaml").read_text())
    card = shown(capsys, "card", "headlines", "--tasks", "mine")
    for part in ("# Headlines", "test: `headlines/test-{language}.csv`", "2 languages: English (en), German (de)"):
        assert part in card
    for part in ("None", "license", "licence", "homepage", "bibtex", "embedded suite", "Hub"):
        assert part not in card
    assert shown(capsys, "card", "headlines", "--tasks", "mine", "--write") == f"wrote {folder}/README.md\n"
    assert (folder / "README.md").read_text() + "\n" == card
