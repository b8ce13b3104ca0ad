"""Facts are found out once, kept as JSON, and found out again when their file is damaged."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import adapterstilts
from adapterstilts.runs.memory import FOLDER, Memory


def test_a_fact_is_found_out_once_for_all_that_decides_it(tmp_path: Path) -> None:
    asked: list[str] = []

    def find(name: str) -> list[float]:
        asked.append(name)
        return [0.1, 1 / 3]

    memory = Memory(tmp_path / "facts")
    for name in ("a", "b", "a"):
        assert memory.recall("thing", name, find=lambda name=name: find(name)) == [0.1, 1 / 3]
    assert asked == ["a", "b"]
    for path in memory.folder.iterdir():
        path.write_text('{"fact": [0.')
    assert memory.recall("thing", "a", find=lambda: find("again")) == [0.1, 1 / 3] and asked[-1] == "again"


def test_a_fact_is_found_out_again_when_it_is_outdated(tmp_path: Path) -> None:
    memory = Memory(tmp_path)
    facts = iter((3, 2, 1))
    found = [memory.recall("thing", find=lambda: next(facts), again=lambda known: known > 2) for _ in range(3)]
    assert found == [3, 2, 2]


def test_a_folder_that_cannot_be_written_forgets(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert Memory(tmp_path / "file" / "facts").recall("thing", find=lambda: 1) == 1


def test_a_user_without_a_home_says_where(tmp_path: Path) -> None:
    """As in a container that is started under a number that no user there has."""
    words = ["setpriv", "--reuid", "54321", "--clear-groups", sys.executable, "-c"]
    told = {"PYTHONPATH": str(Path(adapterstilts.__file__).parents[1]), "PATH": os.environ["PATH"]}
    code = "from adapterstilts.runs.memory import Memory\nprint(Memory.of_user().folder)"
    try:
        subprocess.run([*words, "import adapterstilts"], env=told, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("nobody else can read the package here")
    said = subprocess.run([*words, code], env=told, capture_output=True, text=True, check=False).stderr
    assert "This user has no home folder. Set ASTILTS_CACHE to a folder for a cache." in said
    told[FOLDER] = str(tmp_path)
    assert subprocess.check_output([*words, code], env=told, text=True).strip() == str(tmp_path)
