"""Files that are what they were, of users that may read them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from adapterstilts.runs.content import SMALL, all_damage, entries_of, file_problem, first_damage
from adapterstilts.runs.store import RunStore
from tests.runs.published import change, publish
from tests.runs.test_specs import train_spec

AS_ANYONE = """
import sys
from pathlib import Path
from adapterstilts.errors import DataError
from adapterstilts.files import file_digest
from adapterstilts.runs.run import Run
try:
    file_digest(Path(sys.argv[1]) / "predictions/test-en.json")
except DataError as error:
    print(error)
print(Run(Path(sys.argv[1])).problem())
"""


def test_a_file_that_may_not_be_read_is_named(tmp_path: Path) -> None:
    words: list[str] = []
    if os.geteuid() == 0:  # who may read everything
        if not shutil.which("setpriv"):
            pytest.skip("root cannot be made a usual user here")
        lacking = "-dac_override,-dac_read_search"
        words = ["setpriv", f"--inh-caps={lacking}", f"--bounding-set={lacking}"]
    run = publish(RunStore(tmp_path), train_spec())
    (run.folder / "predictions/test-en.json").chmod(0)
    words += [sys.executable, "-c", AS_ANYONE, str(run.folder)]
    said = subprocess.run(words, capture_output=True, text=True, cwd=Path(__file__).parents[2])
    first, second = said.stdout.splitlines()
    assert first.endswith("test-en.json cannot be read (Permission denied). Ask its owner for it."), said.stderr
    assert second.endswith("test-en.json cannot be read (Permission denied)")


def test_large_files_are_read_where_that_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(bytes(SMALL + 1))
    (tmp_path / "small").write_bytes(b"content")
    entries = entries_of(tmp_path)
    changed = "has another content than when it was written"
    change(tmp_path / "large")
    assert first_damage(tmp_path, entries, whole=False) is None
    change(tmp_path / "small")
    assert first_damage(tmp_path, entries, whole=False) == f"{tmp_path}/small {changed}"
    assert len(all_damage(tmp_path, entries)) == 2
    assert first_damage(tmp_path, entries, whole=False) == f"{tmp_path}/large {changed}"
    (tmp_path / "small").unlink()
    assert file_problem(tmp_path / "small", entries["small"], whole=False) == "is missing"
    (tmp_path / "small").mkdir()
    assert file_problem(tmp_path / "small", entries["small"], whole=False) == "is not a file"
