"""What a run of the tests leaves out, and when."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TESTS = """
import pytest

def test_quick():
    pass

@pytest.mark.slow
def test_long():
    pass

@pytest.mark.slow(but=3)
@pytest.mark.parametrize("case", range(8))
def test_many(case):
    pass
"""
QUICK = ["test_quick", "test_many[0]", "test_many[2]", "test_many[5]"]
ALL = ["test_quick", "test_long", *(f"test_many[{case}]" for case in range(8))]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], QUICK),
        (["tests"], QUICK),
        (["-n2"], QUICK),
        (["--slow"], ALL),
        (["-n2", "tests/test_it.py"], ALL),
        (["-k", "long"], ["test_long"]),
        (["tests/test_it.py::test_many[1]"], ["test_many[1]"]),
    ],
)
def test_slow_tests_are_left_out_unless_asked_for(words: list[str], expected: list[str], tmp_path: Path) -> None:
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_it.py").write_text(TESTS)
    hooks = "pytest_addoption, pytest_collection_modifyitems, pytest_configure, pytest_report_header"
    (tmp_path / "conftest.py").write_text(f"from selection import {hooks}\n")
    settings = "[pytest]\ntestpaths = tests\nmarkers = slow(but=0): long\n"
    (tmp_path / "pytest.ini").write_text(settings)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-v", "-p", "no:cacheprovider", *words],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT / "tests"), "PYTEST_ADDOPTS": ""},
        capture_output=True,
        text=True,
    )
    ran = [line.split("::")[1].split()[0] for line in done.stdout.splitlines() if line.count("PASSED") == 1]
    assert done.returncode == 0 and f"{len(expected)} passed" in done.stdout, done.stdout
    assert ("left out" in done.stdout) == (expected == QUICK)
    if "-n2" not in words:
        assert ran == expected
